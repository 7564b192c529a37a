"""The executor, robbed of every exchange. Where its process dies, see `test_crash_points.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

WORLDS = Callable[..., Any]
FAULTS = ("refused", "lost request", "lost answer", "503", "503 after it worked")
PROPER_END = {"accepted": 2, "rejected": 2}


async def test_an_undisturbed_night_pays_everything_once(worlds: WORLDS) -> None:
    """Every payable payment is executed once, and the rejected ones give their money back."""
    world = worlds()
    await world.night()
    assert world.states() == PROPER_END
    assert world.violations() == []
    assert world.lost() == []


async def test_a_night_run_again_sends_nothing(worlds: WORLDS) -> None:
    """Nothing is sent that moves money, and no state changes."""
    world = worlds()
    await world.night()
    posts = [r for r in world.network.sent if r.method == "POST"]
    await world.night()
    assert posts == [r for r in world.network.sent if r.method == "POST"]
    assert world.states() == PROPER_END


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_exchange_is_lost_nothing_is_executed_twice_or_lost(
    worlds: WORLDS, fault: str
) -> None:
    """Each request of the night in turn meets the fault; the end is that of a quiet night."""
    quiet = worlds()
    await quiet.night()
    for number in range(1, len(quiet.network.sent) + 1):
        world = worlds()
        world.fail(number, fault)
        await world.nights(2)
        assert world.violations() == [], number
        assert world.lost() == [], number
        assert world.states() == PROPER_END, number


async def test_a_rail_that_refuses_connections_is_named_and_its_payments_stay(
    worlds: WORLDS,
) -> None:
    """Nothing moved, so the money is back in the payable and the payments wait for the next run."""
    world = worlds()
    world.fail(1, "refused", span=1000)
    await world.night()
    assert world.states() == {"approved": 4}
    assert world.violations() == []
    world.network.faults = []
    await world.night()
    assert world.states() == PROPER_END


async def test_a_storm_of_503_ends_as_unknown_and_is_cured_by_find(worlds: WORLDS) -> None:
    """The commits are answered with nothing that decides; the rail, asked later, tells."""
    world = worlds()
    world.prepare()
    world.fail(1, "503", span=1000)
    await world.pay()
    assert "accepted" not in world.states()
    world.network.faults = []
    await world.night()
    assert world.states() == PROPER_END
    assert world.violations() == []
