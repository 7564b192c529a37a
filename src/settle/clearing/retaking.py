"""The same content again under other agreements: what they refused is judged anew.

The records that may now be taken are a further batch of their own; those that still may not, and
all that was decided before, stay counted in the batch as which the content first came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from settle.clearing.batches import Intake
from settle.clearing.reading import Batch
from settle.clearing.reasons import OF_AGREEMENTS
from settle.clearing.sorting import Sorted
from settle.store import derived

if TYPE_CHECKING:
    import pyarrow as pa


def reopened(batch: Batch, earlier: Sequence[Intake], *, agreements_digest: str) -> Batch:
    """The records that only the agreements refused, under an id of their own.

    `earlier`: the batches of this content, the first one first. What a further one found wrong
    is told already.
    """
    first, *further = earlier
    told = {finding.row for intake in further for finding in intake.findings}
    rows = [found.row for found in first.findings if found.reason in OF_AGREEMENTS]
    return Batch(
        derived("batch", batch.batch_id, agreements_digest),
        _of_rows(batch.columns, [row for row in rows if row not in told]),
    )


def cured(batch: Batch, outcome: Sorted) -> tuple[Batch, Sorted]:
    """What is left to a further batch: the records now taken, or refused for another reason.

    A record that the agreements still refuse, or that has come in another batch since, stays
    what it was.
    """
    kept = replace(
        outcome,
        quarantined=_without(outcome.quarantined, OF_AGREEMENTS),
        findings=_without(outcome.findings, OF_AGREEMENTS),
        duplicates=0,
    )
    rows = [*kept.accepted.column("row").to_pylist(), *kept.findings.column("row").to_pylist()]
    return Batch(batch.batch_id, _of_rows(batch.columns, rows)), kept


def _of_rows(columns: pa.Table, rows: Sequence[int]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return columns.filter(pc.is_in(columns.column("row"), value_set=pa.array(rows, pa.int64())))


def _without(table: pa.Table, reasons: frozenset[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    refused = pc.is_in(table.column("reason"), value_set=pa.array(sorted(reasons), pa.string()))
    return table.filter(pc.invert(refused))
