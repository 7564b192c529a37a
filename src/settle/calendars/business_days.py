"""Counting days on which a currency can be paid."""

from __future__ import annotations

from datetime import date, timedelta

from settle.calendars.closing_days import closing_days

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_business_day(day: date, currency: str) -> bool:
    """Whether `currency` can be paid on `day`. This is no for weekends and closing days.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    closed = closing_days(currency, day.year)
    return day.weekday() < _SATURDAY and day not in closed


def next_business_day(day: date, currency: str) -> date:
    """The first business day of `currency` after `day`. This never gives `day` itself."""
    return add_business_days(day, 1, currency)


def add_business_days(day: date, count: int, currency: str) -> date:
    """The `count`-th business day of `currency` after `day`.

    This gives for a count of zero `day` itself, or the business day after it if it is none.
    """
    assert count >= 0, "business days are counted forward"
    if count == 0:
        return day if is_business_day(day, currency) else next_business_day(day, currency)
    found = day
    while count:
        found += _DAY
        count -= is_business_day(found, currency)
    return found
