"""Bringing to an end, from what is stored, what its own worker did not.

A worker that died, or was so slow that another took its payments over, may have left an answer
that nobody acted on. Whoever holds the payments hears it from the store; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import (
    Accepted,
    Effect,
    Exchange,
    Finished,
    NotMoved,
    Open,
    Recorded,
    Rejected,
    Response,
)
from settle.payments.events import append
from settle.payments.exchanges import LeaseLost, histories
from settle.payments.instruction import Row
from settle.payments.lane import Lane, counted, event_of, outcome_of
from settle.payments.retaking import take_up
from settle.payments.rows import fetch
from settle.payments.sending import Sending, conversations
from settle.payments.state import DEAD, Event, State
from settle.payments.tables import payments
from settle.payments.unheard import Turn, marked, unmark
from settle.payments.wishes import wish
from settle.store import Store


async def recover(lane: Lane, sending: Sending) -> None:
    """Bring what another worker was sending, and this one holds now, to an end."""
    commit = sending.commit
    if commit is None:
        # That worker can no longer store an intent, and without one nothing leaves.
        await lane.close(sending, NotMoved(reason="the worker died before anything left"))
    elif commit.response is None:
        await lane.close(sending, Open(reason="the worker died while waiting for the answer"))
    else:
        await lane.send(sending)


async def hear(store: Store, lane: Lane) -> int:
    """Hear what came for payments after they were given up; say how many unknown ones it ends."""
    with store.reading() as connection:
        unknown = conversations_in(connection, lane.name, State.UNKNOWN)
    late = [each.conversation_id for each in unknown if await _is_decided(lane, each)]
    sendings = await lane.writer.write(take_up, (lane.lease(), late)) if late else []
    await lane.all(lambda sending: recover(lane, sending), sendings)
    await _hear_marked(store, lane)
    return counted(sendings)


async def _hear_marked(store: Store, lane: Lane) -> None:
    """Hear what came when nobody could act on it, whatever was decided since.

    An acceptance is proof, and counts against any decision. Anything else changes nothing that
    somebody has closed; the rail is asked, so that what it means does not rest on one reading.
    """
    with store.reading() as connection:
        turns = marked(connection, payments.c.rail == lane.name)
        sendings = [each for turn in turns for each in _stored(connection, turn)]
    for sending in sendings:
        ending = await _ending(lane, sending)
        await lane.writer.write(_keep_heard, (sending, ending, lane.run.clock()))


def _stored(connection: Connection, turn: Turn) -> Sequence[Sending]:
    """What was sent and answered at a turn, as if nothing had been sent again since."""
    name, number = turn
    rows = fetch(connection, _SAID, {"of_conversation": name})
    stored = histories(connection, [name], turn_max=number).get(name, ())
    return [Sending(conversation_id=name, rows=rows, stored=stored, turn=number)] if rows else []


def _keep_heard(
    connection: Connection, items: Sequence[tuple[Sending, Finished[Any] | None, datetime]]
) -> Sequence[None]:
    for sending, ending, at in items:
        events = [event for row in sending.rows for event in _accepted(row, ending, sending, at)]
        append(connection, events, recorded_at=at)
        told = {event.payment_id for event in events}
        silent = [row for row in sending.rows if row["payment_id"] not in told]
        closed = [row["payment_id"] for row in silent if State(row["state"]) in DEAD]
        wish(connection, closed, why="an answer came after it was closed", at=at)
        unmark(connection, [(sending.conversation_id, sending.turn)])
    return [None] * len(items)


def _accepted(
    row: Row, ending: Finished[Any] | None, sending: Sending, at: datetime
) -> Iterator[Event]:
    if ending is not None and isinstance(outcome := outcome_of(row, ending), Accepted):
        yield event_of({**row, "resends": sending.turn}, outcome, at)


async def _is_decided(lane: Lane, sending: Sending) -> bool:
    """Whether what is stored of a conversation says how it ended."""
    resent = sending.turn > 0
    if not resent and any(e.effect is Effect.COMMITS and not e.sent for e in sending.stored):
        return True  # the socket proved that nothing left
    if sending.commit is None or sending.commit.response is None:
        return False
    ending = await _ending(lane, sending)
    deciding = Accepted if resent else (Accepted, Rejected)
    return ending is not None and any(
        isinstance(outcome_of(row, ending), deciding) for row in sending.rows
    )


async def _ending(lane: Lane, sending: Sending) -> Finished[Any] | None:
    """How a conversation ends by what is stored of it. None: that does not tell."""
    try:
        ending = await lane.rail.sender.run(
            sending.submission(lane.rail.adapter),
            conversation_id=sending.conversation_id,
            recorder=_OnlyStored(sending.stored),
        )
    except Exception:  # noqa: BLE001  # what cannot be read decides nothing
        return None
    return ending if isinstance(ending, Finished) else None


@dataclass(frozen=True, slots=True)
class _OnlyStored:
    """A recorder that answers from the store, and lets nothing leave."""

    stored: Sequence[Recorded]

    async def history(self, conversation_id: str) -> Sequence[Recorded]:  # noqa: ARG002
        return self.stored

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:  # noqa: ARG002
        raise LeaseLost("only what is stored is heard", conversation=conversation_id)

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        raise AssertionError(conversation_id, step, response)

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        raise AssertionError(conversation_id, step, reason, sent)


def conversations_in(connection: Connection, rail: str, state: State) -> Sequence[Sending]:
    """What a rail was last sent of the payments in a state."""
    asked = {"of_rail": rail, "in_state": state.value}
    rows = [row for row in fetch(connection, _SENT, asked) if row["conversation_id"]]
    return conversations(connection, rows)


_SAID = (
    sa.select(payments)
    .where(payments.c.conversation_id == sa.bindparam("of_conversation"))
    .order_by(payments.c.payment_id)
)
_SENT = sa.select(payments).where(
    payments.c.rail == sa.bindparam("of_rail"), payments.c.state == sa.bindparam("in_state")
)
