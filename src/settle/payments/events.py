"""Appending events: their rows, the projection and the postings, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger import Posting, post
from settle.payments.double import hold_others, out_as_well
from settle.payments.instruction import Row
from settle.payments.postings import Subject, rows
from settle.payments.recalls import recall_of
from settle.payments.reposting import has_changed, reposted, retractions
from settle.payments.rows import among, chunks, fetch, these
from settle.payments.state import DEAD, Event, EventKind, PaymentState, state_of
from settle.payments.tables import WAITING, payment_events, payments, returned_payables
from settle.store import execute_each, insert_new, insert_new_tuples


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What appending did. `states` and `events`, all of them, are by payment touched.

    `new`: the events that were not there yet.
    """

    states: Mapping[str, PaymentState]
    events: Mapping[str, Sequence[Event]]
    new: Sequence[Event]

    def followed_by(self, other: Appended) -> Appended:
        """What both did, the other one later."""
        return Appended(
            states={**self.states, **other.states},
            events={**self.events, **other.events},
            new=[*self.new, *other.new],
        )


def append(connection: Connection, events: Iterable[Event], *, recorded_at: datetime) -> Appended:
    """Append events in the caller's transaction. This is the only writer of payment events.

    Events already there change nothing. State, in-transit flag, journal rows and what is owed
    after a return follow from all events of the payment, so they cannot part from them.
    """
    wanted = {(event.payment_id, event.event_id): event for event in reversed(list(events))}
    touched = sorted({payment_id for payment_id, _ in wanted})
    subjects = locked(connection, touched)
    before = events_of(connection, touched)
    there = {(event.payment_id, event.event_id) for known in before.values() for event in known}
    new = [event for key, event in reversed(wanted.items()) if key not in there]
    after = {payment_id: list(before.get(payment_id, ())) for payment_id in touched}
    for event in new:
        after[event.payment_id].append(event)
    states = {payment_id: state_of(known) for payment_id, known in after.items()}
    changed = sorted({event.payment_id for event in new})
    keep(connection, new, recorded_at=recorded_at)
    _follow(
        connection, [subjects[key] for key in changed], before=before, after=after, states=states,
        recorded_at=recorded_at,
    )  # fmt: skip
    done = Appended(states=states, events=after, new=new)
    proved = [(subjects[key], states[key]) for key in changed]
    doubled = out_as_well(connection, proved, at=recorded_at)
    return (
        done.followed_by(append(connection, doubled, recorded_at=recorded_at)) if doubled else done
    )


def keep(connection: Connection, events: Sequence[Event], *, recorded_at: datetime) -> int:
    """Store events that are not there yet, and say how many were. What follows is the caller's."""
    rows = (_stored(event, recorded_at) for event in events)
    return insert_new_tuples(connection, payment_events, _STORED, rows)


def refold(connection: Connection, payment_ids: Sequence[str], *, recorded_at: datetime) -> None:
    """Write what follows from the stored events of these payments. This repeats safely."""
    subjects, after = locked(connection, payment_ids), events_of(connection, payment_ids)
    _follow(
        connection, [subjects[key] for key in payment_ids], before={}, after=after,
        states={key: state_of(after[key]) for key in payment_ids}, recorded_at=recorded_at,
    )  # fmt: skip


def _follow(
    connection: Connection, changed: Sequence[Row], *, before: Mapping[str, Sequence[Event]],
    after: Mapping[str, Sequence[Event]], states: Mapping[str, PaymentState],
    recorded_at: datetime,
) -> None:  # fmt: skip
    """Write what follows from all events: the projection, the postings, what is owed and held."""
    proved = [(row, states[row["payment_id"]]) for row in changed]
    _project(connection, [(row, state, after[row["payment_id"]]) for row, state in proved])
    _post(connection, changed, before=before, after=after, states=states, recorded_at=recorded_at)
    _owe_again(connection, proved)
    hold_others(connection, proved)
    wait_again(connection, [row["payment_id"] for row, state in proved if _gives_way(row, state)])


def step(row: Row, kind: EventKind, at: datetime, *, detail: str = "", code: str = "") -> Event:
    """The next step of a payment that is not released. This counts on from those before it."""
    ordinal = row["steps"] + 1
    return Event(
        payment_id=row["payment_id"],
        event_id=f"{kind.value}/{ordinal}",
        kind=kind,
        occurred_at=at,
        ordinal=ordinal,
        code=code,
        detail=detail,
    )


def locked(
    connection: Connection, payment_ids: Sequence[str], *, only: tuple[str, ...] = ()
) -> dict[str, Row]:
    """The payments by id, locked until the transaction ends, in one order for all workers.

    `only`: the columns wanted, the id among them; without any, all of them.
    """
    found: dict[str, Row] = {}
    query = _locking(only)
    for chunk in chunks(sorted(payment_ids)):
        rows = fetch(connection, query, these(chunk))
        found.update((row["payment_id"], row) for row in rows)
    return found


@cache
def _locking(only: tuple[str, ...]) -> sa.Select[Any]:
    return (
        sa.select(*(payments.c[name] for name in only or payments.c.keys()))
        .where(among(payments.c.payment_id))
        .order_by(payments.c.payment_id)
        .with_for_update()
    )


def events_of(connection: Connection, payment_ids: Sequence[str]) -> dict[str, list[Event]]:
    """The stored events of the payments, by payment."""
    found: dict[str, list[Event]] = defaultdict(list)
    for chunk in chunks(payment_ids):
        for row in fetch(connection, _EVENTS, these(chunk)):
            row["kind"] = EventKind(row["kind"])
            found[row["payment_id"]].append(Event(**row))
    return dict(found)


