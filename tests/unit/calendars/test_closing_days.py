"""Closing days agree with what the payment systems publish."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.calendars import (
    Certainty,
    closing_days,
    is_business_day,
    rules,
    subtract_business_days,
    why_closed,
    why_open,
    working_weekends,
)
from settle.calendars.day_rules import easter
from settle.money import currencies

HONG_KONG_2026 = (
    "01-01 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19 12-25"
)

PATIENT = settings(deadline=None)
"""The first question about a year loads its tables, on a busy machine slowly."""


def weekdays_closed(currency: str, year: int) -> list[str]:
    return sorted(f"{day:%m-%d}" for day in closing_days(currency, year) if day.weekday() < 5)


def test_every_currency_of_the_table_has_a_calendar() -> None:
    """The 14, CNY and THB: none is without closing days."""
    assert tuple(currencies()) == rules().currencies()


@PATIENT
@given(year=st.integers(2000, 2090))
def test_t2_keeps_its_six_closing_days(year: int) -> None:
    """TARGET closes on six days a year, two of them by Easter, whatever the weekday."""
    one = timedelta(days=1)
    fixed = {date(year, month, day) for month, day in ((1, 1), (5, 1), (12, 25), (12, 26))}
    extra = {date(2001, 12, 31)} if year == 2001 else set()
    expected = fixed | extra | {easter(year) - 2 * one, easter(year) + one}
    assert expected == closing_days("EUR", year)


@pytest.mark.parametrize(
    ("currency", "year", "published"),
    [
        ("NOK", 2017, "04-13 04-14 04-17 05-01 05-17 05-25 06-05 12-25 12-26"),
        ("DKK", 2026, "01-01 04-02 04-03 04-06 05-14 05-15 05-25 06-05 12-24 12-25 12-31"),
        ("DKK", 2027, "01-01 03-25 03-26 03-29 05-06 05-07 05-17 12-24 12-31"),
        ("AUD", 2024, "01-01 01-26 03-29 04-01 04-25 06-10 12-25 12-26"),
        ("HKD", 2026, HONG_KONG_2026),
        ("USD", 2021, "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25"),
    ],
)
def test_a_published_year_is_matched_to_the_day(currency: str, year: int, published: str) -> None:
    """No day too many, none too few, against a year that the authority published."""
    assert published.split() == weekdays_closed(currency, year)


def test_china_works_on_the_weekends_the_state_council_names() -> None:
    """Working weekends of 2026 are open, and the bridges that they pay for are closed."""
    worked = {date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9),
              date(2026, 9, 20), date(2026, 10, 10)}  # fmt: skip
    assert worked == working_weekends("CNY", 2026)
    assert all(is_business_day(day, "CNY") for day in worked)
    assert not is_business_day(date(2026, 2, 20), "CNY")
    assert "make-up working day" == why_open(date(2026, 2, 14), "CNY").name


def test_rits_works_where_only_one_of_its_states_rests() -> None:
    """The labour days of New South Wales and Victoria close Sydney's system on neither."""
    assert is_business_day(date(2024, 10, 7), "AUD")
    assert is_business_day(date(2024, 3, 11), "AUD")


def test_a_closed_day_says_why_and_on_whose_word() -> None:
    """A holiday has its name, a weekend its weekday, a business day nothing."""
    good_friday = why_closed(date(2024, 3, 29), "EUR")
    assert good_friday is not None
    assert ("Good Friday", Certainty.SOURCED) == (good_friday.name, good_friday.certainty)
    saturday = why_closed(date(2024, 12, 21), "EUR")
    assert saturday is not None
    assert "Saturday" == saturday.name
    assert why_closed(date(2024, 12, 20), "EUR") is None


def test_a_year_that_nobody_has_published_is_a_forecast() -> None:
    """Past the State Council's last list, both closed and open days are a guess, and say so."""
    assert not why_open(date(2026, 10, 10), "CNY").is_forecast
    assert why_open(date(2028, 10, 12), "CNY").is_forecast
    estimated = why_closed(date(2030, 2, 4), "SGD")
    assert estimated is not None
    assert estimated.is_forecast
    assert Certainty.SOURCED is why_open(date(2035, 10, 12), "EUR").certainty


@PATIENT
@given(
    day=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    count=st.integers(1, 300),
    currency=st.sampled_from(rules().currencies()),
)
def test_counting_back_is_looking_at_every_day(day: date, count: int, currency: str) -> None:
    """The day found is open, and as many days before `day` are open as were counted."""
    found = subtract_business_days(day, count, currency)
    between = ((found + timedelta(days=n)) for n in range((day - found).days))
    assert is_business_day(found, currency)
    assert count == sum(is_business_day(between_day, currency) for between_day in between)
