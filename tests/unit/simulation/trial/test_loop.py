"""Virtual time: nobody waits, everything happens in one order, and a standstill is named."""

from __future__ import annotations

import asyncio
import time

import pytest

from settle.simulation.trial.loop import run

YEAR_S = 365 * 24 * 3600.0


def test_a_year_passes_at_once() -> None:
    """Time goes to the next timer; the machine does not wait for it."""

    async def year() -> float:
        await asyncio.sleep(YEAR_S)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert pytest.approx(YEAR_S) == run(year())
    assert time.monotonic() - began < 5


def test_things_happen_in_the_order_of_their_time_then_of_their_making() -> None:
    """Two worlds that begin alike go on alike."""

    async def told() -> list[str]:
        order: list[str] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            order.append(name)

        await asyncio.gather(at(2, "late"), at(1, "first"), at(1, "second"), at(0, "now"))
        return order

    assert ["now", "first", "second", "late"] == run(told())


def test_who_waits_for_nobody_is_found_out() -> None:
    """A world in which no timer is set and all wait would stand still for ever."""

    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(AssertionError, match="nobody will ever wake up"):
        run(stuck())


def test_a_timeout_of_virtual_seconds_ends_a_wait() -> None:
    """What the sender uses against a silent rail works in virtual time too."""

    async def patient() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert pytest.approx(30) == run(patient())


def test_what_is_left_under_way_is_ended_with_the_world() -> None:
    """No task outlives its world, so none is reported as forgotten."""
    ended: list[str] = []

    async def main() -> None:
        async def other() -> None:
            try:
                await asyncio.sleep(YEAR_S)
            finally:
                ended.append("other")

        task = asyncio.ensure_future(other())
        await asyncio.sleep(0)
        assert not task.done()

    run(main())
    assert ["other"] == ended
