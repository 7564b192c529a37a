"""What somebody told us that only the rail can prove: the wish to ask it, kept until it answered.

A notification of failure is no evidence. It leaves a wish, in the transaction that keeps it, and
whoever looks next asks the rail about that payment, whatever state it is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from settle.payments.identity import REFERENCES
from settle.payments.rows import chunks, fetch
from settle.payments.sending import Sending, conversations
from settle.payments.state import State
from settle.payments.tables import find_wishes, payments


def wish(connection: Connection, payment_ids: Iterable[str], *, why: str, at: datetime) -> None:
    """Keep that a rail is to be asked about payments, in the caller's transaction.

    A wish that was answered is open again: the answer came before this.
    """
    rows = [
        {"payment_id": name, "wished_at": at, "why": why, "answered_at": None}
        for name in sorted(set(payment_ids))
    ]
    if not rows:
        return
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(find_wishes)
    newest = {name: statement.excluded[name] for name in ("wished_at", "why", "answered_at")}
    upsert = statement.on_conflict_do_update(index_elements=[find_wishes.c.payment_id], set_=newest)
    connection.execute(upsert, rows)


def wish_about(
    connection: Connection, rail: str, references: Collection[str], *, why: str, at: datetime
) -> None:
    """Keep a wish by what a rail calls the payments. Those that nobody knows are left out."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(references))):
        named = sa.or_(*(payments.c[name].in_(chunk) for name in REFERENCES))
        query = sa.select(payments.c.payment_id).where(payments.c.rail == rail, named)
        found.update(connection.scalars(query))
    wish(connection, found, why=why, at=at)


def wished(connection: Connection, rail: str, *, beside: Collection[State]) -> Sequence[Sending]:
    """What a rail is to be asked about because somebody wishes it, but for these states.

    What a worker is sending is left out: its answer is on the way, and the wish stays.
    """
    query = (
        sa.select(payments)
        .join(find_wishes, find_wishes.c.payment_id == payments.c.payment_id)
        .where(
            payments.c.rail == rail, find_wishes.c.answered_at.is_(None),
            payments.c.conversation_id.is_not(None), payments.c.worker.is_(None),
            payments.c.state.not_in([state.value for state in beside]),
        )
    )  # fmt: skip
    return conversations(connection, fetch(connection, query))


def answered(
    connection: Connection, payment_ids: Iterable[str], *, asked_at: datetime, at: datetime
) -> None:
    """End the wishes of payments about which a rail has answered. Newer ones stay open."""
    table = find_wishes.c
    for chunk in chunks(sorted(set(payment_ids))):
        mine = (table.payment_id.in_(chunk), table.answered_at.is_(None))
        connection.execute(
            sa.update(find_wishes).where(*mine, table.wished_at <= asked_at).values(answered_at=at)
        )
