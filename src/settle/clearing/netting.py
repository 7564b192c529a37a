"""Netting: the views run in order over one window's records. Pure but for the engine's memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settle.clearing.agreements import Agreements
from settle.clearing.fees import Fees
from settle.clearing.kinds import COMPONENTS
from settle.clearing.pricing import PRICING_VIEWS, SUMMING_VIEWS, price
from settle.clearing.rates import Rates
from settle.clearing.standing import STANDING_VIEWS, Standing, stand
from settle.clearing.totals import conserved, refuse_too_large
from settle.engine import AnyScratch, read_views
from settle.errors import MoneyError

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS = (
    *SUMMING_VIEWS, *PRICING_VIEWS, *STANDING_VIEWS, "parties", "conserved", "posted_traded",
    "posted",
)  # fmt: skip
"""The steps of netting, a file each under `views/`, in the order in which they build.

Those of `LAZY` are computed where they are used; the others once, and kept.
"""


def netting_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    return read_views(Path(__file__).parent / "views", VIEWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Netted:
    """A window's positions as columns, and the currencies in which they sum to zero.

    `obliged` to `saved`: see `settle.clearing.standing.Stood`. `used`: the volume added to what
    tiers count, as `usage` came in. `buckets`: a row for each agreement, part, currency and rate.
    `postings`: the journal rows. Neither has a row, or a column, if it was not asked for.
    """

    obliged: pa.Table
    recovered: pa.Table
    set_off: pa.Table
    released: pa.Table
    saved: pa.Table
    used: pa.Table
    buckets: pa.Table
    postings: pa.Table
    currencies: tuple[str, ...]
    rates_on: date | None


def net(
    scratch: AnyScratch, *, day: date, agreements: Agreements, rates: Rates, standing: Standing,
    fees: Fees | None = None, usage: pa.Table | None = None, views: Mapping[str, str] | None = None,
    posting: bool = True, bucketing: bool = True, records: int | None = None,
) -> Netted:  # fmt: skip
    """Net the table or view `records` of the scratch space.

    `fees`: the schedules that agreements name. `usage`: the volume of their months before this
    window, as `Netted.used` gave it. `views` may be other than the files. Without `posting` no
    journal rows are made, without `bucketing` no buckets are told: there are more of them than of
    anything else but records. `records`: how many there are, where they were counted.

    Raises:
        NotConserved: in some currency the parties do not sum to zero.
        BadInput: an agreement, a fee schedule or a rate is missing.
        MoneyError: a total is beyond 64 bits; the message names whose, and the currency.
    """
    views = views or netting_views()
    rates_on = price(
        scratch, day=day, agreements=agreements, fees=fees or Fees.none(), rates=rates,
        usage=usage, views=views, telling=posting or bucketing, records=records,
    )  # fmt: skip
    buckets = _rows(scratch, BUCKETS, of="converted", wanted=bucketing)
    stood = stand(scratch, day=day, standing=standing, views=views)
    scratch.steps({name: views[name] for name in ("parties", "conserved")})
    currencies = conserved(scratch.rows("select currency, amount_minor from conserved").to_pylist())
    if posting:
        scratch.steps({name: views[name] for name in ("posted_traded", "posted")})
    return Netted(
        **{field.name: getattr(stood, field.name) for field in fields(stood)},
        used=scratch.rows(_USED),
        buckets=buckets,
        postings=_rows(scratch, _POSTED, of="posted", wanted=posting),
        currencies=currencies,
        rates_on=rates_on,
    )


def _rows(scratch: AnyScratch, query: str, *, of: str, wanted: bool) -> pa.Table:
    """The rows of a query, if wanted; what is beyond 64 bits in it is refused by name."""
    if not wanted:
        import pyarrow as pa

        return pa.table({})
    try:
        return scratch.rows(query)
    except MoneyError:
        whose = '"row"' if of == "posted" else "agreement_id"
        refuse_too_large(scratch, view=of, amounts=_AMOUNTS[of], whose=whose)
        raise


BUCKET = (*(f"{name}_minor" for name in COMPONENTS), "net_minor", "client_e8", "converted_minor",
          "fx_result_minor", "rounding_result_minor")  # fmt: skip
"""What leaves a bucket as 64 bits."""


def _minor(names: Sequence[str]) -> str:
    return ", ".join(f"minor({name}) as {name}" for name in names)


BUCKETS = f"""select
    agreement_id, part, settlement_currency, currency, cast(records as bigint) as records,
    {_minor(BUCKET)}, rate_id, mid_e8, via, leg_in_e8, leg_out_e8, markup_ppm,
    rounding, convert_per, fx_party
from converted order by place, part, settlement_currency, currency, rate_id"""  # noqa: S608  # names of ours

_USED = """select
    agreement_id, schedule_id, kind, currency, "month", minor(amount_minor) as amount_minor,
    cast(records as bigint) as records
from used order by agreement_id, schedule_id, kind, currency, "month" """

_POSTED = """select "row", frm, into_account, currency, minor(amount) as amount_minor
from posted"""

_AMOUNTS: Mapping[str, Sequence[str]] = {"converted": BUCKET, "posted": ("amount",)}
