"""A notification of failure only makes us ask: durably, in any state, until the rail answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.adapters.wire import Silence
from settle.payments import LookPolicy, record, story
from settle.payments.tables import find_wishes, payments

WORLDS = Callable[..., Any]
QUIET = LookPolicy(polls_accepted=False)


async def paid(worlds: WORLDS) -> Any:
    """A world in which one payment on each rail was accepted: one by itself, one in a batch."""
    world = worlds(2, rejected=False)
    world.prepare()
    await world.pay()
    await world.look()
    assert {"accepted": 2} == world.states()
    return world


def tell(world: Any, fact: Fact = Fact.FAILED, source: Source = Source.NOTIFICATION) -> list[str]:
    """Somebody says something of every payment; what they are called."""
    with world.store.reading() as connection:
        query = sa.select(payments).order_by(payments.c.payment_id)
        rows = connection.execute(query).mappings().all()
    record(
        world.store,
        [
            Evidence(
                evidence_id=f"{fact.value}/{source.value}/{row['payment_id']}", source=source,
                fact=fact, reference=row["end_to_end_id"], occurred_at=world.now, rail=row["rail"],
                amount_minor=row["amount_minor"], currency=row["currency"],
            )
            for row in rows
        ],
        recorded_at=world.now,
    )  # fmt: skip
    return [row["payment_id"] for row in rows]


def open_wishes(world: Any) -> int:
    with world.store.reading() as connection:
        query = sa.select(sa.func.count()).where(find_wishes.c.answered_at.is_(None))
        return int(connection.scalar(query) or 0)


@pytest.mark.parametrize("state", ["accepted", "booked"])
async def test_a_wish_is_carried_out_whatever_the_payment_is(worlds: WORLDS, state: str) -> None:
    """By anybody's next look, also where that polls nothing by itself; and once."""
    world = await paid(worlds)
    if state == "booked":
        tell(world, Fact.BOOKED, Source.STATEMENT)
    assert 0 == (await world.look(worker="other", policy=QUIET)).asked
    tell(world)
    assert ({state: 2}, 2) == (world.states(), open_wishes(world))
    looked = await world.look(worker="other", policy=QUIET)
    assert (2, 0, {state: 2}) == (looked.asked, open_wishes(world), world.states())
    assert 0 == (await world.look(policy=QUIET)).asked


async def test_a_wish_waits_for_a_rail_that_is_silent(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends when the rail has answered, and not before."""
    world = await paid(worlds)
    tell(world)

    async def silent(self: Any, composed: Any) -> Any:
        return Silence(reason="no answer", sent=True)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", silent)
        assert 0 == (await world.look(policy=QUIET)).asked
    assert 2 == open_wishes(world)
    assert (2, 0) == ((await world.look(policy=QUIET)).asked, open_wishes(world))


async def test_whoever_dies_while_asking_loses_no_wish(
    worlds: WORLDS, killed: type[BaseException]
) -> None:
    """Killed before or after each of its writes, the next one asks again or has been answered."""
    deaths = 0
    for after in (False, True):
        for nth in range(1, 12):
            world = await paid(worlds)
            tell(world)
            world.kill(world.writes.count + nth, after=after)
            try:
                await world.look(policy=QUIET)
            except killed:
                deaths += 1
                world.life.alive = True
                assert after or open_wishes(world)
            world.writes.fate = type(world.writes)().fate
            await world.look(policy=QUIET)
            assert (0, {"accepted": 2}) == (open_wishes(world), world.states())
    assert deaths > 10


async def test_a_wish_that_comes_while_the_rail_is_asked_stays(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered was asked before it."""
    world = await paid(worlds)
    tell(world)
    healthy = world.wire.send

    async def telling(self: Any, composed: Any) -> Any:
        world.now += timedelta(seconds=1)
        tell(world)
        return await healthy(self, composed)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", telling)
        assert 2 == (await world.look(policy=QUIET)).asked
    assert 2 == open_wishes(world)


async def test_what_is_wished_is_told_with_the_payment(worlds: WORLDS) -> None:
    """And that it was answered, once it was."""
    world = await paid(worlds)
    (name, _) = tell(world)
    for what in ("the rail is to be asked", "the rail was asked"):
        with world.store.reading() as connection:
            (told,) = (x for x in story(connection, name).lines if "the rail" in x.what)
        assert (what, "a notification of failure only asks for find") == (told.what, told.detail)
        await world.look(policy=QUIET)
