"""Pricing: the first half of netting, from records to positions with their fees, converted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any

from settle.clearing.agreements import Agreements
from settle.clearing.fees import Fees, fees_tables
from settle.clearing.kinds import kinds_query, turns_table
from settle.clearing.quotations import quotations
from settle.clearing.rates import Rates
from settle.clearing.totals import refuse_too_large
from settle.engine import AnyScratch
from settle.errors import BadInput, MoneyError, NotConserved

if TYPE_CHECKING:
    import pyarrow as pa

SUMMING_VIEWS = (
    "charged", "ruled", "counted", "tiered", "levied", "grossed", "scheduled", "used", "aimed",
    "wanted",
)  # fmt: skip
"""The steps up to the question which rates are needed, in the order in which they build."""

PRICING_VIEWS = (
    "paired", "quoted", "singled", "singles", "bucketed", "taxed", "converted", "passed_on",
    "fixed", "combined", "sides", "earned", "shared", "parties_traded",
)  # fmt: skip
"""The steps from there to the positions and to what the trade gives each party."""

LAZY = frozenset(
    ("charged", "ruled", "counted", "levied", "aimed", "paired", "singled", "bucketed", "taxed")
)
"""Views of a row a record, or that one other view uses: computed where they are used.

What tiers count (`tiered`) is kept: it takes a sort of all these records, and is used thrice.
"""


_SUMMED = {
    "place": "integer", "facing": "varchar", "kind": "varchar", "currency": "varchar",
    "rate_on": "varchar",
}  # fmt: skip
_WIDE = "decimal(38, 0)"

WITHOUT_SCHEDULES: Mapping[str, Mapping[str, str]] = {
    "ruled": {},
    "counted": {},
    "tiered": {},
    "levied": {
        "record_id": "varchar", "counterparty_id": "varchar", **_SUMMED, "way": "integer",
        "fee_minor": _WIDE,
    },
    "scheduled": {**_SUMMED, "taken_minor": _WIDE, "back_minor": _WIDE},
    "used": {
        "agreement_id": "varchar", "schedule_id": "varchar", "kind": "varchar",
        "currency": "varchar", "month": "varchar", "amount_minor": _WIDE, "records": _WIDE,
    },
}  # fmt: skip
"""What no agreement asks for if none has a fee schedule. To plan these views takes a third of
the time of a small window, so they are empty tables then; without columns, nothing reads them."""

WITHOUT_RECORDS: Mapping[str, Mapping[str, str]] = {
    "singled": {
        "record_id": "varchar", **_SUMMED, "part": "varchar", "pair": "integer",
        "component": "varchar", "gross_minor": _WIDE, "fee_minor": _WIDE,
    },
    "singles": {
        "place": "integer", "part": "varchar", "pair": "integer", "gross_minor": _WIDE,
        "fee_minor": _WIDE, "turnover_minor": _WIDE, "explicit_minor": _WIDE,
    },
}  # fmt: skip
"""The same, if none converts a record at a time."""


def no_usage() -> pa.Table:
    """The volume that tiers counted before, where there is none."""
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    return pa.schema(
        {
            "agreement_id": text, "schedule_id": text, "kind": text, "currency": text,
            "month": text, "amount_minor": whole, "records": whole,
        }
    ).empty_table()  # fmt: skip


def _give_terms(
    scratch: AnyScratch, *, agreements: Agreements, fees: Fees, usage: pa.Table | None
) -> None:
    """Make known what all pricing goes by: agreements, kinds, fee rules, partners' shares."""
    _refuse_unknown_schedules(agreements, fees)
    terms = [name for name in agreements.table.column_names if not name.startswith("beneficiary_")]
    table = agreements.table.select(terms)
    scratch.give("agreements", table.append_column("place", _places(agreements)))
    scratch.step("kinds", kinds_query())
    scratch.give("turns", turns_table())
    rules, tiers = fees_tables(fees)
    scratch.give("rules", rules)
    scratch.give("fee_tiers", tiers)
    scratch.give("usage", no_usage() if usage is None else usage)
    scratch.step("sharers", _SHARERS)


