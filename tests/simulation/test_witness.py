"""Who stands at the wire knows the runs of a worker apart, though they bear one name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.simulation.conftest import DAY

from settle.payments.claiming import Claim, claim
from settle.payments.fences import succeed
from settle.payments.leasing import Lease
from settle.simulation.trial.rails import SINGLE
from settle.simulation.trial.witness import _held


def test_only_the_run_that_took_a_payment_holds_it_until_it_is_succeeded(
    worlds: Callable[..., Any],
) -> None:
    """Neither its name alone, nor a run of it before or after, nor itself when there is a newer."""
    world = worlds(2, rejected=False)
    world.prepare()
    before = succeed(world.store, "w", now=world.now)
    run = succeed(world.store, "w", now=world.now)
    lease = Lease(rail=SINGLE, worker=run, now=world.now, length=timedelta(minutes=15))
    with world.store.transaction() as connection:
        wish = Claim(lease=lease, count_max=1, batch_size_max=None, day=DAY)
        ((sending,),) = claim(connection, [wish])
        names = [sending.conversation_id]
        assert connection.scalar(_held(names, run)) == 1
        assert connection.scalar(_held(names, "w")) == connection.scalar(_held(names, before)) == 0
    newer = succeed(world.store, "w", now=world.now)
    with world.store.reading() as connection:
        assert connection.scalar(_held(names, run)) == connection.scalar(_held(names, newer)) == 0
