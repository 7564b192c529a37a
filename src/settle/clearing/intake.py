"""Taking records in: each is accepted, a duplicate, or quarantined with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.agreements import Agreements
from settle.clearing.batches import Finding, Intake, save_intake, stored_intake
from settle.clearing.lake import Draft, Lake, draft
from settle.clearing.reading import Batch, read_batch
from settle.clearing.sorting import Sorted, sort_batch
from settle.clearing.tables import intake_batches, windows, withdrawals
from settle.clearing.turn import edition, is_my_turn
from settle.engine import Engine
from settle.store import Store, insert_new

if TYPE_CHECKING:
    import pyarrow as pa


def take(
    source: Path | pa.Table | Sequence[Mapping[str, Any]],
    *,
    name: str,
    received_at: datetime,
    store: Store,
    engine: Engine,
    lake: Path,
    agreements: Agreements,
) -> Intake:
    """Take a batch of records in. This changes nothing when the same content came before.

    `received_at` is the instant now: what occurred after it is refused, and a record without
    a receipt of its own gets it. In = accepted + duplicates + quarantined, always.

    Raises:
        BadInput: the source cannot be read at all; the message names it, and nothing is stored.
    """
    batch = read_batch(source, name=name)
    while True:
        done = _take_once(
            batch, name=name, received_at=received_at, store=store, engine=engine,
            lake=Lake(lake), agreements=agreements,
        )  # fmt: skip
        if done is not None:
            return done


def _take_once(
    batch: Batch, *, name: str, received_at: datetime, store: Store, engine: Engine, lake: Lake,
    agreements: Agreements,
) -> Intake | None:  # fmt: skip
    with store.reading() as connection:
        if (stored := stored_intake(connection, batch.batch_id)) is not None:
            return stored
        seen = edition(connection)
        before = Before.of(connection, lake)
    with engine.scratch() as scratch:
        outcome = sort_batch(
            scratch, batch, now=received_at, agreements=agreements,
            accepted_before=before.accepted, settled_before=before.settled,
            refused_before=before.refused, withdrawn_before=before.withdrawn,
        )  # fmt: skip
    drafts = [
        draft(outcome.accepted, lake.accepted(batch.batch_id)),
        draft(outcome.quarantined, lake.quarantine(batch.batch_id)),
    ]
    try:
        with store.transaction() as connection:
            if not is_my_turn(connection, seen=seen):
                return None
            return _commit(connection, batch, outcome, drafts, name=name, now=received_at)
    finally:
        for written in drafts:
            written.discard()


def _commit(
    connection: Connection, batch: Batch, outcome: Sorted, drafts: Sequence[Draft], *, name: str,
    now: datetime,
) -> Intake:  # fmt: skip
    intake = Intake(
        batch_id=batch.batch_id,
        name=name,
        records_in=batch.columns.num_rows,
        accepted=outcome.accepted.num_rows,
        duplicates=outcome.duplicates,
        quarantined=outcome.quarantined.num_rows,
        withdrawn=len(outcome.withdrawn),
        findings=tuple(Finding(file=name, **finding) for finding in outcome.findings.to_pylist()),
    )
    for written in drafts:
        written.publish()
    save_intake(connection, intake, taken_at=now.astimezone(UTC))
    rows = [
        {**row, "withdrawn_by": batch.batch_id, "withdrawn_at": now} for row in outcome.withdrawn
    ]
    insert_new(connection, withdrawals, rows)
    return intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The files of earlier batches and windows, and the ids withdrawn since."""

    accepted: Sequence[Path]
    refused: Sequence[Path]
    settled: Sequence[Path]
    withdrawn: Sequence[str]

    @classmethod
    def of(cls, connection: Connection, lake: Lake) -> Before:
        """What the store says stands; a file that no row names is no part of it."""
        query = sa.select(intake_batches.c.batch_id).order_by(intake_batches.c.batch_id)
        batch_ids = connection.scalars(query).all()
        closed = connection.scalars(sa.select(windows.c.window_id)).all()
        return cls(
            accepted=[lake.accepted(batch_id) for batch_id in batch_ids],
            refused=[lake.quarantine(batch_id) for batch_id in batch_ids],
            settled=[lake.settled(window_id) for window_id in sorted(closed)],
            withdrawn=connection.scalars(sa.select(withdrawals.c.record_id)).all(),
        )
