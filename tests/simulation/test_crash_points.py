"""Every point at which a process can die: each write and each exchange of a night, in turn.

The process ends there, another one goes on, and nothing tells the night from one that nobody
disturbed: not the banks, not the states, not a balance. `make check` walks a small night;
`make soak` walks one of fifty payments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from tests.size import examples

from settle.ledger import balances
from settle.payments.tables import payments

WORLDS = Callable[..., Any]
PAYMENTS = examples(4, full=50)
BLOCKS = examples(1, full=8)
POINTS = ("before a write", "after a write", "before an exchange", "after an exchange")


def disturbed(world: Any, point: str, number: int) -> None:
    """Let the process die at this point."""
    when, _, what = point.split()
    if what == "write":
        world.kill(number, after=when == "after")
    else:
        world.fail(number, f"kill {when}")


def outcome(world: Any) -> dict[str, Any]:
    """What is left of a night: the banks' truth, what each payment is, and each balance."""
    world.life.alive = True
    columns = payments.c
    query = sa.select(
        columns.obligation_id, columns.attempt, columns.state, columns.in_transit,
        columns.idempotency_key, columns.contradiction, columns.worker,
    )  # fmt: skip
    with world.store.reading() as connection:
        rows = sorted(map(tuple, connection.execute(query)))
        held = sorted(map(repr, balances(connection)))
    return {"bank": world.executed(), "payments": rows, "balances": held}


async def quiet_night(worlds: WORLDS) -> Any:
    """A night that nobody disturbs."""
    world = worlds(PAYMENTS)
    await world.night()
    assert world.violations() == []
    assert world.lost() == []
    return world


@pytest.mark.soak
@pytest.mark.timeout(examples(300, full=7200))
@pytest.mark.parametrize("block", range(1, BLOCKS + 1), ids="block-{}".format)
@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_point_a_night_ends_as_if_undisturbed(
    worlds: WORLDS, point: str, block: int, tell: Callable[[str, Mapping[str, Any]], None]
) -> None:
    """Each point of a kind is in turn the last of its process; what is left is always the same."""
    quiet = await quiet_night(worlds)
    expected = outcome(quiet)
    count = quiet.writes.count if point.endswith("write") else len(quiet.network.sent)
    killed: Counter[bool] = Counter()
    for number in range(block, count + 1, BLOCKS):
        world = worlds(PAYMENTS)
        disturbed(world, point, number)
        await world.nights(2)
        killed[bool(world.deaths)] += 1
        assert world.violations() == [], number
        assert outcome(world) == expected, number
        world.store.close()
    tell(
        f"killed {point} block {block}",
        {"payments": PAYMENTS, "points": f"{killed.total()} of {count}", "twice or lost": 0},
    )
    assert killed[True] >= PAYMENTS // BLOCKS
    assert not killed[False], "at some points nobody died"


async def test_the_comparison_bites(worlds: WORLDS, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that sends a dead worker's payment again leaves another outcome."""
    from settle.simulation.trial import DEFECTS

    quiet = await quiet_night(worlds)
    world = worlds(PAYMENTS)
    world.bank.deduplicates = False
    world.fail(3, "kill after")
    with DEFECTS["dead-worker-resent"].planted():
        await world.nights(2)
    assert outcome(world) != outcome(quiet)
