"""Two people correct what evidence said: they take it back, or account for what does not fit.

Nothing is erased. What is taken back stays as an event, and so do its rows in the journal; rows
that turn them round are written with it, in one transaction. Evidence that is true and does not
fit is explained: it goes on counting, and is no longer shown as a contradiction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Fact
from settle.errors import BadInput
from settle.payments.deciding import WITHIN
from settle.payments.double import let_others_go
from settle.payments.events import append, events_of, locked
from settle.payments.gate.persons import person_of
from settle.payments.instruction import Row
from settle.payments.reposting import retractions
from settle.payments.state import (
    DECISION,
    ENGINE,
    Event,
    EventKind,
    PaymentState,
    State,
    standing,
    state_of,
)
from settle.payments.tables import REPAID, payments, returned_payables

RETRACTABLE = frozenset(
    {*(EventKind(fact.value) for fact in Fact), EventKind.CONTRADICTED, EventKind.CANCELLED}
)
"""What evidence, absence or the word of people says, and may be wrong about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What one person says about one piece of evidence, and why.

    `instead`: what is to become of the movement that it shows, in words that both persons give
    alike: whose it is, or that there is none.
    """

    payment_id: str
    evidence_id: str
    actor: str
    why: str
    at: datetime
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one person says about all that does not fit together about a payment now."""

    payment_id: str
    actor: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What stands after somebody's word. `closed`: two have said the same, and it counts.

    `state` and `contradictions` are the payment's from then on.
    """

    payment_id: str
    closed: bool
    by: Sequence[str]
    state: State
    contradictions: Sequence[str]


def retract(connection: Connection, said: Objection, *, within: timedelta = WITHIN) -> Corrected:
    """Keep that a person takes evidence back; the second of two lets it count for nothing.

    In the caller's transaction: the word, the retraction, and the rows that reverse what the
    evidence posted. What is then unknown is called so, and is asked for as ever.

    Raises:
        BadInput: there is no such payment or evidence, it is none that could be wrong, what came
            back is paid again already, another payment stands for the obligation that this one
            would have again, or a worker holds it.
    """
    row = _free(locked(connection, [said.payment_id]).get(said.payment_id), said)
    events = events_of(connection, [said.payment_id]).get(said.payment_id, [])
    evidence = _evidence(events, said)
    _refuse_repaid(connection, evidence, said)
    word = _word(said, events, code=said.evidence_id, more={"instead": said.instead})
    by = _agreeing([*events, word], word, since=said.at - within)
    new = [word]
    gone = {event.code for event in retractions(events)}
    closed = len(by) > 1
    if closed and said.evidence_id not in gone:
        if evidence.kind is EventKind.RETURNED:  # another return that stands writes its own
            here = returned_payables.c.payment_id == said.payment_id
            connection.execute(sa.delete(returned_payables).where(here))
        new.append(_closing(EventKind.RETRACTED, said, events, by, code=said.evidence_id))
        new += _unknown([*events, *new], said)
    proved = append(connection, new, recorded_at=said.at).states[said.payment_id]
    if closed:
        _settle(connection, row, proved, said)
    return _told(said, proved, by=by, closed=closed)


def explain(connection: Connection, said: Explanation, *, within: timedelta = WITHIN) -> Corrected:
    """Keep that a person has accounted for what does not fit together; it takes two.

    All of it goes on counting as it did. What comes later and does not fit is shown again.

    Raises:
        BadInput: there is no such payment, everything about it fits, or a worker holds it.
    """
    _free(locked(connection, [said.payment_id]).get(said.payment_id), said)
    events = events_of(connection, [said.payment_id]).get(said.payment_id, [])
    shown = state_of(events).contradictions
    if not shown:
        raise _refusal(said, "everything that is known of it fits together")
    word = _word(said, events, code="; ".join(shown), more={})
    by = _agreeing([*events, word], word, since=said.at - within)
    new = [word]
    if len(by) > 1:
        for why in shown:
            new.append(_closing(EventKind.EXPLAINED, said, [*events, *new], by, code=why))
    proved = append(connection, new, recorded_at=said.at).states[said.payment_id]
    return _told(said, proved, by=by, closed=len(by) > 1)


def evidence_of(connection: Connection, payment_id: str) -> Sequence[Event]:
    """The evidence of a payment that may be taken back and counts, as it occurred."""
    events = standing(events_of(connection, [payment_id]).get(payment_id, ()))
    return sorted(filter(_may_be_wrong, events), key=lambda e: (e.occurred_at, e.event_id))


def retracted(connection: Connection, payment_id: str) -> frozenset[str]:
    """The ids of the evidence about a payment that was taken back."""
    events = events_of(connection, [payment_id]).get(payment_id, ())
    return frozenset(event.code for event in retractions(events))


def _free(row: Row | None, said: Objection | Explanation) -> Row:
    if row is None:
        raise BadInput(f"there is no payment {said.payment_id}", field=said.payment_id)
    if row["worker"] is not None and row["lease_until"] > said.at:
        raise _refusal(said, f"worker {row['worker']} holds it; try again when it is done")
    return row


def _evidence(events: Sequence[Event], said: Objection) -> Event:
    found = next((e for e in events if e.event_id == said.evidence_id), None)
    if found is None:
        raise _refusal(said, f"nothing is stored as {said.evidence_id}")
    if not _may_be_wrong(found):
        raise _refusal(said, f"{said.evidence_id} is what was done here, and no evidence")
    return found


def _may_be_wrong(event: Event) -> bool:
    if event.kind is EventKind.NOT_DEBITED:
        return True
    return event.kind in RETRACTABLE and event.source != ENGINE


def _refuse_repaid(connection: Connection, evidence: Event, said: Objection) -> None:
    table = returned_payables.c
    query = sa.select(table.repaid_by).where(
        table.payment_id == said.payment_id, table.status == REPAID
    )
    again = connection.scalar(query)
    if evidence.kind is EventKind.RETURNED and again is not None:
        raise _refusal(said, f"what came back is paid again by payment {again}")


def _word(
    said: Objection | Explanation, events: Sequence[Event], *, code: str, more: dict[str, str]
) -> Event:
    actor = person_of(said.actor)
    detail = {"actor": actor, "why": said.why, **more}
    number = sum(event.kind is EventKind.CONTESTED for event in events) + 1
    return Event(
        payment_id=said.payment_id, event_id=f"contested/{number}", kind=EventKind.CONTESTED,
        occurred_at=said.at, source=DECISION, code=code,
        detail=json.dumps(detail, sort_keys=True, ensure_ascii=False),
    )  # fmt: skip


def _agreeing(events: Sequence[Event], word: Event, *, since: datetime) -> list[str]:
    """Who has said the same of the same evidence, and has it still waiting."""
    same = (
        json.loads(event.detail)
        for event in events
        if event.kind is EventKind.CONTESTED
        and event.code == word.code
        and event.occurred_at >= since
    )
    meant = json.loads(word.detail).get("instead")
    return sorted({told["actor"] for told in same if told.get("instead") == meant})


def _closing(
    kind: EventKind, said: Objection | Explanation, events: Sequence[Event], by: Sequence[str], *,
    code: str,
) -> Event:  # fmt: skip
    number = sum(event.kind is kind for event in events) + 1
    instead = f"; {said.instead}" if isinstance(said, Objection) and said.instead else ""
    return Event(
        payment_id=said.payment_id, event_id=f"{kind.value}/{number}", kind=kind,
        occurred_at=said.at, source=DECISION, ordinal=number, code=code,
        detail=f"by {' and '.join(by)}: {said.why}{instead}",
    )  # fmt: skip


def _unknown(events: Sequence[Event], said: Objection) -> list[Event]:
    """What was released, and of which nothing is proved any more, is unknown: nobody sends it."""
    proved = state_of(events)
    if proved.state is not State.SENDING:
        return []
    return [
        Event(
            payment_id=said.payment_id, event_id=f"unknown/{said.evidence_id}/{release}",
            kind=EventKind.UNKNOWN, occurred_at=said.at, source=DECISION, ordinal=release,
            detail="what was known of it was taken back",
        )
        for release in proved.open_releases
    ]  # fmt: skip


def _settle(connection: Connection, row: Row, proved: PaymentState, said: Objection) -> None:
    """Bring what hangs on a payment's state in line: its obligation, and others of it."""
    if proved.stands and not row["live"]:
        _stand_again(connection, row, said)
    if not proved.is_out:
        let_others_go(connection, row)
    # A worker that wakes up late finds that it holds nothing.
    here = payments.c.payment_id == said.payment_id
    connection.execute(sa.update(payments).where(here).values(worker=None, lease_until=None))


def _stand_again(connection: Connection, row: Row, said: Objection) -> None:
    table = payments.c
    query = sa.select(table.payment_id).where(
        table.tenant == row["tenant"], table.obligation_id == row["obligation_id"], table.live
    )
    other = connection.scalar(query.limit(1))
    if other is not None:
        why = f"payment {other} stands for its obligation; it would be one too many"
        raise _refusal(said, why)
    here = table.payment_id == said.payment_id
    connection.execute(sa.update(payments).where(here).values(live=True))


def _told(
    said: Objection | Explanation, proved: PaymentState, *, by: Sequence[str], closed: bool
) -> Corrected:
    return Corrected(
        payment_id=said.payment_id, closed=closed, by=by, state=proved.state,
        contradictions=proved.contradictions,
    )  # fmt: skip


def _refusal(said: Objection | Explanation, why: str) -> BadInput:
    return BadInput(f"payment {said.payment_id}: {why}", field=said.payment_id)
