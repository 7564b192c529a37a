"""What people do in the midst of a world: pause a rail, take back, decide, put back a store.

Their commands write to the store as no worker does: nobody kills them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput, Unsupported
from settle.payments import (
    Scope,
    State,
    Statement,
    Verdict,
    ask_back,
    cancel,
    decide,
    pause,
    resume,
)
from settle.payments.recalling import MAY_BE_RECALLED
from settle.payments.tables import payments
from settle.simulation.trial.faults import OF_PEOPLE, Fault, FaultKind
from settle.simulation.trial.findings import Findings
from settle.simulation.trial.restoring import put_back
from settle.simulation.trial.scenario import HOUR_S, Order

if TYPE_CHECKING:
    from settle.simulation.trial.world import World

RESUMED_BY_S = 24.9 * HOUR_S
"""What is planned for the second day finds every rail open."""


async def people(world: World) -> None:
    """Do all that people do, each thing in its time."""
    deeds = [fault for fault in world.scenario.faults if fault.kind in OF_PEOPLE]
    await asyncio.gather(*(_do(world, fault) for fault in deeds))


async def _do(world: World, fault: Fault) -> None:
    await asyncio.sleep(fault.seconds)
    await _DEEDS[fault.kind](world, fault)


async def _pause(world: World, fault: Fault) -> None:
    who = {"name": fault.rail, "actor": "alice", "reason": "it looks odd"}
    pause(world.store, Scope.RAIL, now=world.now(), **who)
    _told(world, fault, f"pauses {fault.rail}")
    world.witness.pause(fault.rail)
    await asyncio.sleep(min(fault.span * HOUR_S, RESUMED_BY_S - fault.seconds))
    world.witness.paused.pop(fault.rail)
    resume(world.store, Scope.RAIL, now=world.now(), **who)
    world.story.tell("alice", f"lets {fault.rail} go on")


async def _cancel(world: World, fault: Fault) -> None:
    order = _order(world, fault)
    if order is None:
        return
    try:
        with world.store.transaction() as connection:
            cancel(
                connection, _payment(connection, order), actor="alice", reason="not owed",
                frees=False, at=world.now(),
            )  # fmt: skip
    except BadInput as refused:
        world.story.tell("alice", f"cannot cancel {order.obligation_id}: {refused}")
        return
    _told(world, fault, f"cancels {order.obligation_id}")


async def _recall(world: World, fault: Fault) -> None:
    if fault.seconds:
        _ask_back(world, fault)


def ask_at_once(world: World) -> None:
    """Ask those back that somebody wants as soon as they may have left."""
    for fault in world.scenario.of(FaultKind.RECALL):
        if not fault.seconds and _may_be_recalled(world, fault):
            _ask_back(world, fault)


def _may_be_recalled(world: World, fault: Fault) -> bool:
    order = _order(world, fault)
    if order is None:
        return False
    query = sa.select(payments.c.state).where(
        payments.c.obligation_id == order.obligation_id, payments.c.live, payments.c.recall == ""
    )
    with world.store.reading() as connection:
        return connection.scalar(query) in MAY_BE_RECALLED


def _ask_back(world: World, fault: Fault) -> None:
    order = _order(world, fault)
    if order is None or world.is_restored:
        return
    rails = {rail.plan.name: rail.adapter for rail in world.rails}
    try:
        with world.store.transaction() as connection:
            ask_back(
                connection, _payment(connection, order), rails=rails, actor="alice",
                reason="not owed", code="CUST", at=world.now(),
            )  # fmt: skip
    except (BadInput, Unsupported) as refused:
        world.story.tell("alice", f"cannot ask {order.obligation_id} back: {refused}")
        return
    _told(world, fault, f"asks {order.obligation_id} back")


def _order(world: World, fault: Fault) -> Order | None:
    return next((o for o in world.scenario.orders if o.number == fault.nth), None)


def _payment(connection: Connection, order: Order) -> str:
    """The payment that stands for an order; the order's own id where there is none."""
    mine = sa.and_(payments.c.obligation_id == order.obligation_id, payments.c.live)
    query = sa.select(payments.c.payment_id).where(mine)
    return connection.scalar(query) or order.obligation_id


def stop_midway(world: World) -> None:
    """Ask back or decide about what was just taken to be sent again, and has not left.

    Nobody knows what the books will say while something is still under way.
    """
    under_way = any(network.under_way for network in world.networks.values())
    if under_way or world.is_restored or world.scenario.of(FaultKind.STALL):
        return
    for fault in world.scenario.of(FaultKind.MIDWAY):
        if fault.span == 1:
            _decide_now(world, fault)
            continue
        for order in world.scenario.orders:
            asked = replace(fault, nth=order.number)
            if _may_be_recalled(world, asked):
                _ask_back(world, asked)


async def _decide(world: World, fault: Fault) -> None:
    _decide_now(world, fault)


def _decide_now(world: World, fault: Fault) -> None:
    """Two people look at the bank's own books, and say what they see there."""
    with world.store.reading() as connection:
        found = Findings(world=world, connection=connection)
        unknown = [
            (row, found.times_executed(row) > 0)
            for row in found.payments
            if row["state"] == State.UNKNOWN
        ]
    for row, paid in unknown:
        verdict = Verdict.EXECUTED if paid else Verdict.NOT_EXECUTED
        for actor in ("alice", "bob"):
            said = Statement(
                payment_id=row["payment_id"], verdict=verdict, actor=actor, why="asked the bank",
                at=world.now(),
            )  # fmt: skip
            try:
                decide(world.store, said)
            except BadInput as refused:
                world.story.tell(actor, f"cannot decide {row['obligation_id']}: {refused}")
                break
        else:
            _told(world, fault, f"and bob decide: {row['obligation_id']} was {verdict}")
            world.freed |= not paid


async def _restore(world: World, fault: Fault) -> None:
    if put_back(world):
        _told(world, fault, f"puts back the backup that was taken at write {fault.nth}")


def _told(world: World, fault: Fault, what: str) -> None:
    world.injected[fault.kind] += 1
    world.story.tell("alice", what)


_DEEDS: Mapping[FaultKind, Callable[[World, Fault], Coroutine[Any, Any, None]]] = {
    FaultKind.PAUSE: _pause,
    FaultKind.CANCEL: _cancel,
    FaultKind.RECALL: _recall,
    FaultKind.DECISION: _decide,
    FaultKind.RESTORE: _restore,
}
