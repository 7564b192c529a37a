"""What is accepted and in no closed window yet.

A close looks at each batch once. Records that settle in a later window it leaves in a file of its
own, `lake/deferred/<window>.parquet`, from which the windows to come take their parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from settle.clearing.lake import Lake, outcome_name
from settle.clearing.records import STORED
from settle.engine import Scratch

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

DEFERRED: Mapping[str, str] = {
    **STORED,
    "occurred_window": "varchar",
    "settles_in": "varchar",
    "deferred_in": "varchar",
}
"""The columns of `lake/deferred/<window>.parquet`."""


class Part(NamedTuple):
    """The records that the outcome `deferred_in` of a window left to the window `settles_in`."""

    deferred_in: str
    settles_in: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """Batches that no close has looked at, parts that earlier ones left, and what was withdrawn.

    `fresh`: how many records were accepted, by batch. `withdrawn`: of batches with records left,
    batch by record.
    """

    lake: Lake
    fresh: Mapping[str, int]
    parts: Sequence[Part]
    withdrawn: Mapping[str, str]

    @classmethod
    def of(cls, connection: Connection, lake: Lake) -> Unsettled:
        """What the store says is open; files that no row names are no part of it."""
        return cls(
            lake=lake,
            fresh=_fresh(connection),
            parts=parts_taken(connection, taken_in=None),
            withdrawn=withdrawn_now(connection),
        )

    @classmethod
    def nothing(cls, lake: Lake) -> Unsettled:
        """Nothing at all."""
        return cls(lake=lake, fresh={}, parts=(), withdrawn={})

    def due(self, window_id: str) -> Unsettled:
        """Of it, what the close of a window looks at: parts of later ones wait."""
        parts = [part for part in self.parts if part.settles_in <= window_id]
        return Unsettled(lake=self.lake, fresh=self.fresh, parts=parts, withdrawn=self.withdrawn)

    def gather(self, scratch: Scratch, *, agreement_ids: Sequence[str] = ()) -> None:
        """Make all open records known as `accepted_open`, or those of some agreements."""
        self.read_waiting(scratch, agreement_ids=agreement_ids)
        self.read_fresh(scratch, "fresh", list(self.fresh), agreement_ids=agreement_ids)
        columns = ", ".join(STORED)
        scratch.view(
            "accepted_open",
            f"select {columns} from fresh union all select {columns} from waiting",  # noqa: S608  # our names
        )

    def read_fresh(
        self, scratch: Scratch, name: str, batch_ids: Sequence[str], *,
        agreement_ids: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Make the records of some fresh batches known as `name`, without the withdrawn."""
        paths = [self.lake.accepted(batch_id) for batch_id in batch_ids]
        self._read(scratch, name, paths, columns=STORED, agreement_ids=agreement_ids)

    def read_waiting(self, scratch: Scratch, *, agreement_ids: Sequence[str] = ()) -> None:
        """Make the records of the parts known as `waiting`, without the withdrawn."""
        import pyarrow as pa

        files = sorted({part.deferred_in for part in self.parts})
        self._read(
            scratch, "deferred", [self.lake.deferred(name) for name in files],
            columns=DEFERRED, agreement_ids=agreement_ids,
        )  # fmt: skip
        keys = {
            field: pa.array([getattr(part, field) for part in self.parts], pa.string())
            for field in ("deferred_in", "settles_in")
        }
        scratch.give("parts", pa.table(keys))
        of_parts = "select * from deferred semi join parts using (deferred_in, settles_in)"
        scratch.view("waiting", of_parts)

    def _read(
        self, scratch: Scratch, name: str, paths: Sequence[Path], *,
        columns: Mapping[str, str], agreement_ids: Sequence[str],
    ) -> None:  # fmt: skip
        import pyarrow as pa

        some = "where agreement_id in (select agreement_id from asked_for)"
        scratch.give("asked_for", pa.table({"agreement_id": pa.array(agreement_ids, pa.string())}))
        scratch.give(
            "withdrawn_all", pa.table({"record_id": pa.array(list(self.withdrawn), pa.string())})
        )
        scratch.read(f"{name}_all", paths, columns=columns, where=some if agreement_ids else "")
        without = " anti join withdrawn_all using (record_id)" if self.withdrawn else ""
        scratch.view(name, f"select * from {name}_all{without}")  # noqa: S608  # our names


def withdrawn_now(connection: Connection) -> Mapping[str, str]:
    """The records of open batches that a conflict took out, with their batch. It only grows."""
    import sqlalchemy as sa

    from settle.clearing import tables

    batches, table = tables.intake_batches, tables.withdrawals
    settled = (
        sa.select(sa.func.coalesce(sa.func.sum(tables.manifests.c.records), 0))
        .where(tables.manifests.c.batch_id == batches.c.batch_id)
        .scalar_subquery()
    )
    # One with all its records settled has lost none: what is settled stands.
    is_open = sa.select(batches.c.batch_id).where(batches.c.accepted > settled)
    query = (
        sa.select(table.c.record_id, table.c.batch_id)
        .where(table.c.batch_id.in_(is_open))
        .order_by(table.c.record_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _fresh(connection: Connection) -> Mapping[str, int]:
    """Batches of which no window has a line yet, with how many records were accepted."""
    import sqlalchemy as sa

    from settle.clearing import tables

    batches, manifests = tables.intake_batches.c, tables.manifests.c
    seen = sa.exists().where(manifests.batch_id == batches.batch_id)
    query = (
        sa.select(batches.batch_id, batches.accepted)
        .where(batches.accepted > 0, ~seen)
        .order_by(batches.batch_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def parts_taken(connection: Connection, *, taken_in: str | None) -> list[Part]:
    """The parts that a window looked at, or those that none has yet."""
    import sqlalchemy as sa

    from settle.clearing import tables

    table, windows = tables.deferrals, tables.windows.c
    query = (
        sa.select(table.c.window_id, windows.outcome, table.c.settles_in, table.c.records)
        .join(tables.windows, windows.window_id == table.c.window_id)
        .where(table.c.taken_in.is_not_distinct_from(taken_in))
        .order_by(table.c.window_id, table.c.settles_in)
    )
    return [
        Part(outcome_name(window_id, outcome), settles_in, records)
        for window_id, outcome, settles_in, records in connection.execute(query)
    ]
