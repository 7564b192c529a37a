"""The steps that nearly every payment takes, without reading what it did before.

What follows an event is what all events of the payment add up to (`state_of`). For the steps of a
payment whose history is plain, that is known from its row and from the kinds of its events: this
writes it, and the money it moves, without folding. Anything else goes the long way, as does what
was there already. `tests/properties/test_steps.py` holds each of these against the fold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger import Posting, post
from settle.payments.events import append, keep, locked, refold, subject_of
from settle.payments.instruction import Row
from settle.payments.postings import released
from settle.payments.rows import among, chunks, these, write
from settle.payments.state import BEFORE, UNSENT, Event, EventKind, State
from settle.payments.tables import payment_events, payments
from settle.store import insert_new

_ASIDE = frozenset({EventKind.ENDORSED, EventKind.CLEARED, EventKind.ROLLED})
"""What changes nothing that a fold looks at."""

PLAIN = frozenset({*BEFORE, *_ASIDE, EventKind.RELEASED})
"""The kinds of a history that is plain: prepared, and sent once at most."""

ANSWERS = {EventKind.ACCEPTED: State.ACCEPTED, EventKind.UNKNOWN: State.UNKNOWN}
"""What the answer to a first sending leaves a payment in. Neither moves money."""


def advance(
    connection: Connection,
    events: Iterable[Event],
    *,
    recorded_at: datetime,
    subjects: Mapping[str, Row] | None = None,
    along: Mapping[str, Row] | None = None,
) -> None:
    """Append events as `append` does, in the caller's transaction, and tell nothing about them.

    `subjects`: the payments by id as they are stored, where the caller has locked them.
    `along`: what else is written of each of these payments, the same columns of all, by id. It is
    written with the step: every writing of a payment's row costs as much as its many indexes.
    """
    wanted = list(events)
    if not wanted:
        return
    rows = subjects or locked(connection, sorted({event.payment_id for event in wanted}))
    times = Counter(event.payment_id for event in wanted)
    alone = [e for e in wanted if times[e.payment_id] == 1 and follows(rows[e.payment_id], e)]
    odd = _odd(connection, [e.payment_id for e in alone if e.kind not in BEFORE])
    quick = [event for event in alone if event.payment_id not in odd]
    ids = {event.payment_id for event in quick}
    written = keep(connection, quick, recorded_at=recorded_at) == len(quick)
    if written:
        _write(connection, quick, along or {})
        post(connection, _postings(rows, quick), recorded_at=recorded_at)
    else:
        refold(connection, sorted(ids), recorded_at=recorded_at)
    append(connection, [e for e in wanted if e.payment_id not in ids], recorded_at=recorded_at)
    if along:
        done = {e.payment_id for e in quick if e.kind in _AFTER} if written else set()
        rest = [key for key in along if key not in done]
        write(connection, [{"payment_id": key, **along[key]} for key in rest], _columns(along))


def begin(
    connection: Connection, rows: Sequence[Row], planned: Sequence[Event], *, recorded_at: datetime
) -> None:
    """Keep new payments, each with its first event, in the caller's transaction.

    A row is written as its first event leaves it. One that was there already is folded instead.
    """
    begun = [{**row, "steps": event.ordinal} for row, event in zip(rows, planned, strict=True)]
    count = insert_new(connection, payments, begun)
    if count < len(begun) or keep(connection, planned, recorded_at=recorded_at) < count:
        append(connection, planned, recorded_at=recorded_at)
        refold(connection, sorted(row["payment_id"] for row in rows), recorded_at=recorded_at)


STANDING = ("live", "state", "steps")
"""The columns that tell whether a step of what has not left is the next one."""


def follows(row: Row, event: Event) -> bool:
    """Whether the event is the next step of a payment, for all that its row tells.

    A step before the release needs no more. A release and an answer are what they seem only where
    the history is plain as well: nothing in it is of a kind that `PLAIN` does not have, and
    nothing was released but once.
    """
    if not row["live"]:
        return False
    if event.kind in BEFORE:
        return row["state"] in UNSENT and bool(event.ordinal == row["steps"] + 1)
    if event.ordinal != 1:
        return False
    if event.kind is EventKind.RELEASED:
        return row["state"] in UNSENT
    return event.kind in ANSWERS and bool(row["state"] == State.SENDING)


def _odd(connection: Connection, payment_ids: Sequence[str]) -> set[str]:
    """The payments whose history is not plain."""
    found: set[str] = set()
    for chunk in chunks(payment_ids):
        found.update(connection.scalars(_ODD, these(chunk)))
    return found


_KIND, _ORDINAL = payment_events.c.kind, payment_events.c.ordinal
_ODD = sa.select(payment_events.c.payment_id).where(
    among(payment_events.c.payment_id),
    sa.or_(
        _KIND.not_in(sorted(kind.value for kind in PLAIN)),
        sa.and_(_KIND == EventKind.RELEASED.value, _ORDINAL != 1),
    ),
)


def _write(connection: Connection, events: Sequence[Event], along: Mapping[str, Row]) -> None:
    """The projection after these: one statement for all that take the same step."""
    alike: dict[EventKind, list[str]] = defaultdict(list)
    for event in events:
        alike[event.kind].append(event.payment_id)
    for kind, payment_ids in alike.items():
        if along and (step := _AFTER.get(kind)) is not None:
            rows = [{"payment_id": key, **step, **along[key]} for key in sorted(payment_ids)]
            write(connection, rows, (*step, *_columns(along)))
            continue
        for chunk in chunks(sorted(payment_ids)):
            connection.execute(_STEPS[kind], these(chunk))


def _columns(along: Mapping[str, Row]) -> tuple[str, ...]:
    return tuple(next(iter(along.values())))


_AFTER: dict[EventKind, dict[str, Any]] = {
    EventKind.RELEASED: {"state": State.SENDING.value, "in_transit": True},
    **{kind: {"state": state.value} for kind, state in ANSWERS.items()},
}
"""What a release and an answer leave in the row of a payment."""

_THOSE = sa.update(payments).where(among(payments.c.payment_id))
_STEPS: dict[EventKind, sa.Update] = {
    **{kind: _THOSE.values(**columns) for kind, columns in _AFTER.items()},
    **{
        kind: _THOSE.values(
            state=state.value, steps=payments.c.steps + 1, funded=kind is EventKind.FUNDED
        )
        for kind, state in BEFORE.items()
    },
}


def _postings(rows: Mapping[str, Row], events: Sequence[Event]) -> list[Posting]:
    return [
        released(subject_of(rows[event.payment_id]), event)
        for event in events
        if event.kind is EventKind.RELEASED
    ]
