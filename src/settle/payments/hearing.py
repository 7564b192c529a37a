"""Bringing to an end, from what is stored, what its own worker did not.

A worker that died, or was so slow that another took its payments over, may have left an answer
that nobody acted on. Whoever holds the payments hears it from the store; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from settle.payments.exchanges import LeaseLost
from settle.payments.lane import Lane, counted, outcome_of
from settle.payments.outbox import take_up
from settle.payments.rows import fetch
from settle.payments.sending import Sending, conversations
from settle.payments.state import State
from settle.payments.tables import payments
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
    """Hear what came for payments after they were given up as unknown; say how many it ends."""
    with store.reading() as connection:
        unknown = conversations_in(connection, lane.name, State.UNKNOWN)
    late = [each.conversation_id for each in unknown if await _is_decided(lane, each)]
    if not late:
        return 0
    sendings = await lane.writer.write(take_up, (lane.lease(), late))
    await lane.all(lambda sending: recover(lane, sending), sendings)
    return counted(sendings)


async def _is_decided(lane: Lane, sending: Sending) -> bool:
    """Whether what is stored of a conversation says how it ended."""
    resent = sending.turn > 0
    if not resent and any(e.effect is Effect.COMMITS and not e.sent for e in sending.stored):
        return True  # the socket proved that nothing left
    if sending.commit is None or sending.commit.response is None:
        return False
    try:
        ending = await lane.rail.sender.run(
            sending.submission(lane.rail.adapter),
            conversation_id=sending.conversation_id,
            recorder=_OnlyStored(sending.stored),
        )
    except Exception:  # noqa: BLE001  # what cannot be read decides nothing
        return False
    deciding = Accepted if resent else (Accepted, Rejected)
    return isinstance(ending, Finished) and any(
        isinstance(outcome_of(row, ending), deciding) for row in sending.rows
    )


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


_SENT = sa.select(payments).where(
    payments.c.rail == sa.bindparam("of_rail"), payments.c.state == sa.bindparam("in_state")
)
