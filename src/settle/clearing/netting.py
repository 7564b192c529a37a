"""Netting: the views run in order over one window's records. Pure but for the engine's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settle.calendars import add_business_days, next_business_day
from settle.clearing.agreements import Agreements
from settle.clearing.kinds import kinds_table
from settle.clearing.rates import Rates, pairs_table
from settle.engine import Scratch, read_views
from settle.errors import BadInput, NotConserved

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

    `slices`: slice_id, agreement_id, amount_minor. `carried`: agreement_id, currency,
    amount_minor, since; at most one row per agreement and currency.
    """

    slices: pa.Table
    carried: pa.Table


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
    """
    scratch.give("agreements", agreements.table)
    scratch.give("kinds", kinds_table())
    scratch.give("slices_due", standing.slices)
    scratch.give("carried", standing.carried)
    _refuse_unknown(scratch)
    _give_calendars(scratch, day=day)
    rates_on = _give_pairs(scratch, day=day, rates=rates)
    scratch.steps(views or netting_views())
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
        """select agreement_id from (
            select agreement_id from records union select agreement_id from slices_due
        ) anti join agreements using (agreement_id) order by agreement_id limit 1"""
    ).to_pylist()
    if gone:
        name = gone[0]["agreement_id"]
        raise BadInput(
            f"agreement {name!r} has records or a reserve, but is no longer among the agreements",
            field="agreement_id",
        )


def _give_calendars(scratch: Scratch, *, day: date) -> None:
    import pyarrow as pa

    terms = scratch.rows(
        """select distinct settlement_currency as currency, reserve_days
        from agreements order by currency, reserve_days"""
    ).to_pylist()
    codes = sorted({term["currency"] for term in terms})
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
