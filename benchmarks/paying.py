"""Single-call payments through the outbox, against the same client without a store.

Both speak to a rail in another process that answers at once and remembers nothing, over the same
connections and with the same conversations. Ours writes each intent, answer and ending to SQLite
with full sync before it goes on, posts each payment, and so could be killed at any point.

    python benchmarks/paying.py --runs 5 --size 500
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ratio import alternating
from results import Compared, note

from settle import payments
from settle.adapters import NOT_RECORDED, Accepted, Adapter, Beneficiary, Finished, Payment, Sender
from settle.adapters.registry import open_adapter
from settle.payments.instruction import payment_of
from settle.payments.lane import CONVERSATIONS_PER_CONNECTION
from settle.payments.rows import fetch
from settle.payments.tables import payments as table
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)
RAIL, ACCOUNT = "adyen_transfers", "BASETTLEDEMOAUD0000000000"
PAYEE = Beneficiary(
    name="Koala Pty Ltd", country="AU", town="Sydney", account="12345678", bank_code="062-000"
)


async def rail(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that takes every transfer, as fast as it can, and keeps nothing."""
    if scope["type"] != "http":
        return
    content, more = b"", True
    while more:
        part = await receive()
        content, more = content + part.get("body", b""), part.get("more_body", False)
    asked = json.loads(content or b"{}")
    answer = {"id": "T", "status": "authorised", "category": "bank", "direction": "outgoing"}
    same = {name: asked[name] for name in ("amount", "reference") if name in asked}
    body = json.dumps(answer | same).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving() -> Iterator[str]:
    """The rail in a process of its own, while the context lasts."""
    # Not by `--fd`: asyncio then takes the socket for a local one and leaves Nagle's delay on.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "paying:rail", "--log-level", "error"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--no-access-log"], cwd=Path(__file__).parent
    ) as process:
        try:
            _wait_until_up(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("the rail did not start")


def adapter(url: str) -> Adapter[Any]:
    """The adapter of the rail, as a configuration opens it."""
    os.environ.setdefault("SETTLE_BENCH_KEY", "made-up")
    accounts = {"AUD": ACCOUNT}
    settings = {"base_url": url, "accounts": accounts, "api_key": "env:SETTLE_BENCH_KEY"}
    return open_adapter(RAIL, settings, where=f"rails.{RAIL}")


@contextmanager
def planned(spoken: Adapter[Any], *, size: int) -> Iterator[Store]:
    """A store with payments that are approved and funded, and not sent."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/settle.db")
        dues = [
            payments.Due(
                obligation_id=f"O-{nth}", agreement_id=f"A-{nth}", currency="AUD",
                amount_minor=1_000 + nth, value_date=date(2024, 12, 19), beneficiary=PAYEE,
                reference="Settlement",
            )
            for nth in range(size)
        ]  # fmt: skip
        ids = itertools.count()
        rails = {RAIL: spoken}
        payments.plan(
            store, dues, rails=rails, tenant="t", now=NOW, ids=lambda: f"P-{next(ids):07d}"
        )
        payments.approve(store, payments.Policy(limit_minor={"AUD": 10**12}), now=NOW)
        payments.fund(store, balances={(RAIL, ACCOUNT, "AUD"): 10**15}, now=NOW)
        yield store
        store.close()


def sender(spoken: Adapter[Any]) -> Sender:
    """The client of both sides."""
    limits = spoken.profile.limits
    return Sender(
        spoken.endpoint,
        connections=limits.concurrency_max,
        requests_per_second=limits.requests_per_second,
    )


async def ours(spoken: Adapter[Any], store: Store, *, size: int) -> float:
    """Seconds to pay from the store."""
    async with sender(spoken) as sending:
        began = time.perf_counter()
        done = await payments.pay(
            store, {RAIL: payments.Rail(spoken, sending)}, clock=lambda: NOW, worker="w", day=DAY
        )
        seconds = time.perf_counter() - began
    assert done.accepted == size, done
    return seconds


async def bare(spoken: Adapter[Any], orders: Sequence[Payment]) -> float:
    """Seconds for the same conversations with nothing written down."""
    at_once = spoken.profile.limits.concurrency_max * CONVERSATIONS_PER_CONNECTION
    slots = asyncio.Semaphore(at_once)
    async with sender(spoken) as sending:

        async def one(order: Payment) -> bool:
            async with slots:
                ending = await sending.run(
                    spoken.submit(order),
                    conversation_id=order.payment_id,
                    recorder=NOT_RECORDED,
                )
            return isinstance(ending, Finished) and isinstance(ending.value, Accepted)

        began = time.perf_counter()
        taken = await asyncio.gather(*map(one, orders))
        seconds = time.perf_counter() - began
    assert all(taken)
    return seconds


def orders_of(store: Store) -> list[Payment]:
    """The stored payments as their rail sees them."""
    with store.reading() as connection:
        return [payment_of(row) for row in fetch(connection, sa.select(table))]


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=500, help="payments")
    options = parser.parse_args()
    size: int = options.size

    def stored() -> float:
        with planned(spoken, size=size) as store:
            return asyncio.run(ours(spoken, store, size=size))

    def unstored() -> float:
        return asyncio.run(bare(spoken, orders))

    with serving() as url:
        spoken = adapter(url)
        with planned(spoken, size=size) as store:
            orders = orders_of(store)
        unstored()
        found = alternating(stored, unstored, runs=options.runs)
    per_s = size / found.ours_s, size / found.other_s
    print(f"{size:,} payments, {per_s[0]:,.0f} a second stored, {per_s[1]:,.0f} a second bare")
    print(f"paying durably, against the same client without a store: {found}")
    note(
        Compared(
            ours=f"pay {size:,}, one call each, from the store",
            against="the same client and calls without a store", pairs=options.runs, ratio=found,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
