"""Payments to be made, and who makes them: what the benchmarks of paying share."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from settle import payments
from settle.adapters import Adapter, Beneficiary, Payment, Sender
from settle.adapters.registry import open_adapter
from settle.payments.instruction import payment_of
from settle.payments.rows import fetch
from settle.payments.tables import payments as table
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY, VALUE_DATE = date(2024, 12, 18), date(2024, 12, 19)
SINGLE, BATCHES = "adyen_transfers", "iso20022_bank"
CURRENCIES = {SINGLE: "AUD", BATCHES: "EUR"}
ACCOUNTS = {SINGLE: "BASETTLEDEMOAUD0000000000", BATCHES: "DE75512108001245126199"}
BATCH_SIZE = 10_000
KOALA = Beneficiary(
    name="Koala Pty Ltd", country="AU", town="Sydney", account="12345678", bank_code="062-000"
)
BANK = {
    "bic": "SOGEDEFF", "debtor_name": "Settle Demo GmbH", "debtor_country": "DE",
    "debtor_town": "Berlin", "user": "settle", "password": "env:SETTLE_BENCH_KEY",
    "batch_size_max": BATCH_SIZE,
}  # fmt: skip


def adapter(rail: str, url: str) -> Adapter[Any]:
    """The adapter of a rail, as a configuration opens it."""
    os.environ.setdefault("SETTLE_BENCH_KEY", "made-up")
    settings = {"base_url": url, "accounts": {CURRENCIES[rail]: ACCOUNTS[rail]}}
    own = BANK if rail == BATCHES else {"api_key": "env:SETTLE_BENCH_KEY"}
    return open_adapter(rail, settings | own, where=f"rails.{rail}")


def dues(rail: str, numbers: Iterable[int]) -> list[payments.Due]:
    """Obligations that differ in amount and, where the rail takes an IBAN, in account."""
    return [
        payments.Due(
            obligation_id=f"O-{nth:08d}", agreement_id=f"A-{nth}", currency=CURRENCIES[rail],
            amount_minor=1_000 + nth, value_date=VALUE_DATE, reference="Settlement",
            beneficiary=KOALA if rail == SINGLE else merchant(nth),
        )
        for nth in numbers
    ]  # fmt: skip


def merchant(number: int) -> Beneficiary:
    """A payee with an IBAN of its own that verifies."""
    return Beneficiary(
        name=f"Merchant {number}", country="DE", town="Berlin", account=german_iban(number)
    )


def german_iban(number: int) -> str:
    """The IBAN of a made-up account at a real bank."""
    domestic = f"51210800{number:010d}"
    return f"DE{98 - int(domestic + '131400') % 97:02d}{domestic}"


def prepare(store: Store, spoken: Adapter[Any], rail: str, numbers: Sequence[int]) -> None:
    """Plan payments, approve them and let them go."""
    ids = (f"P-{nth:08d}" for nth in itertools.count(numbers[0]))
    planned = payments.plan(
        store, dues(rail, numbers), rails={rail: spoken}, tenant="t", now=NOW,
        ids=lambda: next(ids),
    )  # fmt: skip
    assert planned.planned == len(numbers), (planned.held[:1], planned.refused[:1])
    currency = CURRENCIES[rail]
    payments.approve(store, payments.Policy(limit_minor={currency: 10**12}), now=NOW)
    payments.fund(store, balances={(rail, ACCOUNTS[rail], currency): 10**15}, now=NOW)


def sender(spoken: Adapter[Any]) -> Sender:
    """The client that speaks to the rail as its profile allows."""
    limits = spoken.profile.limits
    return Sender(
        spoken.endpoint,
        connections=limits.concurrency_max,
        requests_per_second=limits.requests_per_second,
    )


async def paid(
    store: Store, spoken: Adapter[Any], rail: str, *, worker: str = "w"
) -> tuple[float, int]:
    """Seconds to pay all that may go, and how many payments were accepted."""
    async with sender(spoken) as sending:
        began = time.perf_counter()
        done = await payments.pay(
            store, {rail: payments.Rail(spoken, sending)}, clock=lambda: NOW, worker=worker, day=DAY
        )
        seconds = time.perf_counter() - began
    assert (0, 0, 0) == (done.rejected, done.unknown, done.lost), done
    return seconds, done.accepted


def orders_of(store: Store) -> Iterator[Payment]:
    """The stored payments as their rail sees them."""
    with store.reading() as connection:
        yield from [payment_of(row) for row in fetch(connection, sa.select(table))]
