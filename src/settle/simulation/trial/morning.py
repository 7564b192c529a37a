"""The morning after: statements are fetched and explained; and what comes by post."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from settle.adapters import (
    NOT_RECORDED,
    AccountRef,
    Evidence,
    Fact,
    Finished,
    Forged,
    Sender,
    Source,
    Verb,
)
from settle.engine import Engine
from settle.payments import record, referenced
from settle.payments.identity import identity
from settle.reconciliation import confirm, keep, match, refresh
from settle.simulation.trial.days import DAY, TENANT, last_day
from settle.simulation.trial.faults import FaultKind

if TYPE_CHECKING:
    from settle.simulation.trial.doors import Delivery
    from settle.simulation.trial.worker import Worker


@cache
def columns() -> Engine:
    """Where columns are computed: one engine for all worlds, on one thread."""
    return Engine(threads=1)


async def reconcile(process: Worker, senders: dict[str, Sender]) -> None:
    """Fetch every statement of the days that are over, explain their lines, let them count."""
    world, now = process.world, process.clock()
    for rail in world.rails:
        for ref in rail.adapter.accounts():
            await _fetch(process, senders[rail.plan.name], rail.adapter, ref)
    day = last_day(now)
    with process.store.reading() as connection:
        known = referenced(connection)
    found = match(process.store, columns(), payments=known, day=day, as_of=now)
    done = record(process.store, found.evidence, recorded_at=now)
    confirm(process.store, sorted(done.settled), at=now)
    expected = [ref for rail in world.rails for ref in rail.adapter.accounts()]
    with process.store.reading() as connection:
        known = referenced(connection)
    refresh(process.store, day=day, as_of=now, payments=known, expected=expected)
    world.story.tell(
        process.life.name, f"morning: {len(found.matches)} lines explained, {found.unexplained} not"
    )


async def _fetch(process: Worker, sender: Sender, adapter: Any, ref: AccountRef) -> None:
    last = last_day(process.world.now())
    for ahead in range((last - DAY).days + 1):
        day = DAY + timedelta(days=ahead)
        ending = await sender.run(
            adapter.statement(ref, day), conversation_id=f"{ref.account}/{day}",
            recorder=NOT_RECORDED,
        )  # fmt: skip
        if isinstance(ending, Finished) and ending.value is not None:
            keep(process.store, ending.value, adapter=adapter, received_at=process.clock())


def hear(process: Worker) -> None:
    """Take the rails' notifications in: in any order, some never, some twice, some forged."""
    world = process.world
    for rail in world.rails:
        if not rail.adapter.profile.supports(Verb.NOTIFICATION):
            continue
        post = [each for each in rail.door.notifications() if world.random.random() < 0.7]
        world.random.shuffle(post)
        for delivery in [*post, *_again(process, post)]:
            _take(process, rail.adapter, delivery)
        _forged(process, rail.adapter, post)
    _lies(process)


def _take(process: Worker, adapter: Any, delivery: Delivery) -> None:
    heard = adapter.notification(*delivery, process.clock())
    if isinstance(heard, Forged):
        process.world.broken.append("an authentic notification was taken for a forgery")
        return
    record(process.store, heard.evidence, recorded_at=process.clock())


def _again(process: Worker, post: list[Delivery]) -> list[Delivery]:
    if not post or not process.world.scenario.of(FaultKind.REPEATED_NOTIFICATION):
        return []
    process.world.injected[FaultKind.REPEATED_NOTIFICATION] += 1
    return post[::-1]


def _forged(process: Worker, adapter: Any, post: list[Delivery]) -> None:
    if not post or not process.world.scenario.of(FaultKind.FORGED_NOTIFICATION):
        return
    process.world.injected[FaultKind.FORGED_NOTIFICATION] += 1
    headers, content = post[0]
    broken = {name: value[::-1] for name, value in headers.items()}
    if not isinstance(adapter.notification(broken, content, process.clock()), Forged):
        process.world.broken.append("a forged notification was believed")


def _lies(process: Worker) -> None:
    """Somebody says that payments failed. Only the rail, asked, can say so."""
    world = process.world
    for fault in world.scenario.of(FaultKind.LYING_NOTIFICATION):
        order = next((o for o in world.scenario.orders if o.number == fault.nth), None)
        if order is None:
            continue
        world.injected[FaultKind.LYING_NOTIFICATION] += 1
        lie = Evidence(
            evidence_id=f"lie/{order.number}",
            source=Source.NOTIFICATION,
            fact=Fact.FAILED,
            reference=identity(TENANT, order.obligation_id, attempt=1).end_to_end_id,
            occurred_at=process.clock(),
            rail=order.rail or world.rails[0].plan.name,
        )
        world.story.tell(process.life.name, f"is told that {order.obligation_id} failed")
        record(process.store, [lie], recorded_at=process.clock())
