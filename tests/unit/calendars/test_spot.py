"""Spot dates follow the market's rules, and say which of them decided."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from settle.calendars import spot_date, trade_date
from settle.errors import BadInput


@pytest.mark.parametrize(
    ("pair", "traded", "spot", "why"),
    [
        ("EUR/USD", date(2024, 12, 17), date(2024, 12, 19), "two business days"),
        ("USD/CAD", date(2024, 12, 17), date(2024, 12, 18), "one business day"),
        ("EUR/CAD", date(2024, 12, 17), date(2024, 12, 19), "a cross has no shorter lag"),
        ("EUR/USD", date(2024, 7, 3), date(2024, 7, 5), "a USD holiday between does not count"),
        ("EUR/USD", date(2024, 7, 2), date(2024, 7, 5), "no value on a USD holiday"),
        ("EUR/JPY", date(2024, 7, 2), date(2024, 7, 5), "nor for a cross"),
        ("USD/JPY", date(2024, 4, 26), date(2024, 5, 1), "a JPY holiday between pushes"),
        ("EUR/USD", date(2024, 3, 28), date(2024, 4, 3), "over Easter, both days count"),
        ("USD/CAD", date(2024, 6, 28), date(2024, 7, 2), "Canada Day"),
        ("USD/CAD", date(2024, 7, 3), date(2024, 7, 5), "no value on Independence Day"),
        ("USD/CNY", date(2025, 9, 26), date(2025, 9, 30), "a worked Sunday is no market day"),
        ("EUR/USD", date(2024, 12, 14), date(2024, 12, 18), "a Saturday trades as Monday"),
    ],
)
def test_spot_dates_of_known_days(pair: str, traded: date, spot: date, why: str) -> None:
    """Each rule once, on a day of the real calendar."""
    base, quote = pair.split("/")
    assert spot == spot_date(base, quote, traded).value_date, why


def test_the_usd_holiday_is_named_when_it_does_not_count() -> None:
    """An auditor sees that 4 July was passed over on purpose."""
    answer = spot_date("EUR", "USD", date(2024, 7, 3))
    assert "2024-07-04 counts: closed in USD only (Independence Day)" == answer.decided_by.text
    assert 2 == answer.lag


@pytest.mark.parametrize(
    ("pair", "at", "traded"),
    [
        ("EUR/USD", datetime(2024, 12, 18, 21, 59, 59, tzinfo=UTC), date(2024, 12, 18)),
        ("EUR/USD", datetime(2024, 12, 18, 22, 0, tzinfo=UTC), date(2024, 12, 19)),
        ("EUR/USD", datetime(2024, 7, 17, 21, 0, tzinfo=UTC), date(2024, 7, 18)),
        ("EUR/USD", datetime(2024, 12, 20, 22, 0, tzinfo=UTC), date(2024, 12, 23)),
        ("NZD/USD", datetime(2024, 12, 18, 17, 59, tzinfo=UTC), date(2024, 12, 18)),
        ("NZD/USD", datetime(2024, 12, 18, 18, 0, tzinfo=UTC), date(2024, 12, 19)),
        ("USD/NZD", datetime(2024, 7, 17, 19, 0, tzinfo=UTC), date(2024, 7, 18)),
    ],
)
def test_the_trade_day_rolls_in_its_own_zone(pair: str, at: datetime, traded: date) -> None:
    """17:00 in New York, summer and winter; 07:00 in Auckland for its dollar."""
    base, quote = pair.split("/")
    assert traded == trade_date(base, quote, at)
    assert traded == spot_date(base, quote, at).trade_date


def test_a_provider_may_have_its_own_lag() -> None:
    """Value today, if today is open in both; the caller's lag is named as such."""
    today = spot_date("EUR", "USD", date(2024, 12, 18), lag=0)
    assert (date(2024, 12, 18), 0) == (today.value_date, today.lag)
    assert date(2024, 7, 5) == spot_date("EUR", "USD", date(2024, 7, 4), lag=0).value_date
    assert date(2024, 12, 19) == spot_date("EUR", "JPY", date(2024, 12, 18), lag=1).value_date
    assert "spot of EUR/USD is T+0" in today.explain()


def test_what_has_no_spot_date_is_refused() -> None:
    """One currency alone, a negative lag, an instant without a zone, a year nobody knows."""
    with pytest.raises(BadInput, match="no spot date"):
        spot_date("EUR", "EUR", date(2024, 12, 18))
    with pytest.raises(BadInput, match="no spot date"):
        spot_date("EUR", "USD", date(2024, 12, 18), lag=-1)
    naive = datetime(2024, 12, 18, 12, tzinfo=ZoneInfo("UTC")).replace(tzinfo=None)
    with pytest.raises(BadInput, match="has no zone"):
        spot_date("EUR", "USD", naive)
    with pytest.raises(BadInput, match="no closing days of EUR are known for 2150"):
        spot_date("EUR", "USD", date(2150, 6, 1))
