"""Somebody who stands at the wire and looks into the store before a request leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from settle.adapters import Request
from settle.payments.fences import MARK
from settle.payments.tables import exchanges, payments
from settle.store import Store


@dataclass(slots=True)
class Witness:
    """What was not durable, or not its sender's, when it left.

    `store` is of no process, so it sees only what is committed.
    """

    store: Store
    unwritten: list[str] = field(default_factory=list)
    unheld: list[str] = field(default_factory=list)

    def sees(self, worker: str, request: Request) -> None:
        """A request is about to leave. What creates or moves stands in the store, and is held."""
        if request.method == "GET":
            return
        what = f"{request.method} {request.path} by {worker}"
        with self.store.reading() as connection:
            intents = connection.execute(_intents(request)).all()
            if not intents:
                self.unwritten.append(f"{what} left without an intent")
                return
            names = [row.conversation_id for row in intents]
            if request.path != "/payees":  # payees of several payments may be asked for alike
                if connection.scalar(_unheard(names, before=intents[0].step)):
                    self.unwritten.append(f"{what} left before the answers that it follows")
                if not connection.scalar(_held(names, worker)):
                    self.unheld.append(f"{what}, who does not hold the payment")


def _intents(request: Request) -> sa.Select[tuple[str, int]]:
    step = exchanges.c
    return (
        sa.select(step.conversation_id, step.step)
        .where(step.fingerprint == request.fingerprint)
        .order_by(step.conversation_id)
    )


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


def _held(names: list[str], worker: str) -> sa.Select[int]:
    payment = payments.c
    runs = payment.worker.startswith(worker + MARK, autoescape=True)
    return sa.select(sa.func.count()).where(payment.conversation_id.in_(names), runs)
