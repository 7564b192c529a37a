"""The morning after: statements are fetched and explained; and what comes by post."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
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
    StatementDocument,
    Verb,
)
from settle.engine import Engine
from settle.payments import Missing, close_absent, missing, record, referenced
from settle.payments.identity import identity
from settle.reconciliation import Silence, confirm, keep, match, refresh
from settle.simulation.trial.days import DAY, TENANT, last_day
from settle.simulation.trial.faults import OF_STATEMENTS, FaultKind
from settle.simulation.trial.rails import FORMAT

if TYPE_CHECKING:
    from settle.simulation.trial.doors import Delivery
    from settle.simulation.trial.worker import Worker
    from settle.simulation.trial.world import World


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
    if any(plan.is_final for plan in world.scenario.rails):
        _close_absent(process)
    world.story.tell(
        process.life.name, f"morning: {len(found.matches)} lines explained, {found.unexplained} not"
    )


async def _fetch(process: Worker, sender: Sender, adapter: Any, ref: AccountRef) -> None:
    world = process.world
    for day in _days(world):
        ending = await sender.run(
            adapter.statement(ref, day), conversation_id=f"{ref.account}/{day}",
            recorder=NOT_RECORDED,
        )  # fmt: skip
        if not isinstance(ending, Finished) or ending.value is None:
            continue
        for document in _posted(world, ending.value):
            keep(process.store, document, adapter=adapter, received_at=process.clock())


def _days(world: World) -> list[date]:
    """The days whose statements are fetched; each twice and in no order where they come again."""
    count = (last_day(world.now()) - DAY).days + 1
    days = [DAY + timedelta(days=ahead) for ahead in range(count)]
    if not world.scenario.of(FaultKind.REPEATED_STATEMENT):
        return days
    world.injected[FaultKind.REPEATED_STATEMENT] += 1
    return [*reversed(days), *days]


def _posted(world: World, document: StatementDocument) -> Iterator[StatementDocument]:
    """A statement as it comes: not yet, with half of its lines missing, or whole."""
    odd = [
        fault.kind
        for fault in world.scenario.faults
        if fault.kind in OF_STATEMENTS and document.day == DAY + timedelta(days=fault.nth - 1)
    ]
    if world.quiet() or not odd:
        yield document
    elif FaultKind.LATE_STATEMENT in odd:
        world.injected[FaultKind.LATE_STATEMENT] += 1
    elif FaultKind.TORN_STATEMENT in odd and document.format == FORMAT:
        world.injected[FaultKind.TORN_STATEMENT] += 1
        said = json.loads(document.content)
        said["lines"] = said["lines"][: len(said["lines"]) // 2]
        yield replace(document, content=json.dumps(said).encode())
    else:
        yield document


def _close_absent(process: Worker) -> None:
    """Close what `find` did not know past its horizon, and no statement shows, as the hub does."""
    world = process.world
    adapters = {rail.plan.name: rail.adapter for rail in world.rails}
    with process.store.reading() as connection:
        silence = Silence(connection)
        proved = [
            each
            for each in missing(connection, adapters)
            if not _is_forgotten(world, each, adapters[each.rail])
            and silence.broken_by(
                AccountRef(rail=each.rail, account=each.account, currency=each.currency),
                first=each.first, last=each.last,
            ) is None
        ]  # fmt: skip
    for each in proved:
        close_absent(process.store, [each], shown_by="no statement shows it", at=process.clock())
        world.story.tell(process.life.name, f"proves absent: {each.payment_id}")


def _is_forgotten(world: World, each: Missing, adapter: Any) -> bool:
    """Whether a store that was put back may have forgotten a later sending."""
    since = world.restored_at
    return since is not None and each.asked_at < since + adapter.profile.finality_horizon


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
