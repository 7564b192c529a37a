"""The checks of a world hold the journal's rows whole against what the events imply."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
import sqlalchemy as sa

from settle.adapters import Source
from settle.ledger.tables import journal
from settle.payments import Event, EventKind
from settle.payments.events import append
from settle.payments.tables import payments
from settle.simulation.trial.checker import CHECKS
from settle.simulation.trial.findings import Findings
from settle.simulation.trial.invariant import Invariant
from settle.simulation.trial.world import World
from settle.store import Store, insert_new

AT = datetime(2024, 12, 19, tzinfo=UTC)
ROW: dict[str, Any] = {
    "payment_id": "P", "tenant": "t", "obligation_id": "O", "agreement_id": "A", "attempt": 1,
    "kind": "payout", "currency": "EUR", "amount_minor": 100, "value_date": date(2024, 12, 19),
    "not_before": date(2024, 12, 19), "beneficiary_name": "Mo", "beneficiary_country": "DE",
    "beneficiary_town": "", "beneficiary_account": "DE89370400440532013000",
    "remittance_information": "", "purpose": "SUPP", "rail": "r", "account": "acc",
    "routing_reason": "", "idempotency_key": "k", "end_to_end_id": "e", "uetr": "u",
    "fingerprint": "f", "state": "planned", "funded": False, "live": True, "in_transit": False,
}  # fmt: skip


@pytest.fixture
def world(store: Store) -> Store:
    """A payment that was booked, and came back by two sources, of which the second goes first."""
    moved: dict[str, Any] = {"payment_id": "P", "account": "acc"}
    line, report = Source.STATEMENT.value, Source.REPORT.value
    later = AT.replace(day=21)
    events = [
        Event(kind=EventKind.RELEASED, event_id="r", occurred_at=AT, ordinal=1, payment_id="P"),
        Event(kind=EventKind.BOOKED, event_id="b", occurred_at=AT, source=line, amount_minor=100,
              **moved),
        Event(kind=EventKind.RETURNED, event_id="x", occurred_at=later, source=report,
              amount_minor=90, **moved),
        Event(kind=EventKind.RETURNED, event_id="y", occurred_at=AT, source=line,
              amount_minor=95, **moved),
    ]  # fmt: skip
    with store.transaction() as connection:
        insert_new(connection, payments, [ROW])
        for event in events:
            append(connection, [event], recorded_at=AT)
    return store


def broken(store: Store) -> list[str]:
    with store.reading() as connection:
        found = Findings(world=cast("World", None), connection=connection)
        return list(CHECKS[Invariant.LEDGER](found))


def test_a_row_that_was_turned_round_and_posted_anew_is_sound(world: Store) -> None:
    """What stands is what is implied, and all of it comes to the same."""
    assert [] == broken(world)


@pytest.mark.parametrize("event", ["booking", "return", "return_charges", "changed/1"])
def test_an_amount_that_no_event_implies_is_seen(world: Store, event: str) -> None:
    """The name of the row is as it should be, and so is the trial balance."""
    with world.transaction() as connection:
        here = journal.c.event == event
        connection.execute(
            sa.update(journal).where(here).values(amount_minor=journal.c.amount_minor + 1)
        )
    assert "O is posted otherwise than its events imply" in broken(world)
