"""What keeping exchanges under a key costs: the same exchanges in plain and encrypted, one run.

Each is an intent and an answer on SQLite with full sync, as the sender has them written. The
ratio is of processor time per exchange, which a busy disk does not change; rounds alternate, and
the median of each is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from settle.adapters import Request, Response, commits
from settle.payments import ThreadWriter
from settle.payments.exchanges import StoreRecorder
from settle.store import Store, Vault

KEY = "5a" * 32
NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
AT_ONCE = 64


async def kept(store: Store, exchanges: int, body: bytes) -> float:
    """Seconds of processor for so many exchanges, each durable, 64 under way at once."""
    async with ThreadWriter(store) as writer:
        recorder = StoreRecorder(writer=writer, clock=lambda: NOW)
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with slots:
                request = Request(method="POST", path="/payments", content=body)
                await recorder.intent(name, 0, commits(request))
                await recorder.answer(name, 0, Response(status=200, content=body))

        began = time.process_time()
        await asyncio.gather(*(one(f"c{n}") for n in range(exchanges)))
        return time.process_time() - began


def measured(exchanges: int, body: bytes, *, vault: Vault) -> float:
    """Microseconds of processor per exchange on a new store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'settle.db'}", vault=vault)
        seconds = asyncio.run(kept(store, exchanges, body))
        store.close()
    return seconds / exchanges * 1e6


def main() -> None:
    """Print microseconds of processor per exchange, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=5000)
    parser.add_argument("--bytes", type=int, default=1500, help="of each body")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    body = b"x" * given.bytes
    plain, locked = [], []
    for _ in range(given.rounds):
        plain.append(measured(given.exchanges, body, vault=Vault()))
        locked.append(measured(given.exchanges, body, vault=Vault([lambda: KEY])))
    without, under = statistics.median(plain), statistics.median(locked)
    print(f"in plain {without:.0f} µs, under a key {under:.0f} µs: ratio {under / without:.2f}")


if __name__ == "__main__":
    main()
