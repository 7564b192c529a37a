"""An event loop whose time is its own: it never waits, it goes to the next timer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop without sockets, files or threads. This makes a run a function of its inputs.

    Callbacks run in the order in which they became ready, and timers in the order of their
    time, then of their making: nothing depends on how fast the machine is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 1e-6
        self._selector = self  # the loop asks it how long to wait, and is told: not at all

    def time(self) -> float:
        """Seconds since the world began."""
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time pass that others would wait. This finds no event: there is no file.

        Raises:
            AssertionError: everybody waits for somebody else, and no timer is set.
        """
        if timeout is None:
            raise AssertionError("the simulated world stands still: nobody will ever wake up")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody must be woken."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a world of its own, and everything it left under way to its end."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        _end_all(loop)
        loop.close()


def _end_all(loop: VirtualLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