def _places(agreements: Agreements) -> pa.Array:
    """The place of each agreement in the order of their ids: what a view groups and sorts by."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ranks = pc.rank(agreements.table.column("agreement_id"), tiebreaker="first")
    return ranks.cast(pa.int32())


def _refuse_unknown_schedules(agreements: Agreements, fees: Fees) -> None:
    named = set(agreements.table.column("fee_schedule").unique().to_pylist()) - {None, ""}
    if unknown := named - fees.schedules:
        gone = min(unknown)
        place = agreements.column("fee_schedule").index(gone)
        name = agreements.column("agreement_id")[place]
        raise BadInput(
            f"agreement {name!r} is charged by fee schedule {gone!r}, which is not among the fees",
            field="fee_schedule", agreement_id=name,
        )  # fmt: skip


def price(
    scratch: AnyScratch, *, day: date, agreements: Agreements, fees: Fees, rates: Rates,
    usage: pa.Table | None, views: Mapping[str, str], telling: bool = True,
    records: int | None = None,
) -> date | None:  # fmt: skip
    """Take `records` of the scratch space to `combined`. Gives the day of the rates, if any.

    `fees`: the schedules that agreements name. `usage`: what tiers counted before. Without
    `telling`, `converted` is not kept: it is slow to look at afterwards. `records`: how many
    there are, where they were counted.

    Raises:
        BadInput: an agreement, a fee schedule or a rate is missing, or the sale whose rate a
            refund asks for was never sought.
        NotConserved: fewer records were summed than there are.
        MoneyError: a currency has no rate, or one that amounts cannot be multiplied by exactly; or
            a total is beyond 64 bits.
    """
    _give_terms(scratch, agreements=agreements, fees=fees, usage=usage)
    unused = _unused(agreements)
    _build(scratch, SUMMING_VIEWS, views=views, unused=unused, lazy=LAZY)
    _refuse_unsummed(scratch, day=day, records=records)
    wanted = scratch.rows("select * from wanted").to_pylist()
    if any(_is_undated(asked) for asked in wanted):
        raise _undated(scratch)
    quoted = quotations(wanted, rates=rates, day=day)
    for field in fields(quoted):
        scratch.give(field.name, getattr(quoted, field.name))
    lazy = LAZY | {"passed_on" if telling else "converted"}
    try:
        _build(scratch, PRICING_VIEWS, views=views, unused=unused, lazy=lazy)
    except MoneyError:
        refuse_too_large(scratch, view=_TO_CONVERT, amounts=("net_minor", "credits_minor"))
        raise
    converts = any(asked["quoted_on"] for asked in wanted)
    return rates.on(day).as_of if converts else None


def _unused(agreements: Agreements) -> Mapping[str, Mapping[str, str]]:
    """The views that nothing in these agreements asks for, each with its columns."""
    has_schedules = set(agreements.table.column("fee_schedule").unique().to_pylist()) - {None, ""}
    converts_singly = "record" in agreements.table.column("convert_per").unique().to_pylist()
    return {
        **({} if has_schedules else WITHOUT_SCHEDULES),
        **({} if converts_singly else WITHOUT_RECORDS),
    }


def _build(
    scratch: AnyScratch, names: Sequence[str], *, views: Mapping[str, str],
    unused: Mapping[str, Mapping[str, str]], lazy: Collection[str],
) -> None:  # fmt: skip
    for name in names:
        if unused.get(name):
            scratch.read(name, [], columns=unused[name])
    scratch.steps({name: views[name] for name in names if name not in unused}, lazy=lazy)


def _refuse_unsummed(scratch: AnyScratch, *, day: date, records: int | None) -> None:
    """Every record has been summed, or its agreement is gone."""
    expected = scratch.value("select count(*) from records") if records is None else records
    summed = scratch.value("select sum(cast(records as decimal(38, 0))) from grossed") or 0
    if summed == expected:
        return
    name = scratch.value(
        """select min(agreement_id) from records
        where agreement_id not in (select agreement_id from agreements)"""
    )
    if name is None:
        raise NotConserved(f"{summed} records were netted in window {day}, not {expected}")
    raise BadInput(
        f"agreement {name!r} is no longer among the agreements, but has unsettled records: "
        "keep its row until all of that is settled",
        field="agreement_id", agreement_id=name,
    )  # fmt: skip


def _is_undated(asked: Mapping[str, Any]) -> bool:
    return not asked["quoted_on"] and asked["currency"] != asked["settlement_currency"]


def _undated(scratch: AnyScratch) -> BadInput:
    """Sales are sought when their refunds come: a rate agreed on later finds none."""
    name, record_id = scratch.rows(_UNDATED).to_pylist()[0].values()
    return BadInput(
        f"refund {record_id!r} has no day of its sale: refund_rate of agreement {name!r} was not "
        "'original' when it was taken; give it back the one it had until this is settled",
        field="refund_rate", agreement_id=name, record_id=record_id,
    )  # fmt: skip


_TO_CONVERT = """(
    select t.agreement_id, i.base as currency, t.net_minor, t.credits_minor
    from taxed as t join mids as i on i.pair = t.pair
) as to_convert"""
"""What cannot be multiplied is beyond 64 bits before it is: see `quotations.FRACTION_MAX`."""

_UNDATED = """select a.agreement_id, c.record_id
from charged as c
join agreements as a on a.place = c.place
where c.rate_on = '' and a.conversion <> 'none' and c.currency <> a.settlement_currency
order by a.agreement_id, c.record_id limit 1"""

_SHARERS = """select
    participant_id,
    max(fee_share_ppm) as fee_share_ppm,
    max(interchange_ppm) as interchange_ppm,
    min(rounding) as rounding
from agreements
where role = 'partner' and (fee_share_ppm > 0 or interchange_ppm > 0)
group by participant_id"""
