"""Asking for a payment back: the wish is kept, then it leaves; its answer moves no money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import (
    Effect,
    Ending,
    Finished,
    NotMoved,
    Open,
    RecallAccepted,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Recorded,
    Verb,
)
from settle.adapters import Recall as Request
from settle.errors import BadInput, ConfigError, SettleError, Unsupported
from settle.payments import identity
from settle.payments.events import append, events_of, locked
from settle.payments.exchanges import Clock, StoreRecorder, histories
from settle.payments.instruction import Rail, Row, payment_of
from settle.payments.recalls import KINDS, OPEN, Recall
from settle.payments.rows import fetch
from settle.payments.state import Event, EventKind, State
from settle.payments.tables import payments
from settle.payments.writer import Writer, writing
from settle.store import Ids, Store

MAY_BE_RECALLED = frozenset(
    {State.UNKNOWN, State.AWAITING_AUTHORISATION, State.ACCEPTED, State.BOOKED, State.CREDITED}
)
"""States of a payment that has left, or may have, and is not back."""

MAY_BE_ASKED_ANEW = frozenset({"", Recall.NOT_SENT, Recall.UNKNOWN, Recall.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """How recalls stand after asking: how many of each standing; and rails that were silent."""

    standing: Mapping[str, int]
    silent: Mapping[str, str]


def ask_back(
    connection: Connection, payment_id: str, *, rails: Mapping[str, Any], actor: str, reason: str,
    code: str, at: datetime,
) -> int:  # fmt: skip
    """Keep the wish to have a payment back, in the caller's transaction, and give its number.

    From here on the payment is not sent again. `rails`: adapters by name.

    Raises:
        BadInput: there is no such payment, it never left or is back, its recall is open or
            accepted, it was asked back too often, or the code is none of ISO 20022.
        Unsupported: the rail takes no recalls.
    """
    if not (len(code) == 4 and code.isalnum() and code.isascii() and code.isupper()):
        raise BadInput(f"code: {code!r} is not a cancellation reason of ISO 20022", field="code")
    row = locked(connection, [payment_id]).get(payment_id)
    if row is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    _refuse(row, rails)
    number = _last(connection, payment_id) + 1
    if number > identity.RECALLS_MAX:
        raise BadInput(f"payment {payment_id} was asked back too often", field=payment_id)
    asked = Event(
        payment_id=payment_id, event_id=f"recall_asked/{number}", kind=EventKind.RECALL_ASKED,
        occurred_at=at, ordinal=number, code=code, detail=f"by {actor}: {reason}",
    )  # fmt: skip
    append(connection, [asked], recorded_at=at)
    return number


def _refuse(row: Row, rails: Mapping[str, Any]) -> None:
    name, state, recall = row["payment_id"], row["state"], row["recall"]
    if State(state) not in MAY_BE_RECALLED:
        raise BadInput(f"payment {name} is {state}: there is nothing to ask back", field=name)
    if recall not in MAY_BE_ASKED_ANEW:
        raise BadInput(f"the recall of payment {name} is {recall} already", field=name)
    adapter = rails.get(row["rail"])
    if adapter is None or not adapter.profile.supports(Verb.CANCEL):
        raise Unsupported(f"{row['rail']} takes no recalls; ask it by hand", rail=row["rail"])


def _last(connection: Connection, payment_id: str) -> int:
    known = events_of(connection, [payment_id]).get(payment_id, ())
    asked = (event.ordinal for event in known if event.kind is EventKind.RECALL_ASKED)
    return max(asked, default=0)


async def pursue(
    store: Store, rails: Mapping[str, Rail], *, clock: Clock, ids: Ids,
    writer: Writer | None = None, only: Sequence[str] | None = None,
) -> Recalled:  # fmt: skip
    """Send what was asked and has not left, and ask about what is open. This never sends twice.

    Raises:
        ConfigError: a credential cannot be found.
    """
    with store.reading() as connection:
        waiting = _open(connection, only)
    silent: dict[str, str] = {}
    standing: Counter[str] = Counter()
    async with writing(store, writer) as durable:
        for row, asked, stored in waiting:
            rail = rails.get(row["rail"])
            if rail is None:
                continue
            step = _Step(rail=rail, writer=durable, clock=clock, ids=ids, row=row, asked=asked)
            asks = step.only_asks(stored)
            ending = await step.run(stored, asks=asks)
            if not isinstance(ending, Finished):
                silent[row["rail"]] = ending.reason
                if asks:
                    standing[row["recall"]] += 1
                    continue
            answer = _answer(ending)
            standing[KINDS[_EVENTS[type(answer)]].value] += 1
            await durable.write(_keep, (step.event(answer), clock()))
    return Recalled(standing=dict(standing), silent=silent)


def _open(
    connection: Connection, only: Sequence[str] | None
) -> list[tuple[Row, Event, Sequence[Recorded]]]:
    query = sa.select(payments).where(payments.c.recall.in_([x.value for x in OPEN]))
    if only is not None:
        query = query.where(payments.c.payment_id.in_(only))
    rows = fetch(connection, query.order_by(payments.c.payment_id))
    known = events_of(connection, [row["payment_id"] for row in rows])
    found: list[tuple[Row, Event, Sequence[Recorded]]] = []
    for row in rows:
        asked = [e for e in known[row["payment_id"]] if e.kind is EventKind.RECALL_ASKED]
        last = max(asked, key=lambda event: event.ordinal)
        name = identity.recall_conversation(row["idempotency_key"], number=last.ordinal)
        found.append((row, last, histories(connection, [name]).get(name, ())))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One recall being asked, or asked about."""

    rail: Rail
    writer: Writer
    clock: Clock
    ids: Ids
    row: Row
    asked: Event

    def only_asks(self, stored: Sequence[Recorded]) -> bool:
        """Whether it left, or may have: then it is only asked about."""
        commit = next((e for e in stored if e.effect is Effect.COMMITS and e.sent), None)
        heard = commit is not None and commit.response is not None
        return commit is not None and not (heard and self.row["recall"] == Recall.ASKED)

    async def run(self, stored: Sequence[Recorded], *, asks: bool) -> Ending[RecallAnswer]:
        key, number = self.row["idempotency_key"], self.asked.ordinal
        request = Request(
            recall_id=identity.recall(key, number=number), payment=payment_of(self.row),
            batch_id=self.row["batch_id"], code=self.asked.code,
            asked_on=self.asked.occurred_at.date(),
        )  # fmt: skip
        adapter = self.rail.adapter
        name = self.ids() if asks else identity.recall_conversation(key, number=number)
        recorder = StoreRecorder(
            writer=self.writer, clock=self.clock, stored=() if asks else stored
        )
        try:
            return await self.rail.sender.run(
                adapter.find_cancellation(request) if asks else adapter.cancel(request),
                conversation_id=name,
                recorder=recorder,
            )
        except ConfigError:
            raise
        except Exception as error:
            if not (asks or recorder.committing or isinstance(error, SettleError)):
                raise
            reason = str(error) if isinstance(error, SettleError) else type(error).__name__
            return Open(reason=reason) if recorder.committing or asks else NotMoved(reason=reason)

    def event(self, answer: RecallAnswer) -> Event:
        kind, number = _EVENTS[type(answer)], self.asked.ordinal
        code = answer.code if not isinstance(answer, (RecallPending, RecallUnknown)) else ""
        return Event(
            payment_id=self.row["payment_id"], event_id=f"{kind.value}/{number}", kind=kind,
            occurred_at=self.clock(), ordinal=number, code=code, detail=answer.reason,
        )  # fmt: skip


_EVENTS: Mapping[type[Any], EventKind] = {
    RecallAccepted: EventKind.RECALL_ACCEPTED,
    RecallRejected: EventKind.RECALL_REJECTED,
    RecallPending: EventKind.RECALL_PENDING,
    RecallUnknown: EventKind.RECALL_UNKNOWN,
    RecallNotTaken: EventKind.RECALL_NOT_SENT,
}


def _answer(ending: Ending[RecallAnswer]) -> RecallAnswer:
    match ending:
        case Finished():
            answer = ending.value
            known = isinstance(answer, tuple(_EVENTS))
            return answer if known else RecallUnknown(reason="the adapter gave no answer")
        case NotMoved():
            return RecallNotTaken(code="", reason=ending.reason)
        case Open():
            return RecallUnknown(reason=ending.reason)
        case _:
            assert_never(ending)


def _keep(connection: Connection, items: Sequence[tuple[Event, datetime]]) -> Sequence[None]:
    append(connection, [event for event, _ in items], recorded_at=max(at for _, at in items))
    return [None] * len(items)
