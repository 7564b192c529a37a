"""Which worker sends what: claims under a lease, take-overs of dead workers, and endings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import LEAVES_WITHIN
from settle.payments import identity
from settle.payments.approvals import altered
from settle.payments.double import paid_otherwise
from settle.payments.events import append, locked
from settle.payments.exchanges import before_resend
from settle.payments.fences import borne, refuse_fenced, successors
from settle.payments.forgetting import refuse_restored
from settle.payments.gate.rules import NO_PAUSES, Pauses
from settle.payments.gate.switching import is_free
from settle.payments.instruction import Row
from settle.payments.rows import among, chunks, fetch, these, write
from settle.payments.screening.gate import may_leave, stand_still
from settle.payments.sending import Sending, conversations
from settle.payments.state import DEAD, Event, EventKind, State
from settle.payments.steps import advance
from settle.payments.tables import exchanges, payments
from settle.payments.unheard import (
    is_unheard,
    may_leave_otherwise,
    unheard_otherwise,
    unmark,
)
from settle.payments.withholding import ASKED_BACK, CHANGED, withhold


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who takes, on which rail, when and for how long."""

    rail: str
    worker: str
    now: datetime
    length: timedelta

    @property
    def until(self) -> datetime:
        """When others may take it over."""
        return self.now + self.length


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
    taken = {key: _taken(row, lease, since=lease.now, on=wish.day) for key, row in before.items()}
    advance(connection, released, recorded_at=lease.now, subjects=before, along=taken)


_TAKEN = (
    "worker", "lease_until", "releases", "resends", "released_at", "released_on",
    "conversation_id", "batch_id", "batch_on",
)  # fmt: skip


def _taken(row: Row, lease: Lease, *, since: datetime, on: date) -> dict[str, Any]:
    """What says of a payment who has it, for which sending."""
    return {
        "worker": lease.worker,
        "lease_until": lease.until,
        "releases": row["releases"],
        "resends": row["resends"],
        "released_at": since,
        "released_on": on,
        "conversation_id": row["conversation_id"],
        "batch_id": row["batch_id"],
        "batch_on": row["batch_on"],
    }


def take_over(connection: Connection, leases: Sequence[Lease]) -> Sequence[Sequence[Sending]]:
    """Take what another was sending: its lease has ended, or it bore our own name before us."""
    refuse_fenced(connection, [lease.worker for lease in leases])
    return [_take_over(connection, lease) for lease in leases]


def _take_over(connection: Connection, lease: Lease) -> Sequence[Sending]:
    # No SKIP LOCKED: a batch is taken over whole or not at all.
    rows = fetch(connection, _free(lease).where(payments.c.state == State.SENDING.value))
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
    query = _free(lease).where(
        payments.c.state == State.UNKNOWN.value, among(payments.c.conversation_id)
    )
    for chunk in chunks(sorted(conversation_ids)):
        rows.extend(fetch(connection, query, these(chunk)))
    return rows


def _free(lease: Lease) -> sa.Select[Any]:
    return (
        sa.select(payments)
        .where(
            payments.c.rail == lease.rail,
            sa.or_(
                payments.c.worker.is_(None),
                borne(lease.worker, payments.c.worker),
                payments.c.lease_until < lease.now,
            ),
        )
        .order_by(payments.c.payment_id)
        .with_for_update()
    )


def _take(
    connection: Connection, rows: Sequence[dict[str, Any]], lease: Lease
) -> Sequence[Sending]:
    if not rows:
        return []
    taken = [
        {**row, **_taken(row, lease, since=row["released_at"], on=row["released_on"])}
        for row in rows
    ]
    write(connection, taken, _TAKEN)
    return conversations(connection, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one conversation ended, as events of its payments, written by the worker that ran it.

    `heard`: the events are what its stored answer says, where there is one. One that came after
    the worker had read what is stored waits to be heard.
    """

    events: Sequence[Event]
    worker: str
    recorded_at: datetime
    heard: bool = True


def end(connection: Connection, endings: Sequence[End]) -> Sequence[Sequence[Event]]:
    """Store how conversations ended and give their payments free, in one transaction.

    Only who holds a payment ends its sending, and nobody whose name a newer run bears. This gives
    back, for each ending, the events that count; what another worker has taken over meanwhile is
    that worker's to end.
    """
    # Names are locked before payments, as by whoever stores an intent.
    fenced = successors(connection, [ending.worker for ending in endings])
    ids = {event.payment_id for ending in endings for event in ending.events}
    rows = locked(connection, sorted(ids), only=_HELD)
    held = {each for each in _held(rows) if each[1] not in fenced}
    counting = [
        [e for e in ending.events if (e.payment_id, ending.worker, e.ordinal) in held]
        for ending in endings
    ]
    events = [event for each in counting for event in each]
    advance(
        connection, events, recorded_at=max(ending.recorded_at for ending in endings),
        subjects=rows, along={event.payment_id: _FREED for event in events},
    )  # fmt: skip
    heard = [
        (rows[event.payment_id], event)
        for ending, each in zip(endings, counting, strict=True) if ending.heard
        for event in each
    ]  # fmt: skip
    answered = {_turn(row) for row, _ in heard if _was_answered(row)}
    undecided = {_turn(row) for row, event in heard if _says_nothing(row, event)}
    unmark(connection, sorted(answered - undecided))
    return counting


_HELD = (
    "payment_id", "worker", "releases", "resends", "conversation_id", "state", "steps", "live",
)  # fmt: skip
"""What says who holds a payment, and whether an answer is its next step."""

_FREED: Row = MappingProxyType({"worker": None, "lease_until": None})
"""Nobody has it."""


def _was_answered(row: Row) -> bool:
    """Whether its answer was marked when it came, so that nobody misses it if we are killed."""
    return bool(row["state"] != State.SENDING.value or row["resends"])


def _says_nothing(row: Row, event: Event) -> bool:
    """Whether an answer decides nothing about what was closed before it: the rail is to say."""
    return event.kind is EventKind.UNKNOWN and State(row["state"]) in DEAD


def _turn(row: Row) -> tuple[str, int]:
    return str(row["conversation_id"]), int(row["resends"])


def _held(rows: Mapping[str, Row]) -> set[tuple[str, str, int]]:
    """Who holds which payments for which release."""
    return {(row["payment_id"], row["worker"], row["releases"]) for row in rows.values()}
