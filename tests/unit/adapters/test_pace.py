"""Requests keep the distance that the rail asks for."""

from __future__ import annotations

import asyncio

from settle.adapters.pace import Pace


async def test_a_burst_is_spread_and_a_rest_is_not_saved_up() -> None:
    """Four at once at two a second wait 0, ½, 1 and 1½ s; after a rest the next goes at once."""
    now = 10.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(2, monotonic=lambda: now, sleep=sleep)
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert slept == [0.5, 1.0, 1.5]
    now = 100.0
    await pace.turn()
    await pace.turn()
    assert slept == [0.5, 1.0, 1.5, 0.5]


async def test_no_limit_is_no_wait() -> None:
    """A rail without a limit is asked at any speed."""

    async def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    pace = Pace(None, monotonic=lambda: 0.0, sleep=sleep)
    await asyncio.gather(*(pace.turn() for _ in range(100)))


async def test_a_rail_that_asks_for_rest_is_left_alone_by_everybody() -> None:
    """Who has waited by itself already does not wait twice; a shorter wish shortens nothing."""
    now = 10.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(None, monotonic=lambda: now, sleep=sleep)
    pace.rest(7.0)
    pace.rest(2.0)
    await pace.turn(rested=True)
    await pace.turn()
    now = 17.0
    await pace.turn()
    assert [7.0] == slept
