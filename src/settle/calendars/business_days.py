"""Counting days on which a currency can be paid."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date

from settle.calendars.closing_days import calendar_year
from settle.calendars.packs import RulePack, rules


def is_business_day(day: date, currency: str, *, pack: RulePack | None = None) -> bool:
    """Whether `currency` can be paid on `day`. This is no for weekends and closing days.

    A weekend day that is worked, as in China before a long holiday, is a business day.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    return day in calendar_year(currency, day.year, pack=pack or rules()).open_set


def next_business_day(day: date, currency: str, *, pack: RulePack | None = None) -> date:
    """The first business day of `currency` after `day`. This never gives `day` itself."""
    return add_business_days(day, 1, currency, pack=pack)


def add_business_days(
    day: date, count: int, currency: str, *, pack: RulePack | None = None
) -> date:
    """The `count`-th business day of `currency` after `day`.

    This gives for a count of zero `day` itself, or the business day after it if it is none.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    assert count >= 0, "business days are counted forward"
    pack = pack or rules()
    if count == 0:
        if is_business_day(day, currency, pack=pack):
            return day
        count = 1
    year = day.year
    days = calendar_year(currency, year, pack=pack).open_days
    wanted = bisect_right(days, day) + count - 1
    while wanted >= len(days):
        wanted -= len(days)
        year += 1
        days = calendar_year(currency, year, pack=pack).open_days
    return days[wanted]


def subtract_business_days(
    day: date, count: int, currency: str, *, pack: RulePack | None = None
) -> date:
    """The `count`-th business day of `currency` before `day`.

    This gives for a count of zero `day` itself, or the business day before it if it is none.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    assert count >= 0, "business days are counted backward by a positive number"
    pack = pack or rules()
    if count == 0:
        if is_business_day(day, currency, pack=pack):
            return day
        count = 1
    year = day.year
    days = calendar_year(currency, year, pack=pack).open_days
    wanted = bisect_left(days, day) - count
    while wanted < 0:
        year -= 1
        days = calendar_year(currency, year, pack=pack).open_days
        wanted += len(days)
    return days[wanted]
