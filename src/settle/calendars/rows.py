"""The rows of a rule pack: what is known of a currency, since when, from whom and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from settle.calendars.certainty import Certainty
from settle.calendars.day_rules import DayRule

ANY = "*"
"""Stands for every currency, in rows of conventions that are the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row has. This is in force from `effective_from` to `effective_until`.

    `effective_until`: the last day, inclusive; none: until a later row of the same key.
    """

    currency: str
    effective_from: date
    effective_until: date | None = None
    source: str
    certainty: Certainty
    note: str = ""

    def is_in_force(self, day: date) -> bool:
        """Whether the row holds on `day`, as long as no later row of its key does."""
        until = self.effective_until
        return self.effective_from <= day and (until is None or day <= until)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayList(Row):
    """Which list of the `holidays` package closes a currency. This is the start of its calendar.

    `regions`: a day closes the currency if it is a holiday in every one of them.
    `weekend`: ISO weekdays, Monday 1. `make_up_days`: weekend days that the list calls working
    days are open. `published_until`: the last year for which the authority has published;
    later years are a forecast.
    """

    country: str = ""
    market: str = ""
    regions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    weekend: tuple[int, ...] = (6, 7)
    make_up_days: bool = False
    published_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing(Row):
    """A day on which the currency cannot be paid, beyond its list. This adds to the calendar."""

    day: DayRule
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening(Row):
    """A day on which the currency is paid, though the list or the weekend says no. This wins."""

    day: DayRule
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rtgs(Row):
    """Opening hours of a large-value system, local times of `zone`. This is the rail's own clock.

    `customer_close`: last settlement of customers' payments; none: the final close governs.
    `opens_days`, `closes_days`: calendar days between the value date and the time named, for
    systems that open the evening before (-1) or close the morning after (1).
    """

    system: str
    zone: str
    opens: time
    opens_days: int = 0
    customer_close: time | None = None
    final_close: time
    closes_days: int = 0

    @property
    def close(self) -> time:
        """When customers' payments end."""
        return self.customer_close or self.final_close


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCutoff(Row):
    """Until when a bank takes an order for a value date. This is hours before the rail closes.

    `provider`: blank for the default of no provider in particular. `channel`: the provider's
    own word, blank if it has one only. `use`: `payment` or `conversion`. `value_days`: how many
    business days of the currency lie between the order's day and the value date.
    """

    provider: str = ""
    channel: str = ""
    use: str = "payment"
    zone: str
    time: time
    value_days: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What no two rows of one day share."""
        return self.currency, self.provider, self.channel, self.use


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfDay(Row):
    """A day that ends early. This gives local times of `zone` for the rail, banks, or both."""

    day: DayRule
    name: str
    zone: str
    rail_close: time | None = None
    bank_cutoff: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotLag(Row):
    """Business days from trade to spot of a pair. This holds for both directions of it.

    `other`: the second currency. `provider`: blank for the market's convention.
    `usd_holidays_count`: a USD holiday between trade and spot pushes it, as for the Mexican peso.
    """

    other: str = ANY
    provider: str = ""
    days: int
    usd_holidays_count: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeDay(Row):
    """When a trade day begins: at `time` of `zone`, `days` before the date that it is called."""

    zone: str
    time: time
    days_before: int = 0