def _gives_way(subject: Row, proved: PaymentState) -> bool:
    """Whether a payment that paid again what came back is dead: that waits once more."""
    return subject["repays"] is not None and proved.state in DEAD and not proved.stands


def wait_again(connection: Connection, payment_ids: Sequence[str]) -> None:
    """Let what the payments were to pay again wait for another one."""
    for chunk in chunks(payment_ids):
        connection.execute(_WAITS_AGAIN, these(chunk))


_OF_EVENT = tuple(field.name for field in fields(Event))
_OF_SUBJECT = tuple(field.name for field in fields(Subject))
_EVENTS = sa.select(*(payment_events.c[name] for name in _OF_EVENT)).where(
    among(payment_events.c.payment_id)
)
_WAITS_AGAIN = (
    sa.update(returned_payables)
    .where(among(returned_payables.c.repaid_by))
    .values(status=WAITING, repaid_by=None)
)
"""Written once: making a statement takes longer than running it."""


_STORED = (
    "payment_id", "event_id", "kind", "occurred_at", "recorded_at", "source", "ordinal",
    "amount_minor", "account", "charges_minor", "code", "detail",
)  # fmt: skip


def _stored(event: Event, recorded_at: datetime) -> tuple[Any, ...]:
    """An event as its row, in the order of `_STORED`."""
    return (
        event.payment_id, event.event_id, event.kind.value, event.occurred_at, recorded_at,
        event.source, event.ordinal, event.amount_minor, event.account, event.charges_minor,
        event.code, event.detail,
    )  # fmt: skip


_PROJECTION = (
    sa.update(payments)
    .where(payments.c.payment_id == sa.bindparam("of_payment"))
    .values(
        state=sa.bindparam("new_state"),
        steps=sa.bindparam("new_steps"),
        funded=sa.bindparam("new_funded"),
        in_transit=sa.bindparam("new_in_transit"),
        contradiction=sa.bindparam("new_contradiction"),
        # A dead payment proved to be executed stays dead: its obligation may have another by now.
        live=sa.and_(payments.c.live, sa.bindparam("new_live", type_=sa.Boolean)),
        recall=sa.bindparam("new_recall"),
    )
)


def _project(
    connection: Connection, changed: Sequence[tuple[Row, PaymentState, Sequence[Event]]]
) -> None:
    if changed:
        execute_each(
            connection,
            _PROJECTION,
            [
                {
                    "of_payment": subject["payment_id"],
                    "new_state": proved.state.value,
                    "new_steps": proved.steps,
                    "new_funded": proved.funded,
                    "new_in_transit": proved.in_transit,
                    "new_contradiction": "; ".join(proved.contradictions),
                    "new_live": proved.stands,
                    "new_recall": recall_of(events),
                }
                for subject, proved, events in changed
            ],
        )


def _post(
    connection: Connection,
    changed: Sequence[Row],
    *,
    before: Mapping[str, Sequence[Event]],
    after: Mapping[str, Sequence[Event]],
    states: Mapping[str, PaymentState],
    recorded_at: datetime,
) -> None:
    new: list[Posting] = []
    implied: dict[str, list[Posting]] = {}
    for row in changed:
        payment_id, subject = row["payment_id"], subject_of(row)
        known = before.get(payment_id, ())
        implied[payment_id] = now = rows(subject, after[payment_id], proved=states[payment_id])
        posted = rows(subject, known)
        if (gone := retractions(after[payment_id])) or has_changed(posted, now):
            fresh = gone[-1] if gone != retractions(known) else None
            new.extend(reposted(connection, payment_id, now, fresh=fresh))
        else:
            names = {(each.event, each.row) for each in posted}
            new.extend(each for each in now if (each.event, each.row) not in names)
    if post(connection, new, recorded_at=recorded_at) == len(new):
        return
    # A name is taken: by the same row, or by one that was reversed since.
    for payment_id, now in implied.items():
        lacking = reposted(connection, payment_id, now, fresh=None)
        post(connection, lacking, recorded_at=recorded_at)


def subject_of(row: Row) -> Subject:
    """The part of a payment that its postings need."""
    return Subject(**{name: row[name] for name in _OF_SUBJECT})


def _owe_again(connection: Connection, changed: Sequence[tuple[Row, PaymentState]]) -> None:
    """Keep what is owed again. What was not paid again yet follows the evidence."""
    owed = [
        _owed(subject, proved, proved.comeback)
        for subject, proved in changed
        if proved.comeback is not None
    ]
    if insert_new(connection, returned_payables, owed) < len(owed):
        connection.execute(_OWED_NOW, [{**row, "of_payment": row["payment_id"]} for row in owed])


def _owed(subject: Row, proved: PaymentState, comeback: Event) -> dict[str, Any]:
    back_minor, borne_minor = comeback.amount_minor or 0, proved.borne_minor
    return {
        "payment_id": subject["payment_id"],
        "agreement_id": subject["agreement_id"],
        "currency": subject["currency"],
        "amount_minor": subject["amount_minor"] - borne_minor,
        "back_minor": back_minor,
        "charges_minor": subject["amount_minor"] - back_minor - borne_minor,
        "borne_minor": borne_minor,
        "returned_on": comeback.occurred_at.date(),
        "code": comeback.code,
        "status": WAITING,
    }


_FOLLOWS = ("amount_minor", "back_minor", "charges_minor", "borne_minor", "returned_on", "code")
_OWED_NOW = (
    sa.update(returned_payables)
    .where(
        returned_payables.c.payment_id == sa.bindparam("of_payment"),
        returned_payables.c.status == WAITING,
    )
    .values({name: sa.bindparam(name) for name in _FOLLOWS})
)
