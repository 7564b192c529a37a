"""The collector of garbage rests while many rows are made, and is as it was afterwards."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from settle.store import uncollected


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    """Whatever a test does, the next one has the collector it began with."""
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


def test_it_rests_within_and_works_again_even_after_an_error() -> None:
    """An error ends the rest as well as the end of the work does."""
    gc.enable()
    within: list[bool] = []

    @uncollected()
    def fails() -> None:
        within.append(gc.isenabled())
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        fails()
    assert (within, gc.isenabled()) == ([False], True)


def test_what_was_off_stays_off() -> None:
    """Who runs a process without it has a reason."""
    gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_the_last_one_that_leaves_turns_it_on() -> None:
    """Threads come and go in any order; nobody is collected from within."""
    gc.enable()
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def other() -> None:
        with uncollected():
            entered.set()
            leave.wait(10)
        left.set()

    thread = threading.Thread(target=other)
    with uncollected():
        thread.start()
        assert entered.wait(10)
    assert not gc.isenabled()
    leave.set()
    assert left.wait(10)
    thread.join()
    assert gc.isenabled()
