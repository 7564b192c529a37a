"""The ledger and what is owed again, on real stores: the same whatever evidence came first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa
from tests.size import SEED, examples

from settle.adapters import Source
from settle.ledger.tables import journal
from settle.payments import Event, EventKind
from settle.payments.events import append
from settle.payments.postings import Subject, rows
from settle.payments.state import DECISION
from settle.payments.steps import advance
from settle.payments.tables import payments, returned_payables
from settle.store import Store, insert_new

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
STATEMENT, REPORT = Source.STATEMENT.value, Source.REPORT.value
TWICE = 4
"""How many payments have the same evidence, each in an order of its own."""


def event(kind: EventKind, name: str, *, at: int = 0, **changes: Any) -> Event:
    return Event(
        payment_id="", event_id=name, kind=kind, occurred_at=NOW + timedelta(days=at), **changes
    )


def drawn(chance: Random) -> list[Event]:
    """What became of a payment of 1.00: sent, booked and back, by sources that may not agree."""
    found = [
        event(EventKind.RELEASED, "release/1", ordinal=1),
        event(EventKind.ACCEPTED, "find", at=1, source=Source.FIND.value),
        event(EventKind.REJECTED, "no", ordinal=1, source=Source.SUBMIT.value),
        event(EventKind.NOT_MOVED, "socket", ordinal=1),
        event(EventKind.RESENT, "resent/1", ordinal=1),
        event(EventKind.CANCELLED, "given up", at=1, source=DECISION),
    ]
    found = chance.sample(found, chance.randrange(1, len(found)))
    for number in range(chance.randrange(4)):
        source, at = chance.choice((STATEMENT, REPORT)), chance.randrange(1, 4)
        account = chance.choice(("acc", "other", None))
        moved: dict[str, Any] = {"at": at, "source": source, "account": account}
        if chance.random() < 0.3:
            found.append(event(EventKind.BOOKED, f"line/{number}", amount_minor=100, **moved))
            continue
        back = chance.choice((60, 90, 100))
        found.append(event(EventKind.RETURNED, f"line/{number}", amount_minor=back, **moved))
        if back < 100:
            share: dict[str, Any] = {
                "ordinal": 1,
                "code": chance.choice(("payee", "hub", "hub_fx")),
            }
            name = f"line/{number}/share/1"
            found.append(event(EventKind.BORNE, name, amount_minor=100 - back, **share))
    return found


def made(store: Store, ids: Sequence[str]) -> None:
    """Payments that were planned, and nothing else."""
    rows = [
        {
            "payment_id": name, "tenant": "t", "obligation_id": name, "agreement_id": "A",
            "attempt": 1, "kind": "payout", "currency": "EUR", "amount_minor": 100,
            "value_date": date(2024, 12, 19), "not_before": date(2024, 12, 19),
            "beneficiary_name": "Mo", "beneficiary_country": "DE", "beneficiary_town": "Berlin",
            "beneficiary_account": "DE89370400440532013000", "remittance_information": "",
            "purpose": "SUPP", "state": "planned", "funded": False, "live": True,
            "in_transit": False, "rail": "r", "account": "acc", "routing_reason": "",
            "idempotency_key": name, "end_to_end_id": name, "uetr": name, "fingerprint": name,
        }
        for name in ids
    ]  # fmt: skip
    with store.transaction() as connection:
        insert_new(connection, payments, rows)


def told(store: Store, payment_id: str, events: Sequence[Event], chance: Random) -> None:
    """The evidence in an order of its own: one by one, or in heaps, some of it twice."""
    mine = [replace(each, payment_id=payment_id) for each in events]
    mine += chance.sample(mine, len(mine) // 2)
    chance.shuffle(mine)
    while mine:
        heap = chance.randrange(1, 4)
        write = chance.choice((append, advance))
        with store.transaction() as connection:
            write(connection, mine[:heap], recorded_at=NOW)
        del mine[:heap]


def nets(moves: Any) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for debit, credit, amount_minor in moves:
        found[debit] += amount_minor
        found[credit] -= amount_minor
    return {account: net for account, net in found.items() if net}


def stands(store: Store, payment_id: str) -> tuple[dict[str, int], list[tuple[Any, ...]]]:
    """The balances that a payment's own rows come to, and what is owed again of it."""
    entry, owed = journal.c, returned_payables.c
    with store.reading() as connection:
        moves = connection.execute(
            sa.select(entry.debit, entry.credit, entry.amount_minor).where(
                entry.subject == payment_id
            )
        )
        found = nets(moves)
        again = connection.execute(
            sa.select(
                owed.amount_minor, owed.back_minor, owed.charges_minor, owed.borne_minor,
                owed.returned_on, owed.status,
            ).where(owed.payment_id == payment_id)
        )  # fmt: skip
        return found, [tuple(row) for row in again]


def test_no_order_of_evidence_changes_a_balance(store: Store) -> None:
    """Nor does repetition, nor how much comes at a time; it is what all of it implies."""
    for seed in range(examples(30, full=1_000)):
        chance = Random(f"{SEED}/{seed}")
        events, ids = drawn(chance), [f"{seed}/{number}" for number in range(TWICE)]
        made(store, ids)
        for payment_id in ids:
            told(store, payment_id, events, chance)
        first, *others = [stands(store, payment_id) for payment_id in ids]
        assert [first] * len(others) == others, (seed, events)
        subject = Subject(
            payment_id=ids[0], agreement_id="A", rail="r", account="acc", currency="EUR",
            amount_minor=100,
        )  # fmt: skip
        implied = rows(subject, [replace(each, payment_id=ids[0]) for each in events])
        moves = [(each.debit, each.credit, each.amount_minor) for each in implied]
        assert nets(moves) == first[0], (seed, events)
