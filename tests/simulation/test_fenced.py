"""Two living runs under one name, as when cron starts a night while the last one still runs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from tests.simulation import mortals

from settle.adapters import Beneficiary, Sender
from settle.payments import (
    Due,
    LookPolicy,
    PayPolicy,
    Policy,
    Rail,
    approve,
    fund,
    look_up,
    pay,
    plan,
)
from settle.payments.fences import Fenced
from settle.payments.tables import exchanges, payment_events, payments
from settle.simulation.serve import serving
from settle.simulation.trial.rails import SINGLE
from settle.store import Store, uuid7

COUNT = 30
PAYEE = Beneficiary(name="", country="SG", town="Singapore", account="12345678", bic="DBSSSGSG")


class HeldRail(mortals.CountingRail):
    """A rail that takes the first payments and keeps its answers until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.free = threading.Event(), threading.Event()

    def does(self, method: str, path: str, content: bytes) -> Any:
        """Do it, without odd answers."""
        return self.bank.answer(method, path, content)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        paid = (scope["method"], scope["path"]) == ("POST", "/payments")
        if paid and not self.asked.is_set():
            self.asked.set()
            await asyncio.to_thread(self.free.wait, 60)
        await super().__call__(scope, receive, send)


@contextlib.contextmanager
def served(rail: HeldRail) -> Iterator[str]:
    """The rail behind real HTTP, on a thread of its own."""
    ready, stop, urls = threading.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with serving(rail) as (host, port):
            urls.append(f"http://{host}:{port}")
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(60)
    try:
        yield urls[0]
    finally:
        rail.free.set()
        stop.set()
        thread.join()


def _due(number: int) -> Due:
    return Due(
        obligation_id=f"O-{number}", agreement_id=f"A-{number}", currency="SGD",
        amount_minor=1000 + number, value_date=mortals.DAY,
        beneficiary=replace(PAYEE, name=f"payee {number}"),
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


async def _night(url: str, rail_url: str, *, looks: bool) -> None:
    store = Store.open(url)
    adapter = mortals.spoken(rail_url)
    try:
        async with Sender(adapter.endpoint, connections=8) as sender:
            rails = {SINGLE: Rail(adapter, sender)}
            if looks:
                await look_up(
                    store, rails, clock=_now, worker="night", ids=uuid7,
                    policy=LookPolicy(polls_accepted=False),
                )  # fmt: skip
            await pay(
                store, rails, clock=_now, worker="night", day=mortals.DAY,
                policy=PayPolicy(round_size=8),
            )  # fmt: skip
    finally:
        store.close()


def test_the_older_of_two_living_runs_is_fenced_and_nothing_is_paid_twice(
    store_url: str, store: Store
) -> None:
    """It ends by itself and names its successor; what it hears is kept, and is the newer one's."""
    rail = HeldRail()
    ended: list[BaseException] = []
    with served(rail) as rail_url:
        rails = {SINGLE: mortals.spoken(rail_url)}
        plan(store, list(map(_due, range(COUNT))), rails=rails, tenant="t", now=_now(), ids=uuid7)
        approve(store, Policy(limit_minor={"SGD": 10**9}), now=_now())
        fund(store, balances={(SINGLE, mortals.ACCOUNT, "SGD"): 10**12}, now=_now())

        def older() -> None:
            try:
                asyncio.run(_night(store_url, rail_url, looks=False))
            except Fenced as error:
                ended.append(error)

        first = threading.Thread(target=older)
        first.start()
        assert rail.asked.wait(60)
        asyncio.run(_night(store_url, rail_url, looks=True))
        rail.free.set()
        first.join(60)
        asyncio.run(_night(store_url, rail_url, looks=True))
    (error,) = ended
    assert "night#0000000003 has succeeded night#0000000001" in str(error)
    executed = Counter(each.reference for each in rail.bank.executed)
    assert (COUNT, {1}) == (len(executed), set(executed.values()))
    with store.reading() as connection:
        states = sa.select(payments.c.state).distinct()
        assert ["accepted"] == list(connection.scalars(states))
        unanswered = exchanges.c.effect == "commits", exchanges.c.status.is_(None)
        assert connection.scalar(sa.select(sa.func.count()).where(*unanswered)) == 0
        by_older = sa.select(payment_events.c.payment_id).where(
            payment_events.c.kind == "released", payment_events.c.detail == "by night#0000000001"
        )
        assert 0 < len(connection.scalars(by_older).all()) < COUNT
