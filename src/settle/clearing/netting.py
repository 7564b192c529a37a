"""Netting: the views run in order over one window's records. Pure but for the engine's memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settle.calendars import add_business_days, next_business_day
from settle.clearing.agreements import Agreements
from settle.clearing.kinds import COMPONENTS, kinds_table
from settle.clearing.rates import Rates, pairs_table
from settle.engine import Scratch, read_views
from settle.errors import BadInput, MoneyError, NotConserved
from settle.money import MINOR_MAX

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS = (
    "charged", "grossed", "taxed", "bucketed", "quoted", "converted", "combined", "fixed",
    "released", "netted", "standing", "obliged", "parties", "conserved", "posted",
)  # fmt: skip
"""The steps of netting, a file each under `views/`, in the order in which they build."""


def netting_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    return read_views(Path(__file__).parent / "views", VIEWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What earlier windows left: reserve slices whose day has come, and unpaid rests.

    `slices`: slice_id, agreement_id, currency, amount_minor. `carried`: agreement_id, currency,
    amount_minor, since; at most one row per agreement and currency. `reserved`, of slices whose
    day has not come: agreement_id, currency, amount_minor.
    """

    slices: pa.Table
    carried: pa.Table
    reserved: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Netted:
    """A window's positions as columns, and the currencies in which they sum to zero."""

    obliged: pa.Table
    buckets: pa.Table
    postings: pa.Table
    currencies: tuple[str, ...]
    rates_on: date | None


def net(
    scratch: Scratch, *, day: date, agreements: Agreements, rates: Rates, standing: Standing,
    views: Mapping[str, str] | None = None,
) -> Netted:  # fmt: skip
    """Net the table `records` of the scratch space. `views` may be other than the files.

    Raises:
        NotConserved: in some currency the parties do not sum to zero.
        BadInput: an agreement is missing, or a rate is.
        MoneyError: a total is beyond 64 bits; the message names whose, and the currency.
    """
    scratch.give("agreements", agreements.table)
    scratch.give("kinds", kinds_table())
    scratch.give("slices_due", standing.slices)
    scratch.give("carried", standing.carried)
    scratch.give("reserved", standing.reserved)
    _refuse_unknown(scratch)
    _give_calendars(scratch, day=day)
    rates_on = _give_pairs(scratch, day=day, rates=rates)
    scratch.steps(views or netting_views())
    _refuse_too_large(scratch)
    return Netted(
        obliged=scratch.rows(_OBLIGED),
        buckets=scratch.rows(_BUCKETS),
        postings=scratch.rows(
            'select "row", frm, into_account, currency, minor(amount) as amount_minor from posted'
        ),
        currencies=_conserved(scratch),
        rates_on=rates_on,
    )


def _refuse_unknown(scratch: Scratch) -> None:
    gone = scratch.rows(
        """select agreement_id, min(what) as what from (
            select agreement_id, 'unsettled records' as what from records
            union all select agreement_id, currency || ' in reserve' from slices_due
            union all select agreement_id, currency || ' in reserve' from reserved
            union all select agreement_id, currency || ' carried' from carried
        ) anti join agreements using (agreement_id)
        group by agreement_id order by agreement_id limit 1"""
    ).to_pylist()
    if gone:
        name, what = gone[0]["agreement_id"], gone[0]["what"]
        raise BadInput(
            f"agreement {name!r} is no longer among the agreements, but has {what}: "
            "keep its row until all of that is settled",
            field="agreement_id", agreement_id=name,
        )  # fmt: skip


def _give_calendars(scratch: Scratch, *, day: date) -> None:
    import pyarrow as pa

    terms = scratch.rows(
        """select distinct settlement_currency as currency, reserve_days
        from agreements order by currency, reserve_days"""
    ).to_pylist()
    left = scratch.rows("select currency from slices_due union select currency from carried")
    codes = sorted({*(term["currency"] for term in terms), *left.column("currency").to_pylist()})
    scratch.give(
        "value_dates",
        pa.table({"currency": codes, "value_date": [next_business_day(day, c) for c in codes]}),
    )
    released = [add_business_days(day, t["reserve_days"], t["currency"]) for t in terms]
    columns = {name: [term[name] for term in terms] for name in ("currency", "reserve_days")}
    scratch.give("releases", pa.table({**columns, "release_on": released}))


