"""Earliest value dates and latest safe submissions, each with the rule that decided it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from settle.calendars import (
    BankCutoff,
    Certainty,
    earliest_value_date,
    latest_safe_conversion,
    latest_safe_submission,
)
from settle.calendars.deadlines import instant_of
from settle.errors import BadInput

PARIS = ZoneInfo("Europe/Paris")
NEW_YORK = ZoneInfo("America/New_York")


def own_cutoff(clock: time, zone: str, *, currency: str = "EUR", value_days: int = 0) -> BankCutoff:
    return BankCutoff(
        currency=currency, zone=zone, time=clock, value_days=value_days,
        effective_from=date(2020, 1, 1), source="the adapter's profile",
        certainty=Certainty.SOURCED,
    )  # fmt: skip


def test_an_order_in_time_has_value_today() -> None:
    """Noon in Paris is before the cut-off of 16:00, and the answer names that cut-off."""
    answer = earliest_value_date("EUR", datetime(2024, 12, 18, 12, tzinfo=PARIS))
    assert date(2024, 12, 18) == answer.value_date
    assert "bank cut-off" == answer.decided_by.rule
    assert Certainty.INFERRED is answer.certainty


def test_an_order_after_the_cut_off_waits_over_christmas() -> None:
    """Cut-off passed, two closing days, then the next business day: each step is told."""
    at = datetime(2024, 12, 24, 15, 1, tzinfo=PARIS)
    answer = earliest_value_date("EUR", at, provider="ibanfirst", channel="SWIFT")
    assert date(2024, 12, 27) == answer.value_date
    half_day = "half-day cut-off (Christmas Eve) 12:00 Europe/Paris on 2024-12-24"
    swift = "bank cut-off of ibanfirst SWIFT 16:00 Europe/Paris on 2024-12-27"
    assert [
        f"value 2024-12-24 missed: {half_day} passed at 15:01",
        "2024-12-25 is closed: Christmas Day",
        "2024-12-26 is closed: Christmas Holiday",
        "2024-12-27 is a business day of EUR",
        f"value 2024-12-27: {swift} met at 15:01 on 2024-12-24",
    ] == [step.text for step in answer.steps]
    assert Certainty.FROM_MEMORY is answer.certainty
    assert "2024-12-26 is closed: Christmas Holiday" == answer.decided_by.text


def test_the_channel_of_a_provider_decides() -> None:
    """At 15:00 a SEPA payment of this provider is late, and a SWIFT payment is not."""
    at = datetime(2024, 12, 18, 15, tzinfo=PARIS)
    sepa = earliest_value_date("EUR", at, provider="ibanfirst", channel="SEPA")
    swift = earliest_value_date("EUR", at, provider="ibanfirst", channel="SWIFT")
    assert [date(2024, 12, 19), date(2024, 12, 18)] == [sepa.value_date, swift.value_date]


def test_the_rail_governs_where_it_closes_first() -> None:
    """A bank that takes yen until 15:00 in Paris cannot beat a rail that ended in Tokyo."""
    answer = latest_safe_submission("JPY", date(2024, 12, 19), provider="ibanfirst")
    assert datetime(2024, 12, 19, 5, 30, tzinfo=UTC) == answer.at
    assert "BOJ-NET customers' close" == answer.deadline.name
    assert Certainty.CONFLICTING is answer.certainty


def test_the_bank_governs_where_it_closes_first() -> None:
    """Dollars end at this bank at 17:30 in Luxembourg, hours before Fedwire does."""
    answer = latest_safe_submission("USD", date(2024, 12, 19), provider="banking_circle")
    assert datetime(2024, 12, 19, 16, 30, tzinfo=UTC) == answer.at
    later = [step.text for step in answer.steps if step.text.endswith("is later")]
    assert ["Fedwire customers' close 18:45 America/New_York on 2024-12-19 is later"] == later


def test_lead_time_is_taken_off_the_governing_deadline() -> None:
    """Half an hour of our own work moves the last safe instant by half an hour."""
    day, half_hour = date(2024, 12, 19), timedelta(minutes=30)
    answer = latest_safe_submission("CHF", day, provider="ibanfirst", lead_time=half_hour)
    assert datetime(2024, 12, 19, 10, 30, tzinfo=PARIS) == answer.at
    late = earliest_value_date(
        "CHF", answer.at + timedelta(seconds=1), provider="ibanfirst", lead_time=half_hour
    )
    assert date(2024, 12, 20) == late.value_date


def test_a_bank_that_pays_on_the_next_day_counts_business_days() -> None:
    """Australian dollars for Tuesday after Easter are ordered by Thursday before it."""
    answer = latest_safe_submission("AUD", date(2024, 4, 2), provider="banking_circle")
    assert datetime(2024, 3, 28, 17, tzinfo=ZoneInfo("Europe/Luxembourg")) == answer.at


def test_a_value_date_may_end_the_next_morning() -> None:
    """New Zealand's system keeps a value date open until 08:30 of the day after."""
    cutoff = own_cutoff(time(23, 59), "Pacific/Auckland", currency="NZD")
    last = latest_safe_submission("NZD", date(2024, 12, 19), cutoff=cutoff)
    assert datetime(2024, 12, 19, 23, 59, tzinfo=ZoneInfo("Pacific/Auckland")) == last.at
    rail_only = own_cutoff(time(12), "America/Los_Angeles", currency="NZD")
    last = latest_safe_submission("NZD", date(2024, 12, 19), cutoff=rail_only)
    assert datetime(2024, 12, 20, 8, 30, tzinfo=ZoneInfo("Pacific/Auckland")) == last.at
    again = earliest_value_date("NZD", last.at, cutoff=rail_only)
    assert date(2024, 12, 19) == again.value_date


