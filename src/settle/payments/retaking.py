"""Payments taken once more: from a dead worker, to be sent again, or to be found out about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.approvals import altered
from settle.payments.double import paid_otherwise
from settle.payments.events import append
from settle.payments.exchanges import before_resend
from settle.payments.fences import refuse_fenced
from settle.payments.forgetting import refuse_restored
from settle.payments.gate.rules import NO_PAUSES
from settle.payments.gate.switching import is_free
from settle.payments.leasing import TAKEN, Lease, as_taken, takeable
from settle.payments.rows import among, chunks, fetch, these, write
from settle.payments.screening.gate import may_leave, stand_still
from settle.payments.sending import Sending, conversations
from settle.payments.state import Event, EventKind, State
from settle.payments.tables import payments
from settle.payments.unheard import (
    is_unheard,
    unheard_otherwise,
)


def take_over(connection: Connection, leases: Sequence[Lease]) -> Sequence[Sequence[Sending]]:
    """Take what another was sending: its lease has ended, or it bore our own name before us."""
    refuse_fenced(connection, [lease.worker for lease in leases])
    return [_take_over(connection, lease) for lease in leases]


def _take_over(connection: Connection, lease: Lease) -> Sequence[Sending]:
    # No SKIP LOCKED: a batch is taken over whole or not at all.
    rows = fetch(connection, takeable(lease).where(payments.c.state == State.SENDING.value))
    return _take(connection, rows, lease)


def resend(
    connection: Connection, wishes: Sequence[tuple[Lease, Sequence[str]]]
) -> Sequence[Sequence[Sending]]:
    """Take unknown conversations to send once more, with the same key and the same content.

    One with a payment that screening holds by now, that somebody wants back, that a switch of the
    store pauses, or whose obligation another one proved to have paid, is not sent again, and stays
    unknown.

    Raises:
        Fenced, Restored: as in `claim`.
    """
    refuse_restored(connection)
    refuse_fenced(connection, [lease.worker for lease, _ in wishes])
    stand_still(connection)
    return [_resend(connection, lease, conversations) for lease, conversations in wishes]


def _resend(
    connection: Connection, lease: Lease, conversation_ids: Sequence[str]
) -> Sequence[Sending]:
    rows = _unchanged(connection, _unknown(connection, lease, conversation_ids), lease.now)
    stopped = _stopped(connection, sorted({row["conversation_id"] for row in rows}))
    rows = [row for row in rows if row["conversation_id"] not in stopped]
    for row in rows:
        row["resends"] += 1
    resent = [
        Event(
            payment_id=row["payment_id"],
            event_id=f"resent/{row['releases']}.{row['resends']}",
            kind=EventKind.RESENT,
            occurred_at=lease.now,
            ordinal=row["releases"],
            detail=f"by {lease.worker}, same key",
        )
        for row in rows
    ]
    append(connection, resent, recorded_at=lease.now)
    return [
        Sending(
            conversation_id=sending.conversation_id,
            rows=sending.rows,
            stored=before_resend(sending.stored),
            turn=sending.rows[0]["resends"],
        )
        for sending in _take(connection, rows, lease)
    ]


def _stopped(connection: Connection, conversation_ids: Sequence[str]) -> set[str]:
    """Those of the conversations with a payment that is not sent once more, nor what it is part of.

    It is held, somebody wants it back, a switch pauses it, its obligation proved to be paid by
    another, or it was closed: what is left of a batch is not the request that was sent.
    """
    found: set[str] = set()
    for chunk in chunks(conversation_ids):
        found.update(connection.scalars(_no_more(), these(chunk)))
    return found


@cache
def _no_more() -> sa.Select[Any]:
    return sa.select(payments.c.conversation_id).where(
        among(payments.c.conversation_id),
        sa.or_(
            sa.not_(may_leave()), paid_otherwise(), unheard_otherwise(), is_unheard(),
            payments.c.recall != "", payments.c.hold_reason != "", sa.not_(is_free(NO_PAUSES)),
            payments.c.state != State.UNKNOWN.value,
        ),
    )  # fmt: skip


def _unchanged(
    connection: Connection, rows: Sequence[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """What still says what was sent. An old key never carries another instruction."""
    changed = altered(connection, rows)
    flagged = [
        Event(
            payment_id=row["payment_id"],
            event_id=f"changed/{row['releases']}.{row['resends']}",
            kind=EventKind.CONTRADICTED,
            occurred_at=now,
            detail="instruction: changed after it was sent; not sent again",
        )
        for row in changed
    ]
    append(connection, flagged, recorded_at=now)
    stopped = {row["conversation_id"] for row in changed}
    return [row for row in rows if row["conversation_id"] not in stopped]


def take_up(
    connection: Connection, wishes: Sequence[tuple[Lease, Sequence[str]]]
) -> Sequence[Sequence[Sending]]:
    """Take unknown conversations of which more is stored than was known when they ended."""
    refuse_fenced(connection, [lease.worker for lease, _ in wishes])
    return [_take(connection, _unknown(connection, *wish), wish[0]) for wish in wishes]


def _unknown(
    connection: Connection, lease: Lease, conversation_ids: Sequence[str]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query = takeable(lease).where(
        payments.c.state == State.UNKNOWN.value, among(payments.c.conversation_id)
    )
    for chunk in chunks(sorted(conversation_ids)):
        rows.extend(fetch(connection, query, these(chunk)))
    return rows


def _take(
    connection: Connection, rows: Sequence[dict[str, Any]], lease: Lease
) -> Sequence[Sending]:
    if not rows:
        return []
    taken = [
        {**row, **as_taken(row, lease, since=row["released_at"], on=row["released_on"])}
        for row in rows
    ]
    write(connection, taken, TAKEN)
    return conversations(connection, rows)
