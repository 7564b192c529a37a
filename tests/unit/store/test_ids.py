"""Row ids sort as they were made, whatever the clock does; derived names are what they name."""

from __future__ import annotations

import threading
import uuid

from hypothesis import given
from hypothesis import strategies as st

from settle.store import derived, derived_each, derived_uuid4, uuid7
from settle.store.ids import TimeOrdered

CLOCKS = st.lists(st.integers(0, 2**48 - 2), min_size=2, max_size=50)


@given(clock=CLOCKS, tail=st.sampled_from([0, 2**73 - 1, 12345]))
def test_ids_grow_though_the_clock_jumps_and_runs_backwards(clock: list[int], tail: int) -> None:
    """Each is greater than the one before, of version 7, and no earlier than its clock."""
    readings = iter(clock)
    mint = TimeOrdered(millis=lambda: next(readings), bits=lambda width: tail & (2**width - 1))
    minted = [mint() for _ in clock]
    assert minted == sorted(set(minted))
    for millis, text in zip(clock, minted, strict=True):
        made = uuid.UUID(text)
        assert (7, uuid.RFC_4122) == (made.version, made.variant)
        assert made.int >> 80 >= millis


def test_a_tail_that_is_full_moves_time_on() -> None:
    """Counting up never carries into the version, and never repeats."""
    mint = TimeOrdered(millis=lambda: 7, bits=lambda width: 2**width - 1)
    mint._last = (7, 2**74 - 1)
    assert uuid.UUID(mint()).int >> 80 == 8


def test_threads_share_one_order() -> None:
    """No two threads are given the same id."""
    found: list[list[str]] = []

    def many() -> None:
        found.append([uuid7() for _ in range(2_000)])

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(each == sorted(each) for each in found)
    assert len({name for each in found for name in each}) == 8_000


def test_derived_names_differ_exactly_where_their_parts_do() -> None:
    """Where one part ends and the next begins counts, too."""
    assert derived("ab", "c") != derived("a", "bc")
    assert [derived("a", "b"), derived("a", "c")] == derived_each("a", last=["b", "c"])
    made = uuid.UUID(derived_uuid4("uetr", "t", "O-1"))
    assert (4, uuid.RFC_4122) == (made.version, made.variant)
