"""Who may store an intent: money leaves only while all payments of a conversation still may.

A worker takes many conversations at once, and they wait for their turn. Meanwhile another may
prove what became of one, two people may decide it, somebody may want it back, or a switch be
turned. A batch is one request: what stops one of its payments stops all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.double import paid_otherwise
from settle.payments.gate.rules import NO_PAUSES
from settle.payments.gate.switching import is_free
from settle.payments.rows import among, chunks, these
from settle.payments.state import State
from settle.payments.tables import payments
from settle.payments.unheard import unheard_otherwise


class Refusal(StrEnum):
    """Why an intent is not stored."""

    LOST = "another worker holds the payment"
    STOPPED = "it may not leave any more: it is held, paused, asked back, paid, closed or overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who is about to send what. `turn` counts re-sendings; `moves` money or only reads."""

    conversation_id: str
    turn: int
    moves: bool
    worker: str
    at: datetime


def refusals(
    connection: Connection, wishes: Sequence[Wish], *, fenced: frozenset[str] | set[str]
) -> Sequence[Refusal | None]:
    """Whether each may be stored, in order. None: it may.

    What moves money needs every payment of its conversation: held by the worker under a lease
    that lasts, at the same re-sending, being sent, not asked back, held, paused or paid
    otherwise. What only reads needs one that the worker holds. The payments are locked: who
    closes or stops one waits until this intent is stored, and sees it.
    """
    rows = _rows(connection, sorted({wish.conversation_id for wish in wishes}))
    return [_refusal(wish, rows.get(wish.conversation_id, ()), fenced) for wish in wishes]


def _refusal(wish: Wish, rows: Sequence[Any], fenced: frozenset[str] | set[str]) -> Refusal | None:
    if wish.worker in fenced or all(row.worker != wish.worker for row in rows):
        return Refusal.LOST
    if wish.moves and not all(_may_leave(row, wish) for row in rows):
        return Refusal.STOPPED
    return None


def _may_leave(row: Any, wish: Wish) -> bool:
    holds = row.worker == wish.worker and row.lease_until >= wish.at
    return bool(holds and row.resends == wish.turn and row.free)


def _rows(connection: Connection, conversation_ids: Sequence[str]) -> Mapping[str, Sequence[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for chunk in chunks(conversation_ids):
        for row in connection.execute(_held(), these(chunk)):
            found[row.conversation_id].append(row)
    return found


@cache
def _held() -> sa.Select[Any]:
    """Made once: making it takes longer than asking."""
    table = payments.c
    is_sent_again = sa.and_(table.state == State.UNKNOWN.value, table.resends > 0)
    free = sa.and_(
        sa.or_(table.state == State.SENDING.value, is_sent_again),
        table.live, table.recall == "", table.hold_reason == "",
        is_free(NO_PAUSES), ~paid_otherwise(), ~unheard_otherwise(),
    )  # fmt: skip
    return (
        sa.select(
            table.conversation_id, table.worker, table.lease_until, table.resends,
            free.label("free"),
        )
        .where(among(table.conversation_id))
        .order_by(table.payment_id)
        .with_for_update(read=True)
    )  # fmt: skip
