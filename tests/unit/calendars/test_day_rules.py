"""A day rule names the days that its words say."""

from __future__ import annotations

from datetime import date

import pytest

from settle.calendars import DayRule


@pytest.mark.parametrize(
    ("text", "year", "day"),
    [
        ("2025-04-22", 2025, date(2025, 4, 22)),
        ("2025-04-22", 2026, None),
        ("12-24", 2026, date(2026, 12, 24)),
        ("02-29", 2024, date(2024, 2, 29)),
        ("02-29", 2025, None),
        ("easter", 2024, date(2024, 3, 31)),
        ("easter-3", 2026, date(2026, 4, 2)),
        ("easter+40", 2027, date(2027, 5, 7)),
        ("first monday of august", 2024, date(2024, 8, 5)),
        ("third monday of february", 2027, date(2027, 2, 15)),
        ("Last Monday of May", 2024, date(2024, 5, 27)),
        ("fourth thursday of november", 2024, date(2024, 11, 28)),
    ],
)
def test_a_rule_names_its_day(text: str, year: int, day: date | None) -> None:
    """Once, each year, around Easter, or the n-th weekday of a month."""
    assert day == DayRule(text).day_in(year)


@pytest.mark.parametrize(
    "text", ["", "13-01", "02-30", "easter+", "fifth monday of may", "first day of may", "soon"]
)
def test_words_that_name_no_day_are_refused(text: str) -> None:
    """A rule is read when it is made, not on the night that needs it."""
    with pytest.raises(ValueError, match=r"day|month"):
        DayRule(text)
