"""What is accepted and in no closed window yet, and what earlier windows left standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.lake import Lake
from settle.clearing.netting import Standing
from settle.clearing.records import STORED
from settle.clearing.windows import Cutoff, instant, window_of, windows_table
from settle.engine import Scratch, read_views
from settle.store import arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """The files that may hold open records, and those that say which are not open."""

    accepted: Sequence[Path]
    settled: Sequence[Path]
    withdrawn: Sequence[str]

    @classmethod
    def of(cls, connection: Connection, lake: Lake) -> Unsettled:
        """Batches with records left, and the windows that took some of theirs."""
        batches = _open_batches(connection)
        taken_in = sa.select(tables.manifests.c.window_id).where(
            tables.manifests.c.batch_id.in_(batches)
        )
        return cls(
            accepted=[lake.accepted(batch_id) for batch_id in batches],
            settled=[lake.settled(w) for w in sorted(set(connection.scalars(taken_in)))],
            withdrawn=withdrawn_from(connection, batches),
        )

    def gather(self, scratch: Scratch, *, agreement_ids: Sequence[str] = ()) -> None:
        """Make the open records known as `accepted_open`: all, or those of some agreements."""
        import pyarrow as pa

        wanted = pa.table({"agreement_id": pa.array(agreement_ids, pa.string())})
        scratch.give("wanted", wanted)
        of_some = "where agreement_id in (select agreement_id from wanted)"
        scratch.read(
            "accepted_all", self.accepted, columns=STORED, where=of_some if agreement_ids else ""
        )
        scratch.read("settled_all", self.settled, columns={"record_id": "varchar"})
        withdrawn = pa.table({"record_id": pa.array(self.withdrawn, pa.string())})
        scratch.give("withdrawn_all", withdrawn)
        scratch.step(
            "accepted_open",
            """select a.* from accepted_all as a
            anti join settled_all as s on s.record_id = a.record_id
            anti join withdrawn_all as w on w.record_id = a.record_id""",
        )


def withdrawn_from(connection: Connection, batch_ids: Sequence[str]) -> Sequence[str]:
    """The ids of records of these batches that a conflict took out. This only ever grows."""
    table = tables.withdrawals
    return connection.scalars(
        sa.select(table.c.record_id).where(table.c.batch_id.in_(batch_ids))
    ).all()


def _open_batches(connection: Connection) -> list[str]:
    """Batches of which not every accepted record is settled or withdrawn."""
    batches, manifests, withdrawals = (
        tables.intake_batches, tables.manifests, tables.withdrawals,
    )  # fmt: skip
    settled = (
        sa.select(sa.func.coalesce(sa.func.sum(manifests.c.records), 0))
        .where(manifests.c.batch_id == batches.c.batch_id)
        .scalar_subquery()
    )
    withdrawn = (
        sa.select(sa.func.count())
        .where(withdrawals.c.batch_id == batches.c.batch_id)
        .scalar_subquery()
    )
    query = (
        sa.select(batches.c.batch_id)
        .where(batches.c.accepted > settled + withdrawn)
        .order_by(batches.c.batch_id)
    )
    return list(connection.scalars(query))


def place(scratch: Scratch, *, day: date, cutoff: Cutoff) -> None:
    """Make the open records due by `day` known as `records`, each with its window and reason.

    A record of an earlier window than `day` was in no manifest when that window closed, or the
    window was never closed by itself: it is late.
    """
    scratch.step(
        "instants", "select record_id, epoch_us(occurred_at) as occurred_us from accepted_open"
    )
    first_us = scratch.value("select min(occurred_us) from instants")
    first = day if first_us is None else min(day, window_of(instant(first_us), cutoff))
    scratch.give("windows", windows_table(first, day, cutoff=cutoff))
    scratch.steps(read_views(Path(__file__).parent / "views", ("windowed",)))
    scratch.step(
        "records",
        f"""select r.*, w.window_id as occurred_window,
            case when w.window_id = '{day.isoformat()}' then 'on_time' else 'late' end as reason
        from accepted_open as r join windowed as w on w.record_id = r.record_id""",  # noqa: S608  # a date
    )


def standing_of(connection: Connection, *, day: date) -> Standing:
    """Reserve slices whose day has come and those still held, and what is carried."""
    slices, carries = tables.reserve_slices, tables.carries
    held = (
        sa.select(
            slices.c.slice_id, slices.c.agreement_id, slices.c.currency, slices.c.amount_minor
        )
        .where(slices.c.released_in.is_(None))
        .order_by(slices.c.slice_id)
    )
    due, not_yet = slices.c.release_on <= day, slices.c.release_on > day
    carried = (
        sa.select(
            carries.c.carry_id, carries.c.agreement_id, carries.c.currency,
            carries.c.amount_minor, carries.c.since,
        )
        .where(carries.c.taken_in.is_(None))
        .order_by(carries.c.carry_id)
    )  # fmt: skip
    return Standing(
        slices=arrow(connection, held.where(due)),
        carried=arrow(connection, carried),
        reserved=arrow(connection, held.where(not_yet)),
    )