def test_kroner_keep_the_hours_of_their_time() -> None:
    """Danish kroner follow Kronos2 until Easter 2025 and T2 after it."""
    cutoff = own_cutoff(time(23), "Europe/Copenhagen", currency="DKK")
    before = latest_safe_submission("DKK", date(2025, 4, 16), cutoff=cutoff)
    after = latest_safe_submission("DKK", date(2025, 4, 22), cutoff=cutoff)
    assert ["Kronos2 final close", "T2 customers' close"] == [
        before.deadline.name, after.deadline.name,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "hour_utc"),
    [
        (date(2024, 3, 8), 22),
        (date(2024, 3, 11), 21),
        (date(2024, 11, 1), 21),
        (date(2024, 11, 4), 22),
    ],
)
def test_a_cut_off_is_local_across_clock_changes(day: date, hour_utc: int) -> None:
    """17:00 in New York is another instant after the clocks change, and the same local time."""
    cutoff = own_cutoff(time(17), "America/New_York", currency="USD")
    answer = latest_safe_submission("USD", day, cutoff=cutoff)
    assert datetime(day.year, day.month, day.day, hour_utc, tzinfo=UTC) == answer.at


def test_lead_time_is_real_time_when_clocks_change() -> None:
    """Two hours before a deadline on the morning of a change are two hours, not one or three."""
    local = datetime(2024, 3, 10, 1, 30, tzinfo=NEW_YORK)
    cutoff = own_cutoff(time(3, 45), "America/New_York", currency="CNY")
    answer = earliest_value_date("CNY", local, cutoff=cutoff, lead_time=timedelta(hours=2))
    assert date(2024, 3, 11) == answer.value_date
    with_bank = next(step.text for step in answer.steps if "met at" in step.text)
    assert "met at 04:30 on 2024-03-10" in with_bank


def test_a_local_time_that_comes_twice_is_its_first() -> None:
    """01:30 on the night the clocks go back is half past one in summer time."""
    found = instant_of(date(2024, 11, 3), time(1, 30), zone="America/New_York")
    assert datetime(2024, 11, 3, 5, 30, tzinfo=UTC) == found


def test_a_local_time_that_is_skipped_is_read_early() -> None:
    """02:30 on the night the clocks go forward never comes; no order is let in after it."""
    found = instant_of(date(2024, 3, 10), time(2, 30), zone="America/New_York")
    assert datetime(2024, 3, 10, 6, 30, tzinfo=UTC) == found
    assert found < datetime(2024, 3, 10, 3, tzinfo=NEW_YORK)


def test_a_working_sunday_in_china_is_a_value_date() -> None:
    """Yuan can be paid on the Sunday that is worked before a golden week."""
    answer = earliest_value_date("CNY", datetime(2025, 9, 27, 3, tzinfo=UTC))
    assert date(2025, 9, 28) == answer.value_date
    assert "2025-09-28 is a make-up working day of CNY" in answer.explain()


def test_the_earlier_cut_off_of_a_pair_governs_a_conversion() -> None:
    """Francs close before dollars: converting one into the other ends with the francs."""
    answer = latest_safe_conversion(sell="USD", buy="CHF", value_date=date(2024, 12, 19))
    assert "CHF" == answer.currency
    assert datetime(2024, 12, 19, 11, tzinfo=PARIS) == answer.at
    same = latest_safe_conversion(sell="CHF", buy="USD", value_date=date(2024, 12, 19))
    assert answer.at == same.at
    one = latest_safe_conversion(
        sell="DKK", buy="NOK", value_date=date(2024, 12, 19), provider="currencycloud"
    )
    assert datetime(2024, 12, 19, 9, 30, tzinfo=UTC) == one.at


def test_what_cannot_be_answered_is_refused_by_name() -> None:
    """A closed value date, an unknown bank, a naive instant, a year nobody knows."""
    with pytest.raises(BadInput, match="EUR is closed on 2024-12-25: Christmas Day"):
        latest_safe_submission("EUR", date(2024, 12, 25))
    with pytest.raises(BadInput, match=r"known are banking_circle T2 \(payment\), ibanfirst SEPA"):
        latest_safe_submission("EUR", date(2024, 12, 19), provider="nobody")
    with pytest.raises(BadInput, match="channel ''"):
        latest_safe_submission("EUR", date(2024, 12, 19), provider="ibanfirst")
    with pytest.raises(BadInput, match="has no zone"):
        earliest_value_date("EUR", datetime(2024, 12, 19, 12))  # noqa: DTZ001  # the fault itself
    with pytest.raises(BadInput, match="negative"):
        latest_safe_submission("EUR", date(2024, 12, 19), lead_time=timedelta(days=-1))
    with pytest.raises(BadInput, match="is of USD, not EUR"):
        latest_safe_submission(
            "EUR", date(2024, 12, 19),
            cutoff=own_cutoff(time(12), "Europe/Paris", currency="USD"),
        )  # fmt: skip
    with pytest.raises(BadInput, match="no closing days of EUR are known for 2150"):
        latest_safe_submission("EUR", date(2150, 6, 1))
