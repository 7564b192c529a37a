"""Rows of the store as plain dictionaries, and values in groups that fit one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.tables import payments

CHUNK = 1000
"""Values per statement, well below SQLite's 32,766."""


def fetch(connection: Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    """The rows of a query, by column name."""
    found = connection.execute(query)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def chunks(values: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """The values in groups that fit one statement."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def write(
    connection: Connection, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write some columns of payments, as the rows have them now."""
    if not rows:
        return
    statement = (
        sa.update(payments)
        .where(payments.c.payment_id == sa.bindparam("of_payment"))
        .values({name: sa.bindparam(f"new_{name}") for name in columns})
    )
    connection.execute(
        statement,
        [
            {"of_payment": row["payment_id"], **{f"new_{name}": row[name] for name in columns}}
            for row in rows
        ],
    )
