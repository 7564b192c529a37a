"""Business-day conventions move a closed day to where the market expects it."""

from __future__ import annotations

from datetime import date

import pytest

from settle.calendars import Convention, adjust, forward_date, is_joint_business_day


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        (Convention.FOLLOWING, date(2024, 4, 2)),
        (Convention.MODIFIED_FOLLOWING, date(2024, 3, 28)),
        (Convention.PRECEDING, date(2024, 3, 28)),
        (Convention.MODIFIED_PRECEDING, date(2024, 3, 28)),
    ],
)
def test_easter_at_the_end_of_march(convention: Convention, expected: date) -> None:
    """Good Friday 29 March to Easter Monday 1 April: following leaves the month, modified stays."""
    assert expected == adjust(date(2024, 3, 30), currencies=["EUR"], convention=convention)


def test_modified_preceding_goes_forward_at_the_start_of_a_month() -> None:
    """Saturday 1 June goes to Monday, for Friday was May."""
    day = adjust(date(2024, 6, 1), currencies=["EUR"], convention=Convention.MODIFIED_PRECEDING)
    assert date(2024, 6, 3) == day


def test_a_joint_calendar_needs_all_of_its_currencies() -> None:
    """Independence Day closes EUR/USD, though not EUR."""
    assert is_joint_business_day(date(2024, 7, 4), currencies=["EUR"])
    assert not is_joint_business_day(date(2024, 7, 4), currencies=["EUR", "USD"])
    assert date(2024, 7, 5) == adjust(date(2024, 7, 4), currencies=["EUR", "USD"])


def test_month_end_goes_to_month_end_only_if_asked() -> None:
    """From the last business day of February to that of March, or to the same day."""
    spot = date(2025, 2, 28)
    pair = ["EUR", "USD"]
    assert date(2025, 3, 31) == forward_date(spot, months=1, currencies=pair)
    assert date(2025, 3, 28) == forward_date(spot, months=1, currencies=pair, end_to_end=False)
    assert date(2025, 2, 28) == forward_date(date(2025, 1, 31), months=1, currencies=pair)
    assert date(2024, 12, 19) == forward_date(date(2024, 11, 19), months=1, currencies=pair)
