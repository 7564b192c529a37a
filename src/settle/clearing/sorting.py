"""A batch sorted in columns: accepted, duplicate, quarantined. Nothing is written here.

The many are tested together, and only what fails a test or shares its id with another record is
looked at one by one: `suspects`. What is found stays in the scratch space, as tables and views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.agreements import Agreements
from settle.clearing.caps import Caps
from settle.clearing.kinds import kinds_query
from settle.clearing.reading import give_currencies
from settle.clearing.reasons import FIELDS, OF_AGREEMENTS, shown_sql
from settle.clearing.windows import Cutoff, microseconds, window_of, windows_table
from settle.engine import Scratch, read_views

if TYPE_CHECKING:
    import pyarrow as pa

_VIEWS = Path(__file__).parent / "views" / "intake"
VIEWS = (
    "keyed", "suspects", "suspects_told", "checked", "originals", "traced", "ids", "known",
    "disputed", "compared", "capped", "verdicts", "told", "accepted",
)  # fmt: skip
"""The steps of sorting, a file each under `views/intake/`, in the order in which they build."""

LAZY = frozenset({"keyed", "told", "accepted"})
"""Those with a row a record: computed where they are used, never kept."""

JUDGED_BY = ("agreement_id", "participant_id", "role", "refund_rate")
"""What of an agreement its records are held against, beside the day from which it holds."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before this no record can have occurred: the euro's reference rates began the year before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What became of a batch, counted. `withdrawn`: record_id and batch_id of earlier records."""

    records_in: int
    accepted: int
    duplicates: int
    quarantined: int
    findings: pa.Table
    withdrawn: Sequence[Mapping[str, Any]]


def sorting_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    views = read_views(_VIEWS, [name for name in VIEWS if name != "suspects_told"])
    # The digest of all that a record says is one text, over the suspects and over all.
    told = views["told"].replace("from typed as t", "from suspects as t")
    return {name: views.get(name, told) for name in VIEWS}


def give_references(
    scratch: Scratch, *, agreements: Agreements, caps: Caps, now: datetime, cutoff: Cutoff,
    horizon: timedelta, corrects: bool = False,
) -> None:  # fmt: skip
    """Make known what records are held against. What occurred before the horizon is too late.

    `corrects`: kinds that take a record back are known, too.
    """
    import pyarrow as pa

    earliest = max(now - horizon, EARLIEST)

    scratch.give("agreements", _with_validity(agreements, cutoff=cutoff))
    scratch.steps(reference_views())
    scratch.step("kinds", kinds_query(corrections=corrects))
    give_currencies(scratch)
    terms = {
        "now_us": [microseconds(now)],
        "earliest_us": [microseconds(EARLIEST)],
        "horizon_us": [microseconds(earliest)],
    }
    scratch.give("terms", pa.table(terms))
    scratch.give("caps", caps.table)
    first, last = window_of(earliest, cutoff), window_of(now, cutoff)
    scratch.give("days", windows_table(first, last, cutoff=cutoff))


def _with_validity(agreements: Agreements, *, cutoff: Cutoff) -> pa.Table:
    """The agreements with the instant from which each holds: the start of that day's window."""
    import pyarrow as pa

    coded = agreements.table.column("valid_from").combine_chunks().dictionary_encode()
    starts = [
        microseconds(cutoff.ends_at(max(day, EARLIEST.date()) - timedelta(days=1)))
        for day in coded.dictionary.to_pylist()
    ]
    return agreements.table.select(JUDGED_BY).append_column(
        "valid_from_us", pa.array(starts, pa.int64()).take(coded.indices)
    )


def reference_views() -> dict[str, str]:
    """The SQL of what every record is looked up in, by name. This is what an auditor reads."""
    return read_views(_VIEWS, ("partners", "merchants"))


def sought_views() -> dict[str, str]:
    """The SQL of the step before looking back, by name. This is what an auditor reads."""
    return read_views(_VIEWS, ("sought",))


def seek(scratch: Scratch) -> None:
    """Make known which sales refunds are looking for. This comes before what came before."""
    scratch.steps(sought_views())


