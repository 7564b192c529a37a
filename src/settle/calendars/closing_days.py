"""On which days a currency cannot be paid, besides weekends.

Source: the `holidays` package, by country or by financial calendar; each row of `CALENDARS`
names which. The set is data: a currency joins with a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from settle.errors import UnknownCurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Where the closing days of a currency come from, and which fixed days are added.

    `fixed`: (month, day) on which the payment system is closed though the country works.
    """

    country: str = ""
    market: str = ""
    region: str | None = None
    categories: tuple[str, ...] = ("public",)
    fixed: tuple[tuple[int, int], ...] = ()


CALENDARS: Mapping[str, Calendar] = {
    "EUR": Calendar(market="XECB"),  # TARGET: 1 Jan, Good Friday, Easter Monday, 1 May, 25–26 Dec
    "USD": Calendar(market="XFED"),  # Fedwire: a holiday on a Saturday closes no other day
    "GBP": Calendar(country="GB", region="ENG"),
    "JPY": Calendar(country="JP", categories=("public", "bank")),
    "HKD": Calendar(country="HK"),
    "AUD": Calendar(country="AU", region="NSW"),
    "CAD": Calendar(country="CA", region="ON"),
    "CHF": Calendar(country="CH", region="ZH"),
    "SGD": Calendar(country="SG"),
    "SEK": Calendar(country="SE", fixed=((12, 24), (12, 31))),
    "DKK": Calendar(country="DK", fixed=((12, 24), (12, 31))),
    "NOK": Calendar(country="NO", fixed=((12, 24),)),
    "NZD": Calendar(country="NZ"),
    "KRW": Calendar(country="KR", categories=("public", "bank")),
    "CNY": Calendar(country="CN"),
    "THB": Calendar(country="TH", categories=("public", "bank")),
}


@cache
def closing_days(currency: str, year: int) -> frozenset[date]:
    """The days of `year` on which `currency` cannot be paid, weekends aside.

    This is read from the calendar's source once a year and currency.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    import holidays  # a heavy table, loaded when a date is first asked for

    calendar = CALENDARS.get(currency)
    if calendar is None:
        raise UnknownCurrency(f"no calendar is known for {currency!r}", currency=currency)
    found: Mapping[date, str]
    if calendar.market:
        found = holidays.financial_holidays(calendar.market, years=year)
    else:
        found = holidays.country_holidays(
            calendar.country, subdiv=calendar.region, years=year, categories=calendar.categories
        )
    fixed = {date(year, month, day) for month, day in calendar.fixed}
    return frozenset(found) | fixed
