"""Every instant is in exactly one window, and the views see the same one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.clearing import Cutoff, window_of
from settle.clearing.unsettled import place
from settle.clearing.windows import microseconds
from settle.engine import Engine

DAY = timedelta(days=1)
ZONES = ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Pacific/Apia", "America/Sao_Paulo"]  # fmt: skip
TIMES = [time(0), time(2, 30), time(17), time(23, 59, 59)]
CUTOFFS = st.builds(Cutoff, zone=st.sampled_from(ZONES), time=st.sampled_from(TIMES))
INSTANTS = st.datetimes(
    datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
CHANGES = st.sampled_from(
    [
        datetime(2024, 3, 31, 1, tzinfo=UTC),  # Berlin loses an hour
        datetime(2024, 10, 27, 1, tzinfo=UTC),  # and has it back
        datetime(2024, 11, 3, 6, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),  # Samoa loses a day
    ]
)
NEAR_CHANGES = st.builds(
    lambda at, off: at + timedelta(seconds=off), CHANGES, st.integers(-100_000, 100_000)
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@given(occurred_at=st.one_of(INSTANTS, NEAR_CHANGES), cutoff=CUTOFFS)
def test_an_instant_is_in_exactly_one_window(occurred_at: datetime, cutoff: Cutoff) -> None:
    """Windows neither overlap nor leave a gap, clock changes included."""
    day = window_of(occurred_at, cutoff)
    near = [day + DAY * n for n in range(-3, 4)]
    holding = [d for d in near if cutoff.ends_at(d - DAY) <= occurred_at < cutoff.ends_at(d)]
    assert holding == [day]


@given(day=st.dates(date(2012, 1, 2), date(2030, 1, 1)), cutoff=CUTOFFS)
def test_the_very_cut_off_belongs_to_the_next_window(day: date, cutoff: Cutoff) -> None:
    """A record at the instant of the cut-off is the next window's; a microsecond earlier is not."""
    end = cutoff.ends_at(day)
    assert day == window_of(end - timedelta(microseconds=1), cutoff)
    assert day + DAY == window_of(end, cutoff)


@settings(deadline=None, max_examples=25)
@given(
    instants=st.lists(st.one_of(INSTANTS, NEAR_CHANGES), min_size=1, max_size=30), cutoff=CUTOFFS
)
def test_the_view_puts_records_where_the_function_does(
    engine: Engine, instants: list[datetime], cutoff: Cutoff
) -> None:
    """The joined calendar and the pure function are twins, at the edges too."""
    edges = [cutoff.ends_at(window_of(at, cutoff)) for at in instants]
    all_of_them = [*instants, *edges, *(edge - timedelta(microseconds=1) for edge in edges)]
    last = max(window_of(at, cutoff) for at in all_of_them)
    expected = {str(n): window_of(at, cutoff).isoformat() for n, at in enumerate(all_of_them)}
    with engine.scratch() as scratch:
        scratch.give(
            "accepted_open",
            pa.table(
                {
                    "record_id": [str(n) for n in range(len(all_of_them))],
                    "occurred_at": pa.array(all_of_them, pa.timestamp("us", tz="UTC")),
                }
            ),
        )
        place(scratch, day=last, cutoff=cutoff)
        rows = scratch.rows("select record_id, occurred_window from records").to_pylist()
    assert expected == {row["record_id"]: row["occurred_window"] for row in rows}


def test_a_window_of_shanghai_ends_at_sixteen_utc() -> None:
    """The default window is a business day of UTC+8."""
    assert datetime(2024, 12, 18, 16, tzinfo=UTC) == Cutoff().ends_at(date(2024, 12, 18))
    assert date(2024, 12, 19) == window_of(datetime(2024, 12, 18, 16, tzinfo=UTC), Cutoff())


def test_microseconds_are_exact() -> None:
    """An instant in columns is the same instant."""
    at = datetime(2024, 12, 18, 23, 59, 59, 999_999, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert microseconds(at) == 1_734_537_599_999_999