def _give_pairs(scratch: Scratch, *, day: date, rates: Rates) -> date | None:
    rows = scratch.rows(
        """select distinct r.currency, a.settlement_currency
        from records as r join agreements as a using (agreement_id) order by 1, 2"""
    ).to_pylist()
    pairs = [(row["currency"], row["settlement_currency"]) for row in rows]
    needed = rates.on(day) if any(base != quote for base, quote in pairs) else None
    scratch.give("pairs", pairs_table(pairs, rates=needed))
    return needed.as_of if needed else None


def _refuse_too_large(scratch: Scratch) -> None:
    for view, amounts in _AMOUNTS.items():
        largest = "greatest(" + ", ".join(f"abs({amount})" for amount in amounts) + ")"
        whose = '"row"' if view == "posted" else "agreement_id"
        found = scratch.rows(
            f"""select {whose} as whose, currency from {view} where {largest} > {MINOR_MAX}
            order by 1, 2 limit 1"""  # noqa: S608  # names and a number of ours
        ).to_pylist()
        if found:
            whose, currency = found[0]["whose"], found[0]["currency"]
            raise MoneyError(
                f"{whose}: a total in {currency} is beyond {MINOR_MAX} minor units",
                whose=whose, currency=currency,
            )  # fmt: skip


def _conserved(scratch: Scratch) -> tuple[str, ...]:
    sums = scratch.rows("select currency, amount_minor from conserved").to_pylist()
    for row in sums:
        if row["amount_minor"] != 0:
            raise NotConserved(
                f"positions in {row['currency']} sum to {row['amount_minor']}, not to zero",
                currency=row["currency"],
            )
    return tuple(row["currency"] for row in sums)


_OBLIGED = """select
    agreement_id, participant_id, currency, cast(records as bigint) as records,
    minor(converted_minor) as converted_minor, minor(fees_fixed_minor) as fees_fixed_minor,
    minor(tax_fixed_minor) as tax_fixed_minor,
    minor(reserve_withheld_minor) as reserve_withheld_minor,
    minor(reserve_released_minor) as reserve_released_minor, minor(net_minor) as net_minor,
    minor(carried_in_minor) as carried_in_minor, minor(due_minor) as due_minor,
    carried_since, outcome, value_date, release_on
from obliged order by agreement_id, currency"""

_BUCKETS = """select
    agreement_id, settlement_currency, currency, records, minor(sales_minor) as sales_minor,
    minor(refunds_minor) as refunds_minor, minor(chargebacks_minor) as chargebacks_minor,
    minor(reversals_minor) as reversals_minor, minor(adjustments_minor) as adjustments_minor,
    minor(fees_percent_minor) as fees_percent_minor, minor(fees_back_minor) as fees_back_minor,
    minor(fees_explicit_minor) as fees_explicit_minor, minor(tax_minor) as tax_minor,
    minor(net_minor) as net_minor, rate_id, mid_e8, minor(client_e8) as client_e8, rounding,
    minor(converted_minor) as converted_minor
from converted order by agreement_id, currency"""

_AMOUNTS: Mapping[str, Sequence[str]] = {
    "converted": (
        *(f"{name}_minor" for name in COMPONENTS), "net_minor", "client_e8", "converted_minor",
    ),
    "obliged": (
        "converted_minor", "fees_fixed_minor", "tax_fixed_minor", "reserve_withheld_minor",
        "reserve_released_minor", "net_minor", "carried_in_minor", "due_minor",
    ),
    "posted": ("amount",),
}  # fmt: skip
"""What leaves a view as 64 bits."""
