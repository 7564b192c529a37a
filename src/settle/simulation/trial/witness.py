"""Somebody who stands at the wire and looks into the store before a request leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Effect, Request
from settle.payments import State, identity
from settle.payments.fences import name_of, number_of
from settle.payments.tables import exchanges, fences, payments
from settle.simulation.trial.invariant import Invariant
from settle.simulation.trial.process import Life

if TYPE_CHECKING:
    from settle.simulation.trial.world import World

_OVER = frozenset({State.REJECTED, State.CANCELLED, State.FAILED, State.RETURNED})
"""How a payment ended after which its obligation may have another key."""

_LEAVING = frozenset({State.SENDING, State.UNKNOWN})
"""What is on its way, for the first time or once more."""

Sending = tuple[str, int, int]
"""A payment, and which of its sendings: releases and re-sendings."""


@dataclass(slots=True)
class Witness:
    """What was wrong about requests when they left, by the invariant that it breaks.

    The store that it looks into is of no process, so it sees only what is committed. `left`: by
    obligation, the keys that money was to move under, and the payment of each; `paused`: by rail
    that people have paused, what was on its way by then.
    """

    world: World
    found: dict[Invariant, list[str]] = field(default_factory=lambda: defaultdict(list))
    left: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    paused: dict[str, frozenset[Sending]] = field(default_factory=dict)

    def sees(self, life: Life, request: Request) -> None:
        """A request is about to leave. What creates or moves stands in the store, and is held."""
        if request.method == "GET":
            return
        what = f"{request.method} {request.path} by {life.name}"
        with self.world.store.reading() as connection:
            intents = connection.execute(_intents(request)).all()
            if not intents:
                self.found[Invariant.INTENT].append(f"{what} left without an intent")
                return
            names = [row.conversation_id for row in intents]
            if request.path != "/payees":  # payees of several payments may be asked for alike
                if connection.scalar(_unheard(names, before=intents[0].step)):
                    self.found[Invariant.INTENT].append(
                        f"{what} left before the answers that it follows"
                    )
                if _asks_back(connection, names):
                    return
                if not connection.scalar(_held(names, life.run)):
                    self.found[Invariant.HELD].append(f"{what}, who does not hold the payment")
            if any(row.effect == Effect.COMMITS.value for row in intents):
                self._moves(connection, life, names)

    def pause(self, rail: str) -> None:
        """Remember what is on its way as a rail is paused."""
        columns = payments.c.payment_id, payments.c.releases, payments.c.resends
        with self.world.store.reading() as connection:
            rows = connection.execute(sa.select(*columns).where(payments.c.rail == rail))
            self.paused[rail] = frozenset((key, times, again) for key, times, again in rows)

    def _moves(self, connection: Connection, life: Life, names: Sequence[str]) -> None:
        """Money is about to move. It may, and under no second key."""
        rows = connection.execute(_moved(names)).all()
        for row in rows:
            for invariant, why in (*self._forbidden(life, row), *self._keyed(connection, row)):
                self.found[invariant].append(f"{row.obligation_id} {why}")

    def _forbidden(self, life: Life, row: Any) -> Iterator[tuple[Invariant, str]]:
        now = self.world.now() + timedelta(seconds=life.skew_s)
        closes = self.world.plan_of(row.rail).closes(now)
        if closes is not None and now >= closes:
            yield Invariant.CUT_OFF, f"left for {row.rail} at {now:%H:%M:%S}"
        before = self.paused.get(row.rail)
        if before is not None and (row.payment_id, row.releases, row.resends) not in before:
            yield Invariant.PAUSED, f"was let go to {row.rail}"
        if row.recall:
            yield Invariant.ASKED_BACK, f"left though its recall is {row.recall}"
        if State(row.state) not in _LEAVING:
            yield Invariant.OVER, f"left though it is {row.state}"
        if self.world.is_restored:
            yield Invariant.RESTORED, f"left for {row.rail}"

    def _keyed(self, connection: Connection, row: Any) -> Iterator[tuple[Invariant, str]]:
        known = self.left[row.obligation_id]
        former = {key: by for key, by in known.items() if key != row.idempotency_key}
        known[row.idempotency_key] = row.payment_id
        for key, payment_id in former.items():
            state = payments.c.state
            query = sa.select(state).where(payments.c.payment_id == payment_id)
            said = connection.scalar(query)
            if payment_id == row.payment_id or (said is not None and State(said) not in _OVER):
                yield Invariant.KEY, f"left under {row.idempotency_key} and {key}, which is {said}"


def _intents(request: Request) -> sa.Select[tuple[str, int, str]]:
    step = exchanges.c
    return (
        sa.select(step.conversation_id, step.step, step.effect)
        .where(step.fingerprint == request.fingerprint)
        .order_by(step.conversation_id)
    )


def _asks_back(connection: Connection, names: Sequence[str]) -> bool:
    """Whether these conversations ask for payments back. Nobody holds a payment for that."""
    query = sa.select(payments.c.idempotency_key).where(payments.c.recall != "")
    numbers = range(1, identity.RECALLS_MAX + 1)
    asking = (
        identity.recall_conversation(key, number=number)
        for key in connection.scalars(query)
        for number in numbers
    )
    return set(names) <= set(asking)


def _unheard(names: list[str], *, before: int) -> sa.Select[int]:
    """How many earlier steps have, in no turn, an answer or a silence."""
    step = exchanges.c
    steps = (
        sa.select(step.conversation_id, step.step)
        .where(step.conversation_id.in_(names), step.step < before)
        .group_by(step.conversation_id, step.step)
        .having(sa.func.max(step.status).is_(None), sa.func.max(step.silence).is_(None))
    )
    return sa.select(sa.func.count()).select_from(steps.subquery())


def _held(names: list[str], run: str) -> sa.Select[int]:
    """How many of their payments this very run holds, and no newer one of its name."""
    payment = payments.c
    newer = sa.exists().where(fences.c.name == name_of(run), fences.c.number > number_of(run))
    held = payment.conversation_id.in_(names), payment.worker == run, sa.not_(newer)
    return sa.select(sa.func.count()).where(*held)


def _moved(names: Sequence[str]) -> sa.Select[Any]:
    payment = payments.c
    return sa.select(
        payment.payment_id, payment.obligation_id, payment.idempotency_key, payment.rail,
        payment.releases, payment.resends, payment.recall, payment.state,
    ).where(payment.conversation_id.in_(names))  # fmt: skip
