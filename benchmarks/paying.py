"""Single-call payments through the outbox, against three clients that write nothing down.

All speak to a rail in another process that answers at once. Ours writes each intent, answer and
ending with full sync before it goes on, posts each payment, and so could be killed at any point.
The others: httpx with one client per connection at its best concurrency, one plain
`httpx.AsyncClient`, and our own sender with the conversations but no store. Both of httpx send
requests that were composed before, and look at the status alone.

    python benchmarks/paying.py --store postgresql --runs 5 --size 2000
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
from loopback import serving
from night import SINGLE, adapter, orders_of, paid, prepare, sender
from ratio import alternating
from results import Compared, note

from databases import KINDS, NewUrl, databases
from settle.adapters import NOT_RECORDED, Accepted, Adapter, Finished, Payment, Request
from settle.payments.lane import CONVERSATIONS_PER_CONNECTION
from settle.store import Store

CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64)
TLS = ssl.create_default_context()
"""Never used; each client would make its own, which takes longer than all else."""

AIM = 0.6
"""Of the payments per second of httpx with one client per connection."""


async def bare(spoken: Adapter[Any], orders: Sequence[Payment]) -> float:
    """Seconds for the same conversations by our own sender, with nothing written down."""
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


async def by_clients(url: str, requests: Sequence[Request], *, clients: int, each: int) -> float:
    """Seconds to post the requests by so many httpx clients of `each` connections."""
    waiting = iter(requests)
    limits = httpx.Limits(max_connections=each, max_keepalive_connections=each)
    made = [
        httpx.AsyncClient(base_url=url, limits=limits, trust_env=False, timeout=60, verify=TLS)
        for _ in range(clients)
    ]

    async def work(client: httpx.AsyncClient) -> None:
        for request in waiting:
            answer = await client.post(
                request.path, content=request.content, headers=dict(request.headers)
            )
            assert answer.status_code == 202

    began = time.perf_counter()
    await asyncio.gather(*(work(client) for client in made for _ in range(each)))
    seconds = time.perf_counter() - began
    for client in made:
        await client.aclose()
    return seconds


def best(work: Callable[[int], float]) -> int:
    """The concurrency at which a client is the fastest, by the better of two tries each."""
    tried = {each: min(work(each), work(each)) for each in CONCURRENCIES}
    return min(tried, key=tried.__getitem__)


def composed(spoken: Adapter[Any], orders: Sequence[Payment]) -> list[Request]:
    """The one request of each payment."""
    return [next(spoken.submit(order)).request for order in orders]


def compare(options: argparse.Namespace, url: str, new_url: NewUrl) -> Iterator[Compared]:
    """Ours against each of the three."""
    size: int = options.size
    spoken = adapter(SINGLE, url)
    numbers = itertools.count()

    def store_of_payments() -> Store:
        store = Store.open(new_url())
        first = next(numbers) * size  # other obligations each time: the rail counts their keys
        prepare(store, spoken, SINGLE, range(first, first + size))
        return store

    def ours() -> float:
        store = store_of_payments()
        seconds, accepted = asyncio.run(paid(store, spoken, SINGLE))
        store.close()
        assert accepted == size
        return seconds

    store = store_of_payments()
    orders = list(orders_of(store))
    store.close()
    requests = composed(spoken, orders)

    def one_each(clients: int) -> float:
        return asyncio.run(by_clients(url, requests, clients=clients, each=1))

    def one(connections: int) -> float:
        return asyncio.run(by_clients(url, requests, clients=1, each=connections))

    ours()  # the first one loads what is loaded once
    clients, connections = best(one_each), best(one)
    what = f"pay {size:,}, one call each, from {options.store} with full sync"
    sides: list[tuple[str, Callable[[], float], float | None]] = [
        (f"httpx, {clients} clients of one connection, no store", lambda: one_each(clients), AIM),
        (f"one httpx.AsyncClient of {connections} connections, no store",
         lambda: one(connections), None),
        ("our own sender, no store", lambda: asyncio.run(bare(spoken, orders)), None),
    ]  # fmt: skip
    for against, other, aim in sides:
        found = alternating(ours, other, runs=options.runs)
        per_s = size / found.ours_s, size / found.other_s
        print(f"{per_s[0]:,.0f} a second from {options.store}; {per_s[1]:,.0f} a second: {against}")
        yield Compared(
            ours=what, against=against, pairs=options.runs, ratio=found,
            most=None if aim is None else 1 / aim,
        )  # fmt: skip


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=KINDS, default="sqlite")
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=2_000, help="payments")
    options = parser.parse_args()
    with serving() as url, databases(options.store) as new_url:
        for found in compare(options, url, new_url):
            print(f"paying durably, against {found.against}: {found.ratio}")
            note(found)


if __name__ == "__main__":
    main()
