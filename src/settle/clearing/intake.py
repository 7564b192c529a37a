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
from settle.clearing.batches import Finding, Intake, save_intake, stored_intakes
from settle.clearing.lake import Draft, Lake, draft
from settle.clearing.reading import Batch, read_batch
from settle.clearing.retaking import cured, reopened
from settle.clearing.sorting import Sorted, sort_batch
from settle.clearing.tables import intake_batches, windows, withdrawals
from settle.clearing.turn import edition, is_my_turn
from settle.clearing.windows import Cutoff
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
    cutoff: Cutoff | None = None,
) -> Intake:
    """Take a batch of records in. This changes nothing when the same content came before.

    `received_at` is the instant now: what occurred after it is refused, and a record without
    a receipt of its own gets it. In = accepted + duplicates + quarantined, always. `cutoff`
    says when the first day of an agreement begins.

    The same content under other agreements: records that were quarantined for the agreements
    alone, and now are taken, are a further batch, which is what is given back. Where there are
    none, it is the batch as which the content first came.

    Raises:
        BadInput: the source cannot be read at all; the message names it, and nothing is stored.
    """
    batch = read_batch(source, name=name)
    while True:
        done = _take_once(
            batch, name=name, received_at=received_at, store=store, engine=engine,
            lake=Lake(lake), agreements=agreements, cutoff=cutoff or Cutoff(),
        )  # fmt: skip
        if done is not None:
            return done


def _take_once(
    content: Batch, *, name: str, received_at: datetime, store: Store, engine: Engine, lake: Lake,
    agreements: Agreements, cutoff: Cutoff,
) -> Intake | None:  # fmt: skip
    batch = content
    with store.reading() as connection:
        earlier = stored_intakes(connection, content.batch_id)
        if agreements.digest in earlier:
            return earlier[agreements.digest]
        if earlier:
            told = list(earlier.values())
            batch = reopened(content, told, agreements_digest=agreements.digest)
            if not batch.columns.num_rows:
                return told[0]
        seen = edition(connection)
        before = Before.of(connection, lake)
    with engine.scratch() as scratch:
        outcome = sort_batch(
            scratch, batch, now=received_at, agreements=agreements, cutoff=cutoff,
            accepted_before=before.accepted, settled_before=before.settled,
            refused_before=before.refused, withdrawn_before=before.withdrawn,
        )  # fmt: skip
    if earlier:
        batch, outcome = cured(batch, outcome)
        if not batch.columns.num_rows:
            return told[0]
    judged = {"content_id": content.batch_id, "agreements_digest": agreements.digest}
    drafts = [
        draft(outcome.accepted, lake.accepted(batch.batch_id)),
        draft(outcome.quarantined, lake.quarantine(batch.batch_id)),
    ]
    try:
        with store.transaction() as connection:
            if not is_my_turn(connection, seen=seen):
                return None
            intake = _commit(connection, batch, outcome, drafts, name=name, now=received_at)
            save_intake(connection, intake, **judged, taken_at=received_at.astimezone(UTC))
            return intake
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
