"""A worker hangs while the answer is on its way, and everybody else gives its payment up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.payments import (
    InlineWriter,
    LookPolicy,
    Statement,
    Verdict,
    decide,
    look_up,
    pay,
)
from settle.payments.tables import payments
from settle.payments.unheard import marked
from settle.simulation.trial.rails import BATCHED, SINGLE

WORLDS = Callable[..., Any]


def marked_in(world: Any) -> int:
    with world.store.reading() as connection:
        return len(marked(connection))


@pytest.mark.parametrize(("rail", "count"), [(SINGLE, 1), (BATCHED, 4)], ids=["call", "batch"])
async def test_an_acceptance_that_is_stored_after_a_decision_keeps_the_next_from_leaving(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch, rail: str, count: int
) -> None:
    """It is proof in our own table, or makes us ask: it counts against the two people."""
    world = worlds(count, rejected=False)
    world.bank.lag = timedelta(days=3)  # the rail finds nothing until then
    world.prepare()
    place = "/payments" if rail == SINGLE else "/batches"
    healthy, slept = world.wire.send, list[str]()

    async def slow(self: Any, composed: Any) -> Any:
        answer = await healthy(self, composed)
        if composed.path == place and composed.request.method == "POST" and not slept:
            slept.append(composed.path)
            world.now += timedelta(hours=1)
            await look_up(
                world.store, world.rails(), clock=world.clock, worker="second", ids=world.next_id,
                writer=InlineWriter(world.store), policy=LookPolicy(resends_max=0),
            )  # fmt: skip
            with world.store.reading() as connection:
                unknown = payments.c.state == "unknown", payments.c.rail == rail
                query = sa.select(payments.c.payment_id).where(*unknown)
                names = connection.scalars(query.order_by(payments.c.payment_id)).all()
            for actor in ("alice", "bob"):
                decide(
                    world.store,
                    Statement(
                        payment_id=names[0], verdict=Verdict.NOT_EXECUTED, actor=actor,
                        why="the bank says so", at=world.now,
                    ),
                )  # fmt: skip
        return answer

    monkeypatch.setattr(world.wire, "send", slow)
    await pay(
        world.store, world.rails(), clock=world.clock, worker="first", day=date(2024, 12, 18),
        writer=InlineWriter(world.store), sleep=world.sleep,
    )  # fmt: skip
    monkeypatch.setattr(world.wire, "send", healthy)
    assert [place] == slept
    if rail == BATCHED:  # its answer says that it has it, and only its report what became of it
        world.bank.lag = timedelta()
    assert 1 == marked_in(world)
    for _ in range(2):
        await world.night()
    assert 0 == marked_in(world)
    assert [] == world.violations()
