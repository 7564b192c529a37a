"""Which approved payments a worker takes, releases to the ledger and sends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import LEAVES_WITHIN
from settle.payments import identity
from settle.payments.approvals import altered
from settle.payments.double import paid_otherwise
from settle.payments.fences import refuse_fenced
from settle.payments.forgetting import refuse_restored
from settle.payments.gate.rules import NO_PAUSES, Pauses
from settle.payments.gate.switching import is_free
from settle.payments.instruction import Row
from settle.payments.leasing import Lease, as_taken
from settle.payments.rows import fetch
from settle.payments.screening.gate import may_leave, stand_still
from settle.payments.sending import Sending
from settle.payments.state import Event, EventKind, State
from settle.payments.steps import advance
from settle.payments.tables import exchanges, payments
from settle.payments.unheard import (
    may_leave_otherwise,
    unheard_otherwise,
)
from settle.payments.withholding import ASKED_BACK, CHANGED, withhold


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish for work. `batch_size_max` is None on a rail with one call for each payment."""

    lease: Lease
    count_max: int
    batch_size_max: int | None
    day: date
    excluded: frozenset[str] = frozenset()
    pauses: Pauses = NO_PAUSES


def claim(connection: Connection, wishes: Sequence[Claim]) -> Sequence[Sequence[Sending]]:
    """Take funded payments, and release them to the ledger, in the caller's transaction.

    Raises:
        Fenced: a newer run bears the worker's name. So do all that take.
        Restored: the store is a backup that was put back, and has forgotten what it may have sent.
    """
    refuse_restored(connection)
    refuse_fenced(connection, [wish.lease.worker for wish in wishes])
    stand_still(connection)
    return [_claim(connection, wish) for wish in wishes]


def _claim(connection: Connection, wish: Claim) -> Sequence[Sending]:
    asked = {
        "of_rail": wish.lease.rail, "excluded": sorted(wish.excluded), "count_max": wish.count_max,
        "left_since": wish.lease.now - LEAVES_WITHIN,
    }  # fmt: skip
    rows = fetch(connection, _claimable(wish.pauses), asked)
    changed = {row["payment_id"]: row for row in altered(connection, rows)}
    withhold(connection, changed, why=CHANGED, now=wish.lease.now)
    others = [row for row in rows if row["payment_id"] not in changed]
    recalled = {row["payment_id"]: row for row in others if row["recall"]}
    withhold(connection, recalled, why=ASKED_BACK, now=wish.lease.now)
    sendings = list(_sendings([r for r in others if r["payment_id"] not in recalled], wish))
    _release(connection, [row for sending in sendings for row in sending.rows], wish)
    return sendings


_APPROVED: sa.BindParameter[str] = sa.bindparam(
    "approved", State.APPROVED.value, literal_execute=True
)
"""A literal: with a parameter no database sees that `ix_payments_claim` has what is asked for."""


@lru_cache(maxsize=64)
def _claimable(pauses: Pauses) -> sa.Select[Any]:
    """What may be claimed. This is made once: making it took longer than claiming."""
    return (
        sa.select(payments)
        .where(
            payments.c.rail == sa.bindparam("of_rail"),
            payments.c.state == _APPROVED,
            payments.c.funded,
            payments.c.hold_reason == "",
            payments.c.approved_fingerprint == payments.c.fingerprint,
            payments.c.payment_id.not_in(sa.bindparam("excluded", expanding=True)),
            is_free(pauses),
            may_leave(),
            ~paid_otherwise(),
            ~unheard_otherwise(),
            ~may_leave_otherwise(sa.bindparam("left_since", type_=exchanges.c.intent_at.type)),
        )
        .order_by(payments.c.value_date, payments.c.payment_id)
        .limit(sa.bindparam("count_max", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )


def _sendings(rows: Sequence[dict[str, Any]], wish: Claim) -> Iterator[Sending]:
    for group in _groups(rows, wish.batch_size_max):
        sendings = [(row["idempotency_key"], row["releases"] + 1) for row in group]
        conversation_id = identity.conversation(sendings)
        batch_id = None
        if wish.batch_size_max is not None:
            keys = [row["idempotency_key"] for row in group]
            batch_id = identity.batch(keys, value_date=group[0]["value_date"])
        for row in group:
            row["releases"] += 1
            row["resends"] = 0
            row["conversation_id"] = conversation_id
            row["batch_id"] = batch_id
            row["batch_on"] = wish.day if batch_id else None
        yield Sending(conversation_id=conversation_id, rows=group)


def _groups(rows: Sequence[dict[str, Any]], size_max: int | None) -> Iterator[list[dict[str, Any]]]:
    if size_max is None:
        yield from ([row] for row in rows)
        return
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[row["currency"], row["account"], row["value_date"]].append(row)
    for _, group in sorted(alike.items()):
        group.sort(key=lambda row: row["payment_id"])
        for start in range(0, len(group), size_max):
            yield group[start : start + size_max]


def _release(connection: Connection, rows: Sequence[Row], wish: Claim) -> None:
    if not rows:
        return
    lease = wish.lease
    released = [
        Event(
            payment_id=row["payment_id"],
            event_id=f"released/{row['releases']}",
            kind=EventKind.RELEASED,
            occurred_at=lease.now,
            ordinal=row["releases"],
            detail=f"by {lease.worker}",
        )
        for row in rows
    ]
    before = {row["payment_id"]: row for row in rows}
    taken = {key: as_taken(row, lease, since=lease.now, on=wish.day) for key, row in before.items()}
    advance(connection, released, recorded_at=lease.now, subjects=before, along=taken)
