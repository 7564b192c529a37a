"""A conversation that moves money: its payments, and what is stored of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from settle.adapters import Adapter, Batch, Conversation, Effect, Payment, Recorded
from settle.payments.exchanges import histories
from settle.payments.instruction import Row, payment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One conversation to be run: a payment, or a batch of them. `stored` is its history."""

    conversation_id: str
    rows: Sequence[Row]
    stored: Sequence[Recorded] = ()
    turn: int = 0

    @property
    def payments(self) -> list[Payment]:
        """The payments as their rail sees them."""
        return [payment_of(row) for row in self.rows]

    @property
    def subject(self) -> str:
        """What its exchanges are about: the payment, or the batch."""
        first = self.rows[0]
        return str(first["batch_id"] or first["payment_id"])

    @property
    def batch(self) -> Batch:
        """The batch as it was stored before it was first sent: the same bytes each time."""
        first = self.rows[0]
        return Batch(
            batch_id=first["batch_id"],
            currency=first["currency"],
            value_date=first["value_date"],
            created_on=first["batch_on"],
            payments=self.payments,
        )

    def submission(self, adapter: Adapter[Any]) -> Conversation[Any]:
        """The conversation that pays."""
        if self.rows[0]["batch_id"] is not None:
            return adapter.submit_batch(self.batch)
        return adapter.submit(self.payments[0])

    def search(self, adapter: Adapter[Any]) -> Conversation[Any]:
        """The conversation that asks what became of it."""
        if self.rows[0]["batch_id"] is not None:
            return adapter.find_batch(self.batch)
        return adapter.find(self.payments[0])

    @property
    def commit(self) -> Recorded | None:
        """The stored step that may have moved money; None where none has left."""
        sent = (e for e in self.stored if e.effect is Effect.COMMITS and e.sent)
        return next(sent, None)


def conversations(connection: Connection, rows: Sequence[Row]) -> Sequence[Sending]:
    """The rows by the conversation that last sent them, each with what is stored of it."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: str(row["payment_id"])):
        groups[row["conversation_id"]].append(row)
    stored = histories(connection, sorted(groups))
    return [
        Sending(
            conversation_id=conversation_id,
            rows=group,
            stored=stored.get(conversation_id, ()),
            turn=group[0]["resends"],
        )
        for conversation_id, group in sorted(groups.items())
    ]
