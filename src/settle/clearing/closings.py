"""The closings of windows as the store has them: what each came to, and who had failed."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closed window, counted. `late`: records that were to settle in an earlier one.

    `currencies` are those in which all parties were proved to sum to zero. `failed`: who was
    named as such, in order. `outcome`: 1, and one more each time that the window was unwound,
    which is when `closed_at` then is.
    """

    window_id: str
    closed_at: datetime
    records: int
    late: int
    positions: int
    postings: int
    currencies: tuple[str, ...]
    settled_digest: str
    manifest_digest: str
    rates_on: date | None
    failed: tuple[str, ...] = ()
    outcome: int = 1


def stored_closing(connection: Connection, day: date) -> Closing | None:
    """The closing of a day as it was committed, or None if its window is open."""
    columns = [tables.windows.c[field.name] for field in fields(Closing)]
    query = sa.select(*columns).where(tables.windows.c.window_id == day.isoformat())
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    told = {
        "currencies": tuple(row["currencies"].split()),
        "failed": tuple(json.loads(row["failed"])),
    }
    return Closing(**{**row, **told})


def last_closed(connection: Connection) -> str | None:
    """The latest window that is closed."""
    found: str | None = connection.scalar(sa.select(sa.func.max(tables.windows.c.window_id)))
    return found


def row_of(closing: Closing) -> dict[str, Any]:
    """The closing as a row of `windows`, but for the terms that it was netted under."""
    row = {field.name: getattr(closing, field.name) for field in fields(Closing)}
    return row | {
        "currencies": " ".join(closing.currencies),
        "failed": json.dumps(closing.failed),
    }
