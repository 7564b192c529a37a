"""How conversations end: only who holds a payment says what became of its sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from settle.payments.events import locked
from settle.payments.fences import successors
from settle.payments.instruction import Row
from settle.payments.state import DEAD, Event, EventKind, State
from settle.payments.steps import advance
from settle.payments.unheard import (
    unmark,
)


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
