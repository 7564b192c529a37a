"""When the records of a day settle: N working days after the day, its week or its month."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.calendars import is_business_day, next_business_day
from settle.clearing.cycles import Cycle, cycles_table, settles_in, value_date
from settle.errors import BadInput

DAY = timedelta(days=1)
TERMS = [
    *(f"T+{n}" for n in (1, 2, 5, 10)),
    *(f"W+{n}" for n in (2, 3, 5)),
    *(f"M+{n}" for n in (2, 15, 30)),
]
CYCLES = st.builds(
    Cycle,
    st.sampled_from(TERMS),
    st.sampled_from(["EUR", "JPY", "CNY"]),
    st.sampled_from(["locked", "next_day", "none"]),
)
DAYS = st.dates(date(2024, 1, 1), date(2027, 6, 30))

some = settings(deadline=None, max_examples=150)


@some
@given(day=DAYS, cycle=CYCLES)
def test_a_day_settles_in_the_first_window_paid_on_its_value_date_or_later(
    day: date, cycle: Cycle
) -> None:
    """The window is never before the day, its payday not before the value date, and no later."""
    window, due = settles_in(day, cycle), value_date(day, cycle)
    earliest = day + DAY if cycle.conversion == "next_day" else day
    assert earliest <= window
    assert due <= next_business_day(window, cycle.currency)
    assert window == earliest or next_business_day(window - DAY, cycle.currency) < due


@some
@given(day=DAYS, cycle=CYCLES)
def test_a_later_day_never_settles_earlier(day: date, cycle: Cycle) -> None:
    """Windows keep the order of the days."""
    assert settles_in(day, cycle) <= settles_in(day + DAY, cycle)


@given(day=DAYS, currency=st.sampled_from(["EUR", "JPY", "CNY"]))
def test_the_day_after_the_day_is_its_own_window(day: date, currency: str) -> None:
    """T+1 is what it was before there were cycles."""
    assert day == settles_in(day, Cycle("T+1", currency, "locked"))


@some
@given(day=DAYS, cycle=CYCLES.filter(lambda cycle: cycle.cycle[0] != "T"))
def test_a_week_or_a_month_settles_in_one_window(day: date, cycle: Cycle) -> None:
    """All days of a period fall into the one window after it, whatever the conversion."""
    if cycle.cycle[0] == "W":
        first = day - DAY * day.weekday()
        period = [first + DAY * n for n in range(7)]
    else:
        first = day.replace(day=1)
        period = [d for n in range(31) if (d := first + DAY * n).month == day.month]
    assert {settles_in(day, cycle)} == {settles_in(each, cycle) for each in period}
    assert settles_in(day, cycle) > period[-1]


@given(day=DAYS, cycle=CYCLES)
def test_a_value_date_is_a_working_day(day: date, cycle: Cycle) -> None:
    """Nothing falls due on a day on which the currency cannot be paid."""
    assert is_business_day(value_date(day, cycle), cycle.currency)


@pytest.mark.parametrize(
    ("day", "cycle", "conversion", "window"),
    [
        ("2024-12-20", "T+2", "locked", "2024-12-23"),  # a Friday; paid on Tuesday
        ("2024-12-24", "T+2", "locked", "2024-12-27"),  # Christmas counts for nothing
        ("2024-12-20", "T+1", "next_day", "2024-12-21"),  # still paid on Monday
        ("2024-12-19", "T+1", "next_day", "2024-12-20"),
        ("2024-12-16", "W+2", "locked", "2024-12-23"),
        ("2024-12-22", "W+2", "locked", "2024-12-23"),
        ("2024-12-23", "W+2", "locked", "2024-12-30"),
        ("2024-12-01", "M+2", "locked", "2025-01-02"),
        ("2024-12-31", "M+2", "locked", "2025-01-02"),
    ],
)
def test_days_around_the_end_of_a_year_settle_as_counted_by_hand(
    day: str, cycle: str, conversion: str, window: str
) -> None:
    """Examples in euro, whose system is closed on 25 and 26 December and 1 January."""
    found = settles_in(date.fromisoformat(day), Cycle(cycle, "EUR", conversion))
    assert date.fromisoformat(window) == found


@pytest.mark.parametrize("cycle", ["T", "Q+2", "+2", "T+x", ""])
def test_a_cycle_that_is_none_is_refused(cycle: str) -> None:
    """A word that is not T+N, W+N or M+N is named, not guessed at."""
    with pytest.raises(BadInput, match="cycle"):
        settles_in(date(2024, 12, 19), Cycle(cycle, "EUR", "locked"))


def test_the_table_holds_what_the_function_gives() -> None:
    """What views join is the function, day by day and cycle by cycle."""
    cycles = [Cycle("T+2", "EUR", "locked"), Cycle("M+2", "JPY", "none")]
    first, last = date(2024, 12, 20), date(2025, 1, 10)
    rows = cycles_table(cycles, first, last).to_pylist()
    assert 2 * 22 == len(rows)
    for row in rows:
        cycle = Cycle(row["cycle"], row["currency"], row["conversion"])
        day = date.fromisoformat(row["occurred_window"])
        assert settles_in(day, cycle).isoformat() == row["settles_in"]
    assert cycles_table([], first, last).num_rows == 0
