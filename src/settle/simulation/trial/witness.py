"""Somebody who stands at the wire and looks into the store before a request leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from settle.adapters import Request
from settle.payments.tables import exchanges
from settle.store import Store


@dataclass(slots=True)
class Witness:
    """What was not durable when it had to be. `store` is of no process, so it sees commits only."""

    store: Store
    unwritten: list[str] = field(default_factory=list)

    def sees(self, request: Request) -> None:
        """A request is about to leave. What creates or moves must stand in the store."""
        if request.method == "GET":
            return
        with self.store.reading() as connection:
            rows = connection.execute(
                sa.select(exchanges.c.conversation_id, exchanges.c.step)
                .where(exchanges.c.fingerprint == request.fingerprint)
                .order_by(exchanges.c.conversation_id.desc())
            ).all()
            if not rows:
                self.unwritten.append(f"{request.method} {request.path} left without an intent")
                return
            earlier = sa.select(sa.func.count()).where(
                exchanges.c.conversation_id.in_([row.conversation_id for row in rows]),
                exchanges.c.step < rows[0].step,
                exchanges.c.status.is_(None),
                exchanges.c.silence.is_(None),
            )
            if request.path == "/payments" and connection.execute(earlier).scalar_one():
                why = f"{request.method} {request.path} left before the answers it follows"
                self.unwritten.append(why)
