"""`[routing]`: what rails cost and until when they take orders; and the conditions of a night."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from settle import payments
from settle.adapters import ANYWHERE, Cost, Cutoff
from settle.calendars import next_business_day
from settle.errors import BadInput, ConfigError
from settle.money import MINOR_MAX, exponent
from settle.payments import Conditions, CutoffRow, Reached
from settle.payments.conditions import reached
from settle.payments.funding import Place

if TYPE_CHECKING:
    from settle.hub.hub import Hub

ClockTime = time
"""A field of that name hides the type."""

_SOME_DAY = datetime(2026, 1, 5, tzinfo=UTC)
"""On which a cut-off is looked up once, to see whether the calendars have it."""

UNWELL_FOR = timedelta(days=1)
"""How long silence speaks against a rail."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    rail: str
    currency: str


class CostRow(_Row):
    """`[[routing.costs]]`: what one payment costs on a rail, in its currency.

    `fixed_minor` in minor units and `ppm` millionths of the amount; `country`: the beneficiary's.
    """

    country: str = Field(default=ANYWHERE, pattern=r"^([A-Z]{2}|\*)$")
    fixed_minor: int = Field(default=0, ge=0, le=MINOR_MAX, strict=True)
    ppm: int = Field(default=0, ge=0, le=1_000_000, strict=True)

    def cost(self) -> Cost:
        """The same as routing takes it."""
        return Cost(
            currency=self.currency, country=self.country, fixed_minor=self.fixed_minor, ppm=self.ppm
        )


class CutoffSettings(_Row):
    """`[[routing.cutoffs]]`: until when a rail takes orders in a currency.

    Either `time` and `zone`, for a value date `value_days` business days later, or `provider` and
    `channel` of the calendars. `lead_minutes`: what we need until the rail has the order.
    """

    time: ClockTime | None = None
    zone: str = ""
    value_days: int = Field(default=0, ge=0, le=10)
    provider: str = ""
    channel: str = ""
    lead_minutes: int = Field(default=0, ge=0, le=10_080)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.time is None) == (not self.provider):
            raise ValueError("give either time and zone, or a provider of the calendars")
        if self.time is not None:
            try:
                ZoneInfo(self.zone)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{self.zone!r} is not a time zone") from None
        return self

    def row(self) -> CutoffRow:
        """The same as routing takes it."""
        return CutoffRow(
            currency=self.currency, cutoff=self._hours(), provider=self.provider,
            channel=self.channel, lead_time=timedelta(minutes=self.lead_minutes),
        )  # fmt: skip

    def _hours(self) -> Cutoff | None:
        if self.time is None:
            return None
        return Cutoff(
            currency=self.currency, zone=self.zone, time=self.time, value_days=self.value_days
        )


class RoutingSettings(BaseModel):
    """`[routing]`: what is weighed where several rails take a payment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    costs: Sequence[CostRow] = ()
    cutoffs: Sequence[CutoffSettings] = ()

    def check(self, rails: Collection[str], *, file: Path) -> None:
        """Refuse rows of rails and currencies that there are not, of hours nobody knows, and twins.

        Raises:
            ConfigError: names the key and the fix.
        """
        tables: dict[str, Sequence[CostRow | CutoffSettings]] = {
            "costs": self.costs, "cutoffs": self.cutoffs,
        }  # fmt: skip
        for table, rows in tables.items():
            seen: set[tuple[str, ...]] = set()
            for nth, row in enumerate(rows):
                key = f"routing.{table}.{nth}"
                names = (row.rail, row.currency, getattr(row, "country", ""))
                if why := self._against(row, rails) or ("is told twice" if names in seen else ""):
                    raise ConfigError(f"{file}: {key}: {why}", key=key)
                seen.add(names)

    @staticmethod
    def _against(row: CostRow | CutoffSettings, rails: Collection[str]) -> str:
        if row.rail not in rails:
            return f"no rail {row.rail!r} is configured"
        try:
            exponent(row.currency)
            if isinstance(row, CutoffSettings):
                reached(row.rail, row.row(), at=_SOME_DAY)
        except BadInput as error:
            return error.message
        return ""


def weighed(hub: Hub, day: date, *, spendable: Mapping[Place, int]) -> Conditions:
    """How the rails stand in the night of a day, as settings, calendars, ledger and store know."""
    # A pause keeps money from being spent, and says nothing of which rail is the better one.
    paused = hub.config.settings.controls.paused_currencies
    free = {place: amount for place, amount in spendable.items() if place[2] not in paused}
    return _conditions(hub, hub.now(day), spendable=free, down=_down(hub, day))


def value_dates(hub: Hub, now: datetime) -> dict[tuple[str, str], date]:
    """The earliest value date of a payment that is released now, by rail and currency."""
    found = _conditions(hub, now, spendable={}, down={}).reached
    return {key: each.value_date for key, each in found.items()}


def _conditions(
    hub: Hub, at: datetime, *, spendable: Mapping[Place, int], down: Mapping[str, str]
) -> Conditions:
    settings = hub.config.settings.routing
    costs: dict[str, list[Cost]] = defaultdict(list)
    cutoffs: dict[str, list[CutoffRow]] = defaultdict(list)
    for row in settings.costs:
        costs[row.rail].append(row.cost())
    for hours in settings.cutoffs:
        cutoffs[hours.rail].append(hours.row())
    return payments.conditions_of(
        hub.adapters, at=at, costs=costs, cutoffs=cutoffs, spendable=spendable, down=down,
        otherwise=_without_cutoff(hub, at),
    )  # fmt: skip


def _without_cutoff(hub: Hub, at: datetime) -> dict[str, Reached]:
    """Nothing is promised for today where nobody says until when a rail takes orders."""
    today = at.astimezone(UTC).date()
    currencies = {ref.currency for x in hub.adapters.values() for ref in x.accounts()}
    return {
        currency: Reached(
            value_date=next_business_day(today, currency), why="no cut-off of it is known"
        )
        for currency in currencies
    }


def _down(hub: Hub, day: date) -> dict[str, str]:
    """Why rails are not to be relied on tonight: paused, or silent as far as the store knows."""
    with hub.store.reading() as connection:
        silent = payments.unwell(connection, since=hub.now(day) - UNWELL_FOR)
    told = {rail: f"did not answer: {why}" for rail, why in hub.nights.rails_down(day).items()}
    paused = dict.fromkeys(hub.config.settings.controls.paused_rails, "is paused")
    return silent | told | paused
