"""A batch sorted in columns: accepted, duplicate, quarantined. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.agreements import Agreements
from settle.clearing.kinds import kinds_table
from settle.clearing.reading import Batch
from settle.clearing.reasons import FIELDS, shown_sql
from settle.clearing.records import STORED
from settle.clearing.windows import Cutoff, microseconds
from settle.engine import Scratch, read_views
from settle.money import currencies, exponent

if TYPE_CHECKING:
    import pyarrow as pa

_HERE = Path(__file__).parent
VIEWS = ("checked", "ids", "known", "disputed", "verdicts")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before this no record can have occurred: the euro's reference rates began the year before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What became of each record. `withdrawn`: record_id and batch_id of earlier ones."""

    accepted: pa.Table
    quarantined: pa.Table
    findings: pa.Table
    duplicates: int
    withdrawn: Sequence[Mapping[str, Any]]


def sort_batch(
    scratch: Scratch, batch: Batch, *, now: datetime, agreements: Agreements, cutoff: Cutoff,
    accepted_before: Sequence[Path], settled_before: Sequence[Path],
    refused_before: Sequence[Path], withdrawn_before: Sequence[str],
) -> Sorted:  # fmt: skip
    """Judge every record against the agreements, the others of its batch and all before."""
    import pyarrow as pa

    _give_references(scratch, agreements=agreements, now=now, cutoff=cutoff)
    scratch.give("batch", batch.columns)
    scratch.step("raw", (_HERE / "reading.sql").read_text(encoding="utf-8"))
    views = read_views(_HERE / "views", VIEWS)
    scratch.steps({name: views[name] for name in ("checked", "ids")})
    withdrawn = pa.table({"record_id": pa.array(withdrawn_before, pa.string())})
    scratch.give("withdrawn_before", withdrawn)
    _read_before(scratch, accepted=accepted_before, settled=settled_before, refused=refused_before)
    scratch.steps({name: views[name] for name in ("known", "disputed", "verdicts")})
    return _outcome(scratch, batch_id=batch.batch_id, now=now)


def _give_references(
    scratch: Scratch, *, agreements: Agreements, now: datetime, cutoff: Cutoff
) -> None:
    import pyarrow as pa

    codes = list(currencies())
    scratch.give("agreements", _with_validity(agreements, cutoff=cutoff))
    scratch.give("kinds", kinds_table())
    scratch.give(
        "currencies", pa.table({"currency": codes, "exponent": [exponent(c) for c in codes]})
    )
    scratch.give(
        "terms",
        pa.table({"now_us": [microseconds(now)], "earliest_us": [microseconds(EARLIEST)]}),
    )


def _with_validity(agreements: Agreements, *, cutoff: Cutoff) -> pa.Table:
    """The agreements with the instant from which each holds: the start of that day's window."""
    import pyarrow as pa

    days = agreements.column("valid_from")
    starts = {
        day: microseconds(cutoff.ends_at(max(day, EARLIEST.date()) - timedelta(days=1)))
        for day in set(days)
    }
    column = pa.array([starts[day] for day in days], pa.int64())
    return agreements.table.append_column("valid_from_us", column)


def _read_before(
    scratch: Scratch, *, accepted: Sequence[Path], settled: Sequence[Path],
    refused: Sequence[Path],
) -> None:  # fmt: skip
    """Of all that came before, only the ids of this batch."""
    ids = {"record_id": "varchar"}
    keys = {**ids, "content": "varchar", "batch_id": "varchar"}
    scratch.read("accepted_all", accepted, columns=keys)
    scratch.step(
        "accepted_before", "select a.* from accepted_all a semi join ids using (record_id)"
    )
    scratch.read("settled_all", settled, columns=ids)
    scratch.step("settled_before", "select s.* from settled_all s semi join ids using (record_id)")
    scratch.read("refused_all", refused, columns={**ids, "reason": "varchar"})
    scratch.step(
        "conflicted_before",
        """select record_id from withdrawn_before semi join ids using (record_id)
        union
        select record_id from refused_all semi join ids using (record_id)
        where reason = 'conflict'""",
    )


def _outcome(scratch: Scratch, *, batch_id: str, now: datetime) -> Sorted:
    accepted = scratch.rows(
        f"""select
            row, record_id, original_record_id, participant_id, agreement_id, counterparty_id,
            kind, minor(amount_minor) as amount_minor, currency,
            make_timestamptz(occurred_us) as occurred_at,
            make_timestamptz(coalesce(received_us, {microseconds(now)})) as received_at,
            reference, attributes, content, '{batch_id}' as batch_id
        from verdicts where verdict = 'accepted' order by row"""  # noqa: S608  # a number and a digest
    )
    assert list(STORED) == accepted.column_names
    quarantined = scratch.rows(
        """select
            row, record_id, original_record_id, participant_id, agreement_id, counterparty_id,
            kind, amount_said, currency, occurred_said, received_said, reference, attributes,
            unreadable, reason
        from verdicts where verdict = 'quarantined' order by row"""
    )
    return Sorted(
        accepted=accepted,
        quarantined=quarantined,
        findings=_findings(scratch),
        duplicates=scratch.value("select count(*) from verdicts where verdict = 'duplicate'"),
        withdrawn=scratch.rows(
            """select record_id, withdrawn_from as batch_id from disputed
            where withdrawn_from is not null order by record_id"""
        ).to_pylist(),
    )


def _findings(scratch: Scratch) -> pa.Table:
    import pyarrow as pa

    fields = pa.table({"reason": list(FIELDS), "field": list(FIELDS.values())})
    scratch.give("reasons", fields)
    return scratch.rows(
        f"""select v.row, f.field, coalesce({shown_sql()}, '') as value, v.reason, v.record_id
        from verdicts as v join reasons as f on f.reason = v.reason
        where v.verdict = 'quarantined' order by v.row"""  # noqa: S608  # names from our code
    )
