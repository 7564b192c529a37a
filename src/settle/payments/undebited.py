"""Letting a payment go that was proved never to have been debited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import LEAVES_WITHIN, Profile
from settle.errors import BadInput
from settle.payments.events import append, events_of, locked
from settle.payments.gate.persons import person_of
from settle.payments.instruction import Row
from settle.payments.leaving import last_leaving
from settle.payments.reposting import retractions
from settle.payments.state import Event, EventKind, State
from settle.payments.tables import restores

NOT_DEBITED = EventKind.NOT_DEBITED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """What the statements of the payment's account say from `first` to `last`, both included.

    `against`: why they are no proof; a gap, an unsound day, a line that may be the payment.
    """

    first: date
    last: date
    against: Sequence[str] = ()


def horizon(connection: Connection, row: Row, profile: Profile) -> tuple[date, date]:
    """The days that statements must cover: from the release to the rail's horizon.

    That begins with the last sending, under whatever name it was sent once more. What was sent by
    the store that was put back only, left at some time between its planning and that.

    Raises:
        BadInput: it never left, as far as anybody knows.
    """
    released, sent = _leaving(connection, row)
    value = datetime.combine(row["value_date"], released.timetz())
    last = max(sent, value) + profile.finality_horizon
    return min(released.date(), row["value_date"]), last.date() + timedelta(days=1)


def _leaving(connection: Connection, row: Row) -> tuple[datetime, datetime]:
    """When it may have left for the first time, and for the last."""
    events = events_of(connection, [row["payment_id"]])
    if row["released_at"] is not None:
        sent = last_leaving(connection, [row], events)[row["payment_id"]]
        return row["released_at"], sent
    restored_at = connection.scalar(sa.select(sa.func.max(restores.c.restored_at)))
    if restored_at is None:
        why = f"payment {row['payment_id']} is {row['state']}, and never left"
        raise BadInput(why, field=row["payment_id"])
    first = min(event.occurred_at for event in events[row["payment_id"]])
    return first, restored_at + LEAVES_WITHIN


def prove_undebited(
    connection: Connection,
    payment_id: str,
    *,
    silent: Silent,
    profile: Profile,
    actor: str,
    second: str | None,
    reason: str,
    at: datetime,
) -> bool:
    """Free the obligation of a payment that failed after acceptance and was never debited.

    It takes gap-free statements past the rail's horizon that show nothing. Unless the rail declares
    late execution impossible, a `second` person agrees. Says whether it was news. What is unknown
    has its own ways out: `close_absent` and `decide`.

    Raises:
        BadInput: any of this is missing; the message names it.
    """
    row = locked(connection, [payment_id]).get(payment_id)
    if row is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    why_not = _why_not(connection, row, silent, profile, at=at)
    why_not += _unagreed(profile, actor=actor, second=second)
    if why_not:
        raise BadInput(f"payment {payment_id}: {'; '.join(why_not)}", field=payment_id)
    said = f"by {actor}{f' and {second}' if second else ''}: {reason}"
    event = Event(
        payment_id=payment_id, event_id=_name(connection, payment_id),
        kind=EventKind.NOT_DEBITED, occurred_at=at,
        detail=f"{said}; statements from {silent.first} to {silent.last} show nothing",
    )  # fmt: skip
    return bool(append(connection, [event], recorded_at=at).new)


def _name(connection: Connection, payment_id: str) -> str:
    """What the proof is called: one that was taken back keeps its name, and another gets its own.

    The same proof again, while it stands, is the same event.
    """
    events = events_of(connection, [payment_id]).get(payment_id, ())
    names = {event.event_id for event in events if event.kind is EventKind.NOT_DEBITED}
    gone = [event for event in retractions(events) if event.code in names]
    return f"{NOT_DEBITED}/{len(gone) + 1}" if gone else NOT_DEBITED


def _why_not(
    connection: Connection, row: Row, silent: Silent, profile: Profile, *, at: datetime
) -> list[str]:
    if row["state"] != State.FAILED:
        return [f"is {row['state']}, and was not said to have failed"]
    found = list(silent.against)
    first, last = horizon(connection, row, profile)
    if at.date() <= last:
        found.append(f"the rail's horizon ends on {last}")
    if silent.first > first or silent.last < last:
        found.append(f"statements from {first} to {last} are due, past the rail's horizon")
    return found


def _unagreed(profile: Profile, *, actor: str, second: str | None) -> list[str]:
    if second is None:
        late = not profile.late_execution_impossible
        return ["the rail may execute late, so a second person must agree"] if late else []
    same = person_of(second) == person_of(actor)
    return ["the second person is the first"] if same else []
