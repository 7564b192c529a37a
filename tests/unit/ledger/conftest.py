"""A small ledger that is sealed, and how to touch it as somebody with the database can."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from settle.ledger import JOURNAL, HmacSigner, Posting, Sealed, Source, audit, post, seal
from settle.payments import SEALED
from settle.payments.tables import exchanges, payment_events
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
SOURCES: Sequence[Source] = (JOURNAL, *SEALED)
SIGNER = HmacSigner(b"a key of thirty-two bytes or more")


def postings(first: int, count: int, *, event: str = "test") -> list[Posting]:
    """So many rows, each of its own amount, between seven agreements and a bank."""
    return [
        Posting(
            event=event, subject=f"s{n}", row="r", posted_on=date(2024, 12, 18),
            debit="nostro/r/a", credit=f"payable/A-{n % 7}", currency="EUR", amount_minor=n + 1,
        )
        for n in range(first, first + count)
    ]  # fmt: skip


def write(connection: Connection, first: int, count: int, *, at: datetime = NOW) -> None:
    """Journal rows, and for every third of them a payment's event and an answered exchange."""
    post(connection, postings(first, count), recorded_at=at)
    for n in range(first, first + count, 3):
        event = {
            "payment_id": f"p{n}", "event_id": f"e{n}", "kind": "accepted", "occurred_at": at,
            "recorded_at": at, "source": "answer", "ordinal": 1, "charges_minor": 0, "code": "",
            "detail": "",
        }  # fmt: skip
        connection.execute(payment_events.insert(), event)
        exchange = {
            "conversation_id": f"c{n}", "step": 1, "turn": 0, "effect": "commits",
            "method": "POST", "target": "/pay", "fingerprint": f"f{n}", "headers": "{}",
            "content": b"body %d" % n, "intent_at": at, "answered_at": at, "status": 200,
            "answer_headers": "{}", "answer_content": b"answer %d" % n, "sent": True,
        }  # fmt: skip
        connection.execute(exchanges.insert(), exchange)


def sealed(store: Store, *, seed: int = 1, signer: HmacSigner | None = None) -> Sealed:
    """Seal what there is, its salts drawn from a seed, at most eight entries a block."""
    salts = random.Random(seed).randbytes
    return seal(store, SOURCES, now=NOW, signer=signer, salts=salts, entries_max=8)


@pytest.fixture
def chain(store: Store) -> Store:
    """A store with three sealings of seven rows and what goes with them: six blocks, 39 entries."""
    for night in range(3):
        with store.transaction() as connection:
            write(connection, night * 7, 7, at=NOW + timedelta(days=night))
        sealed(store, seed=night, signer=SIGNER)
    with store.reading() as connection:
        assert audit(connection, SOURCES, signer=SIGNER).is_sound
    return store


@contextmanager
def touched(store: Store) -> Iterator[Connection]:
    """A transaction in which anything may be done to the tables; it is rolled back."""
    with store.engine.connect().execution_options(settle_writes=True) as connection:
        if store.is_sqlite:
            _foreign_keys(connection, "OFF")
        transaction = connection.begin()
        if not store.is_sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        try:
            yield connection
        finally:
            transaction.rollback()
            if store.is_sqlite:
                _foreign_keys(connection, "ON")


def _foreign_keys(connection: Connection, which: str) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA foreign_keys={which}")
