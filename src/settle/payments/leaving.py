"""Until when what was about to be sent may still leave: nobody proves absence before that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import LEAVES_WITHIN, Effect
from settle.payments.instruction import Row
from settle.payments.rows import chunks
from settle.payments.state import SENT, Event
from settle.payments.tables import exchanges

_INTENT = sa.func.max(exchanges.c.intent_at)


def last_leaving(
    connection: Connection, rows: Sequence[Row], events: Mapping[str, Iterable[Event]]
) -> dict[str, datetime]:
    """By payment, the last moment at which it was sent, or its request may leave.

    A worker that was slow, or stood still, stores its intent long after it took the payment, and
    what has an intent may leave for a while.
    """
    intents = _intents(connection, rows)
    left = {row["payment_id"]: last_sent_at(events.get(row["payment_id"], ())) for row in rows}
    for row in rows:
        intent_at = intents.get(row["conversation_id"])
        if intent_at is not None:
            left[row["payment_id"]] = max(left[row["payment_id"]], intent_at + LEAVES_WITHIN)
    return left


def still_leaving(connection: Connection, row: Row) -> datetime | None:
    """Until when a payment's request may leave of which nothing was heard since its intent."""
    unheard = exchanges.c.status.is_(None), exchanges.c.silence.is_(None)
    intent_at = _intents(connection, [row], *unheard).get(row["conversation_id"])
    return None if intent_at is None else intent_at + LEAVES_WITHIN


def last_sent_at(events: Iterable[Event]) -> datetime:
    """When a payment was released, or sent once more, for the last time."""
    return max(event.occurred_at for event in events if event.kind in SENT)


def _intents(
    connection: Connection, rows: Sequence[Row], *which: sa.ColumnElement[bool]
) -> dict[str, datetime]:
    """By conversation, when its last `commits` was about to leave."""
    found: dict[str, datetime] = {}
    for chunk in chunks(sorted({row["conversation_id"] for row in rows if row["conversation_id"]})):
        query = (
            sa.select(exchanges.c.conversation_id, _INTENT)
            .where(
                exchanges.c.conversation_id.in_(chunk),
                exchanges.c.effect == Effect.COMMITS.value, *which,
            )
            .group_by(exchanges.c.conversation_id)
        )  # fmt: skip
        found.update((name, at) for name, at in connection.execute(query))
    return found
