"""Two people decide what no evidence will: each by name and with a reason, both the same.

One person's word changes nothing. It is an event like any other, and stays whatever comes later;
evidence that says otherwise shows as a contradiction, and holds what was to be paid instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.events import append, events_of, locked
from settle.payments.gate.persons import person_of
from settle.payments.instruction import Row
from settle.payments.leaving import still_leaving
from settle.payments.reposting import retractions
from settle.payments.state import DECISION, Event, EventKind, State
from settle.payments.tables import payments
from settle.payments.unheard import marked
from settle.store import Store

WITHIN = timedelta(days=3)
"""How long one person's word waits for another's."""


class Verdict(StrEnum):
    """What a person says became of a payment."""

    EXECUTED = "executed"
    NOT_EXECUTED = "not_executed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one person says about one payment, and why. The platform has authenticated them."""

    payment_id: str
    verdict: Verdict
    actor: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What stands after a statement. `closed`: two have said the same, and it counts.

    `by`: who says so; `against`: who says the contrary, so that nothing counts.
    """

    payment_id: str
    closed: bool
    by: Sequence[str]
    against: Sequence[str]


def decide(store: Store, said: Statement, *, within: timedelta = WITHIN) -> Decided:
    """Keep what a person says about a payment whose outcome nobody knows.

    The second of two different people who say the same within a time closes it: executed, and it
    waits for its booking; not executed, and its money and its obligation are free.

    Raises:
        BadInput: there is no such payment, its outcome is not unknown, a worker holds it, it
            may still leave, so that nobody can say that it was not executed, or an answer of its
            rail is stored that nobody has heard.
    """
    with store.transaction() as connection:
        row = _open(locked(connection, [said.payment_id]).get(said.payment_id), said)
        _refuse_leaving(connection, row, said)
        _refuse_unheard(connection, row, said)
        events = events_of(connection, [said.payment_id]).get(said.payment_id, [])
        gone = _taken_back(events, row)
        since = max([said.at - within, *(event.occurred_at for event in gone)])
        words = _words([*events, _word(row, said)], row, since=since)
        by = sorted(actor for actor, verdict in words.items() if verdict is said.verdict)
        against = sorted(actor for actor, verdict in words.items() if verdict is not said.verdict)
        closed = len(by) > 1 and not against
        new = [_word(row, said), *([_closing(row, said, by, nth=len(gone) + 1)] if closed else [])]
        append(connection, new, recorded_at=said.at)
        if closed:  # a worker that wakes up late finds that it holds nothing
            here = payments.c.payment_id == said.payment_id
            connection.execute(
                sa.update(payments).where(here).values(worker=None, lease_until=None)
            )
    return Decided(payment_id=said.payment_id, closed=closed, by=by, against=against)


def _open(row: Row | None, said: Statement) -> Row:
    if row is None:
        raise BadInput(f"there is no payment {said.payment_id}", field=said.payment_id)
    why = None
    if row["state"] != State.UNKNOWN.value:
        why = f"is {row['state']}: only what nobody knows is decided by people"
    elif row["worker"] is not None and row["lease_until"] > said.at:
        why = f"is held by worker {row['worker']}; try again when it is done"
    if why is not None:
        raise BadInput(f"payment {said.payment_id} {why}", field=said.payment_id)
    return row


def _refuse_leaving(connection: Connection, row: Row, said: Statement) -> None:
    until = still_leaving(connection, row)
    if said.verdict is Verdict.NOT_EXECUTED and until is not None and said.at < until:
        raise BadInput(
            f"payment {said.payment_id} may still leave until {until:%Y-%m-%d %H:%M:%S} UTC, as "
            "nothing was heard of whoever was about to send it; say so after that",
            field=said.payment_id,
        )


def _refuse_unheard(connection: Connection, row: Row, said: Statement) -> None:
    if marked(connection, payments.c.payment_id == row["payment_id"]):
        raise BadInput(
            f"payment {said.payment_id} was answered by its rail, and nobody has heard that yet; "
            "run settle nightly first",
            field=said.payment_id,
        )


def _words(events: Sequence[Event], row: Row, *, since: datetime) -> dict[str, Verdict]:
    """The last word of each person about the last sending, as far as it still waits."""
    found: dict[str, Verdict] = {}
    for event in sorted(events, key=lambda event: (event.occurred_at, event.event_id)):
        if event.kind is not EventKind.DECIDED or event.occurred_at < since:
            continue
        told = json.loads(event.detail)
        if (event.ordinal, told["resends"]) == (row["releases"], row["resends"]):
            found[told["actor"]] = Verdict(event.code)
    return found


def _taken_back(events: Sequence[Event], row: Row) -> list[Event]:
    """What took back former decisions about the last sending: words from before count no more."""
    name = _name(row)
    return [e for e in retractions(events) if e.code == name or e.code.startswith(f"{name}/")]


def _name(row: Row) -> str:
    return f"decided/{row['releases']}.{row['resends']}"


def _word(row: Row, said: Statement) -> Event:
    actor = person_of(said.actor)
    detail = {"actor": actor, "resends": row["resends"], "why": said.why}
    return Event(
        payment_id=said.payment_id,
        event_id=f"said/{actor}/{said.at.isoformat()}",
        kind=EventKind.DECIDED,
        occurred_at=said.at,
        source=DECISION,
        ordinal=row["releases"],
        code=said.verdict.value,
        detail=json.dumps(detail, sort_keys=True, ensure_ascii=False),
    )


def _closing(row: Row, said: Statement, by: Sequence[str], *, nth: int) -> Event:
    executed = said.verdict is Verdict.EXECUTED
    kind = EventKind.ACCEPTED if executed else EventKind.CANCELLED
    return Event(
        payment_id=said.payment_id,
        event_id=_name(row) if nth == 1 else f"{_name(row)}/{nth}",
        kind=kind,
        occurred_at=said.at,
        source=DECISION,
        code=said.verdict.value,
        detail=f"decided by {' and '.join(by)}",
    )