def seek_twice(scratch: Scratch) -> Callable[[], None]:
    """Look for ids that came more than once in `typed`, aside. Call what this gives to know them.

    This asks for no reference: it can come before them all.
    """
    scratch.steps(read_views(_VIEWS, ("keyed",)), lazy=LAZY)
    return scratch.repeated("twice", "select id_key from keyed")


def sort_batch(
    scratch: Scratch, *, is_again: bool = False, twice: Callable[[], None] | None = None
) -> Sorted:
    """Judge the records `typed` against the references and what came before.

    What came before is `again` (record_id, content, batch_id, is_settled, is_conflicted) and
    `sold_before` (record_id, agreement_id, occurred_us); `caps` and `exposures` bound what a
    party may owe. `is_again`: records that only other agreements had refused; of these the ones
    refused still are told already, and duplicates have come meanwhile. `twice`: what
    `seek_twice` gave, where that was begun before.
    """
    (twice or seek_twice(scratch))()
    scratch.steps({n: query for n, query in sorting_views().items() if n != "keyed"}, lazy=LAZY)
    refused = "outcome = 'quarantined'"
    if is_again:
        names = ", ".join(f"'{name}'" for name in sorted(OF_AGREEMENTS))
        refused = f"{refused} and why not in ({names})"
    scratch.step("refused", f"select * from verdicts where {refused} order by row")  # noqa: S608  # our names
    records_in = scratch.value("select count(*) from typed")
    counts = scratch.rows(_COUNTS).to_pylist()[0]
    accepted = records_in - counts["suspects"] + counts["accepted"]
    quarantined = counts["quarantined"]
    duplicates = 0 if is_again else counts["duplicates"]
    return Sorted(
        records_in=accepted + quarantined if is_again else records_in,
        accepted=accepted,
        duplicates=duplicates,
        quarantined=quarantined,
        findings=_findings(scratch),
        withdrawn=scratch.rows(
            """select record_id, withdrawn_from as batch_id from disputed
            where withdrawn_from is not null order by record_id"""
        ).to_pylist(),
    )


_COUNTS = """select
    count(*) as suspects,
    count(*) filter (where outcome = 'accepted') as accepted,
    count(*) filter (where outcome = 'duplicate') as duplicates,
    (select count(*) from refused) as quarantined
from verdicts"""


def accepted_query(*, batch_id: str, now: datetime) -> str:
    """The accepted records as the lake keeps them, in the order in which they came."""
    return f"""select
        row, record_id, original_record_id, participant_id, agreement_id, counterparty_id,
        kind, minor(amount_minor) as amount_minor, currency,
        make_timestamptz(occurred_us) as occurred_at,
        make_timestamptz(coalesce(received_us, {microseconds(now)})) as received_at,
        reference, attributes, original_on, content, '{batch_id}' as batch_id
    from accepted order by row"""  # noqa: S608  # a number and a digest


QUARANTINED = """select
    row, record_id, original_record_id, participant_id, agreement_id, counterparty_id,
    kind, amount_said, currency, occurred_said, received_said, reference, attributes,
    unreadable, why as reason
from shown order by row"""
"""The refused records as the lake keeps them."""


_SHOWN = """select
    row, record_id, original_record_id, participant_id, agreement_id, counterparty_id, kind,
    coalesce(amount_said, cast(amount_minor as varchar)) as amount_said, currency,
    coalesce(occurred_said, cast(make_timestamptz(occurred_us) as varchar)) as occurred_said,
    coalesce(received_said, cast(make_timestamptz(received_us) as varchar)) as received_said,
    reference, attributes, unreadable, why
from refused"""


def _findings(scratch: Scratch) -> pa.Table:
    import pyarrow as pa

    fields = pa.table({"reason": list(FIELDS), "field": list(FIELDS.values())})
    scratch.give("reasons", fields)
    scratch.view("shown", _SHOWN)
    return scratch.rows(
        f"""select
            v.row, f.field, coalesce({shown_sql()}, '') as value, v.why as reason, v.record_id
        from shown as v join reasons as f on f.reason = v.why order by v.row"""  # noqa: S608  # ours
    )
