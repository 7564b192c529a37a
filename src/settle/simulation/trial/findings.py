"""What the checks look at: the banks' truth and what the store says, each read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from settle.adapters.simulator import Execution
from settle.ledger.tables import journal
from settle.payments import EventKind, PaymentState, attention, state_of
from settle.payments.events import events_of
from settle.payments.identity import identity
from settle.payments.rows import fetch
from settle.payments.state import ABSENCE, DECISION, ENGINE, Event
from settle.payments.tables import payment_events, payments
from settle.reconciliation import BreakKind, open_breaks
from settle.simulation.trial.days import TENANT
from settle.simulation.trial.scenario import Order

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settle.simulation.trial.world import World

ATTEMPTS = (1, 2, 3)

_PROOF = frozenset(
    {
        EventKind.ACCEPTED, EventKind.BOOKED, EventKind.CREDITED, EventKind.RETURNED,
        EventKind.REJECTED, EventKind.FAILED,
    }
)  # fmt: skip


def is_proof(event: Event) -> bool:
    """Whether an event closes an Unknown: a rail or a bank said what became of the payment.

    Or, where no rail says it: proof of absence, or two people.
    """
    if event.source in (ABSENCE, DECISION):
        return event.kind in (EventKind.CANCELLED, EventKind.ACCEPTED)
    return event.kind in _PROOF and event.source != ENGINE


@dataclass(kw_only=True)
class Findings:
    """What the checks look at, each thing read once."""

    world: World
    connection: Connection

    @cached_property
    def executions(self) -> Sequence[Execution]:
        """What the banks truly executed."""
        return [each for rail in self.world.rails for each in rail.door.executions()]

    @cached_property
    def orders(self) -> Mapping[str, Order]:
        """The orders by each reference that they may be executed under."""
        return {
            identity(TENANT, order.obligation_id, attempt=attempt).end_to_end_id: order
            for order in self.world.scenario.orders
            for attempt in ATTEMPTS
        }

    @cached_property
    def executed(self) -> Counter[str]:
        """How often each obligation was executed, over all attempts and rails."""
        known = (self.orders.get(each.reference) for each in self.executions)
        return Counter(order.obligation_id for order in known if order is not None)

    def times_executed(self, row: Mapping[str, Any]) -> int:
        """How often a payment was: its obligation, while it stands for that; else it itself."""
        if row["live"]:
            return self.executed[row["obligation_id"]]
        return sum(each.reference == row["end_to_end_id"] for each in self.executions)

    @cached_property
    def payments(self) -> Sequence[Mapping[str, Any]]:
        """The rows of payments."""
        return fetch(self.connection, sa.select(payments).order_by(payments.c.payment_id))

    @cached_property
    def events(self) -> Mapping[str, Sequence[Event]]:
        """The events of each payment."""
        return events_of(self.connection, [row["payment_id"] for row in self.payments])

    @cached_property
    def recorded(self) -> Mapping[str, Sequence[tuple[datetime, Event]]]:
        """The events of each payment in the order in which they were recorded, with the time."""
        event = payment_events.c
        query = sa.select(event.payment_id, event.event_id, event.recorded_at)
        at = {(key, name): when for key, name, when in self.connection.execute(query)}
        return {
            key: sorted(
                ((at[key, each.event_id], each) for each in events),
                key=lambda pair: (pair[0], pair[1].event_id),
            )
            for key, events in self.events.items()
        }

    @cached_property
    def proved(self) -> Mapping[str, PaymentState]:
        """What the events of each payment prove."""
        return {
            row["payment_id"]: state_of(self.events.get(row["payment_id"], ()))
            for row in self.payments
        }

    @cached_property
    def reserved(self) -> Counter[str]:
        """How much of each payment stands in transit, by the journal."""
        row = journal.c
        transit = row.credit.startswith("in_transit/"), row.debit.startswith("in_transit/")
        signed = sa.case((transit[0], row.amount_minor), else_=0) - sa.case(
            (transit[1], row.amount_minor), else_=0
        )
        query = sa.select(row.subject, sa.func.sum(signed)).group_by(row.subject)
        return Counter(dict(map(tuple, self.connection.execute(query))))

    @cached_property
    def shown(self) -> frozenset[str]:
        """The payments that a person is shown."""
        return frozenset(each.payment_id for each in attention(self.connection))

    @cached_property
    def missing(self) -> frozenset[str]:
        """The payments that open breaks say to be missing at the bank."""
        return frozenset(
            each.subject
            for each in open_breaks(self.connection)
            if each.kind is BreakKind.MISSING_AT_BANK
        )
