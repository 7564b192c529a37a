"""Outcomes of windows that no longer stand: kept in the lake as the store had them.

A table a file, `lake/superseded/<outcome>/<table>.parquet`, with the window's own row among them.
The files that the outcome was made of stay beside those of the one that took its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.explanation import Explanation, Taken, bucket_of
from settle.clearing.kept_terms import kept
from settle.clearing.lake import Draft, Lake, drafted, outcome_name
from settle.clearing.position import position_of
from settle.clearing.rewinding import decided
from settle.engine import Scratch
from settle.errors import BadInput
from settle.store import arrow, derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwinding:
    """That a window was unwound. `outcome`: the one that no longer stands since.

    `failed`: who was named then. `digest`: of the rows of that outcome, kept in the lake.
    """

    window_id: str
    outcome: int
    failed: tuple[str, ...]
    actor: str
    reason: str
    unwound_at: datetime
    digest: str


def unwindings(connection: Connection, *, window_id: str | None = None) -> Sequence[Unwinding]:
    """What was unwound: of one window, or ever, in the order in which it was."""
    table = tables.unwindings
    query = sa.select(table).order_by(table.c.unwound_at, table.c.window_id, table.c.outcome)
    if window_id is not None:
        query = query.where(table.c.window_id == window_id)
    return [
        Unwinding(**{**row, "failed": tuple(json.loads(row["failed"]))})
        for row in connection.execute(query).mappings()
    ]


def draft_outcome(
    scratch: Scratch, connection: Connection, lake: Lake, *, window_id: str, outcome: int
) -> list[Draft]:
    """Write the rows of the outcome that stands beside their places in the lake."""
    own = ((tables.windows, tables.windows.c.window_id == window_id), *decided(window_id))
    name, drafts = outcome_name(window_id, outcome), []
    for table, where in own:
        query = sa.select(table).where(where).order_by(*table.primary_key.columns)
        scratch.give("superseded", arrow(connection, query))
        place = lake.superseded(name, table=table.name)
        drafts.append(drafted(scratch, "select * from superseded", place))
    return drafts


def digest_of_all(drafts: Sequence[Draft]) -> str:
    """One digest of the rows of an outcome."""
    parts = [part for draft in drafts for part in (draft.place.stem, draft.digest)]
    return derived("superseded", *parts)


def explain_superseded(
    connection: Connection, *, position_id: str, outcome: int, lake: Path
) -> Explanation:
    """The exact decomposition of a position as an earlier outcome of its window had it.

    Raises:
        BadInput: no window that was unwound had it then, or its rows are not in the lake.
    """
    for each in unwindings(connection):
        rows = _Rows(Lake(lake), outcome_name(each.window_id, outcome))
        if each.outcome == outcome and (found := rows.of("positions", position_id=position_id)):
            return _explained(rows, found[0], outcome=outcome)
    raise BadInput(
        f"no position is called {position_id!r} in an outcome {outcome} that was unwound",
        position_id=position_id, field="outcome",
    )  # fmt: skip


def _explained(rows: _Rows, row: Mapping[str, Any], *, outcome: int) -> Explanation:
    position_id = row["position_id"]
    lines = rows.of("position_lines", position_id=position_id)
    buckets = sorted(map(bucket_of, lines), key=lambda each: (each.currency, each.rate_id))
    taken = sorted(_taken(rows, position_id), key=lambda each: (each.nth, each.source_id))
    return Explanation(
        position=position_of(row, outcome=outcome), buckets=tuple(buckets),
        taken=tuple(taken),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rows:
    lake: Lake
    name: str

    def of(self, table: str, **wanted: str) -> list[Mapping[str, Any]]:
        """The rows of a table that have these values."""
        import pyarrow.compute as pc

        found = kept(self.lake.superseded(self.name, table=table))
        for column, value in wanted.items():
            found = found.filter(pc.equal(found.column(column), value))
        rows: list[Mapping[str, Any]] = found.to_pylist()
        return rows


def _taken(rows: _Rows, position_id: str) -> Iterator[Taken]:
    for row in rows.of("recoveries", position_id=position_id):
        yield Taken(
            source=row["source"], source_id=row["source_id"], amount_minor=row["amount_minor"],
            nth=row["nth"],
        )  # fmt: skip
    for gift in rows.of("recoveries", source="set_off", source_id=position_id):
        yield Taken(
            source="set_off", source_id=gift["position_id"], amount_minor=-gift["amount_minor"]
        )
