"""What routing weighs beside the rails themselves: costs, dates, money and health, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from settle.adapters import ANYWHERE, Adapter, Cost, Cutoff
from settle.errors import BadInput
from settle.payments.funding import Place

_ALWAYS = date(1, 1, 1)
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The earliest value date that an order given now has over a rail, and what decided it."""

    value_date: date
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How the rails stand at one instant. The same conditions give the same routes.

    `costs`: by rail, currency and country. `reached`: by rail and currency; where it is silent,
    every value date is reached. `spendable`: by account, in minor units; where it is silent,
    nobody has looked, and it counts as enough. `down`: by rail, why it is not to be relied on now.
    """

    costs: Mapping[tuple[str, str, str], Cost] = field(default_factory=lambda: _NOTHING)
    reached: Mapping[tuple[str, str], Reached] = field(default_factory=lambda: _NOTHING)
    spendable: Mapping[Place, int] = field(default_factory=lambda: _NOTHING)
    down: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def cost(self, rail: str, *, currency: str, country: str) -> Cost | None:
        """What a rail takes for a payment to a country; None where nobody says."""
        of = self.costs.get
        return of((rail, currency, country)) or of((rail, currency, ANYWHERE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoffRow:
    """Until when a rail takes orders, as its profile or a platform says.

    `cutoff`: hours of its own; None for those that the calendars have of `provider` and
    `channel`. `lead_time`: what we need until the rail has the order.
    """

    currency: str
    cutoff: Cutoff | None = None
    provider: str = ""
    channel: str = ""
    lead_time: timedelta = timedelta()


def conditions_of(
    rails: Mapping[str, Adapter[Any]],
    *,
    at: datetime,
    costs: Mapping[str, Sequence[Cost]] = _NOTHING,
    cutoffs: Mapping[str, Sequence[CutoffRow]] = _NOTHING,
    spendable: Mapping[Place, int] = _NOTHING,
    down: Mapping[str, str] = _NOTHING,
    otherwise: Mapping[str, Reached] = _NOTHING,
) -> Conditions:
    """The conditions at an instant: what the profiles say, and over it what is given by rail.

    `otherwise`: by currency, the date that a rail reaches of which no cut-off is known.

    Raises:
        BadInput: a cut-off is of a provider or a currency that the calendars do not have.
    """
    told: dict[tuple[str, str, str], Cost] = {}
    dates: dict[tuple[str, str], Reached] = {}
    for name, adapter in rails.items():
        profile = adapter.profile
        dates |= {(name, currency): each for currency, each in otherwise.items()}
        for cost in (*profile.costs, *costs.get(name, ())):
            told[name, cost.currency, cost.country] = cost
        declared = (CutoffRow(currency=row.currency, cutoff=row) for row in profile.cutoffs)
        for row in (*declared, *cutoffs.get(name, ())):
            dates[name, row.currency] = reached(name, row, at=at)
    return Conditions(costs=told, reached=dates, spendable=spendable, down=down)


def reached(rail: str, row: CutoffRow, *, at: datetime) -> Reached:
    """The earliest value date over a rail of an order that is given at an instant.

    Raises:
        BadInput: the calendars have no such cut-off, or not the currency.
    """
    from settle.calendars import BankCutoff, Certainty, earliest_value_date

    hours = None
    if (own := row.cutoff) is not None:
        hours = BankCutoff(
            currency=row.currency, zone=own.zone, time=own.time, value_days=own.value_days,
            effective_from=_ALWAYS, source=rail, certainty=Certainty.SOURCED,
        )  # fmt: skip
    try:
        found = earliest_value_date(
            row.currency, at, provider=row.provider, channel=row.channel, cutoff=hours,
            lead_time=row.lead_time,
        )  # fmt: skip
    except BadInput as error:
        raise BadInput(f"cut-off of {rail}: {error.message}", rail=rail, **error.facts) from None
    return Reached(value_date=found.value_date, why=found.decided_by.text)
