"""Many workers on one store: no payment is claimed twice, and a dead one's work is found."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.payments import EventKind, ThreadWriter, look_up, pay
from settle.payments.tables import payment_events
from settle.store import Store

WORLDS = Callable[..., Any]


async def work(world: Any, url: str, name: str) -> int:
    """One worker with a store, a writer and connections of its own; how many it paid."""
    store = Store.open(url)
    async with ThreadWriter(store) as writer:
        paid = await pay(
            store, world.rails(), clock=world.clock, worker=name, day=world.now.date(),
            writer=writer,
        )  # fmt: skip
    store.close()
    return paid.accepted


async def test_two_workers_on_postgresql_never_claim_the_same_payment(
    worlds: WORLDS, postgres_url: str
) -> None:
    """Each payment is released once and executed once, and the two share them out."""
    world = worlds(60, rejected=False)
    world.store = Store.open(postgres_url)
    world.prepare()
    paid = await asyncio.gather(*(work(world, postgres_url, name) for name in ("one", "two")))
    assert sum(paid) == 60
    assert world.executed() == Counter(due.beneficiary.name for due in world.dues)
    with world.store.reading() as connection:
        query = sa.select(sa.func.count()).where(payment_events.c.kind == EventKind.RELEASED.value)
        assert connection.execute(query).scalar_one() == 60
    assert world.violations() == []


async def test_a_living_workers_payment_is_not_taken_over(
    worlds: WORLDS, killed: type[BaseException]
) -> None:
    """Until its lease has ended, what another worker sends is its own."""
    world = worlds()
    world.prepare()
    world.fail(3, "kill after")
    with pytest.raises(killed):
        await world.pay(worker="first")
    assert "sending" in world.states()
    await world.look(worker="second")
    assert "sending" in world.states()
    world.now += timedelta(minutes=20)
    await world.look(worker="second")
    assert "sending" not in world.states()
    assert world.violations() == []


async def test_a_slow_worker_that_lost_its_lease_sends_nothing_more(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its payment was given back untouched; its late intent is refused, so nothing leaves."""
    world = worlds(2, rejected=False)
    world.prepare()
    stolen: list[bool] = []
    healthy = world.wire.send

    async def slow(self: Any, composed: Any) -> Any:
        if composed.path == "/payees" and not stolen:
            stolen.append(True)
            world.now += timedelta(hours=1)
            await look_up(
                world.store, world.rails(), clock=world.clock, worker="second", ids=world.next_id
            )
        return await healthy(self, composed)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", slow)
        await world.pay(worker="first")
    assert stolen
    assert world.violations() == []
    await world.night()
    assert world.lost() == []
    assert world.violations() == []
