"""Business days follow the calendar of each currency."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.calendars import add_business_days, is_business_day, next_business_day
from settle.errors import UnknownCurrency
from settle.money import currencies

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
CODES = st.sampled_from(sorted(currencies()))

PATIENT = settings(deadline=None)
"""The first question about a year loads its tables, on a busy machine slowly."""


def test_the_night_pays_on_the_next_working_day() -> None:
    """Payouts of the committed night have the value dates its statements show."""
    for currency in currencies():
        assert date(2024, 12, 19) == next_business_day(date(2024, 12, 18), currency)
        assert date(2024, 12, 20) == next_business_day(date(2024, 12, 19), currency)


@pytest.mark.parametrize(
    ("currency", "day", "why"),
    [
        ("EUR", date(2024, 3, 29), "Good Friday"),
        ("EUR", date(2024, 4, 1), "Easter Monday"),
        ("EUR", date(2024, 5, 1), "Labour Day"),
        ("EUR", date(2024, 12, 26), "26 December"),
        ("USD", date(2024, 7, 4), "Independence Day"),
        ("GBP", date(2024, 8, 26), "summer bank holiday, England's only"),
        ("NOK", date(2024, 5, 17), "Constitution Day"),
        ("NOK", date(2024, 12, 24), "Norges Bank is closed"),
        ("JPY", date(2025, 1, 2), "banks rest until 3 January"),
        ("CNY", date(2024, 10, 2), "National Day week"),
        ("THB", date(2024, 4, 15), "Songkran"),
        ("SEK", date(2024, 12, 21), "a Saturday"),
    ],
)
def test_a_closed_payment_system_pays_nobody(currency: str, day: date, why: str) -> None:
    """Each currency keeps its own holidays, and all keep weekends."""
    assert not is_business_day(day, currency), why


def test_target_works_where_a_country_does_not() -> None:
    """EUR follows TARGET's six closing days, not any one country's holidays."""
    assert is_business_day(date(2024, 10, 3), "EUR")
    assert is_business_day(date(2024, 8, 15), "EUR")


def test_a_saturday_holiday_does_not_close_fedwire_on_friday() -> None:
    """The Federal Reserve opens on the Friday before a holiday that falls on a Saturday."""
    assert is_business_day(date(2021, 12, 24), "USD")


def test_a_currency_without_calendar_is_refused_by_name() -> None:
    """Nothing is assumed about a currency nobody described."""
    with pytest.raises(UnknownCurrency, match="'XXX'"):
        is_business_day(date(2024, 12, 18), "XXX")


@PATIENT
@given(day=DAYS, first=st.integers(0, 12), second=st.integers(1, 12), currency=CODES)
def test_counting_in_two_steps_is_counting_in_one(
    day: date, first: int, second: int, currency: str
) -> None:
    """Business days add up, whatever holidays lie between."""
    whole = add_business_days(day, first + second, currency)
    if first == 0 and not is_business_day(day, currency):
        return  # zero days already roll forward to a business day
    assert whole == add_business_days(add_business_days(day, first, currency), second, currency)
    assert is_business_day(whole, currency)
