"""A batch of ten thousand payments through the engine, against a script written by hand.

Both begin with obligations and end with accepted payments on SQLite with full sync: checks of
every IBAN, the rows of payments, events, postings and exchanges, and one pain.001 to a rail in
another process. `by_hand_batch.py` says what it leaves out. That both wrote the same rows and
sent the same message is checked first.

    python benchmarks/batches.py --runs 5 --size 10000
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from typing import Any

import by_hand_batch
import sqlalchemy as sa
from loopback import serving
from lxml import etree
from night import (
    BANK,
    BATCH_SIZE,
    BATCHES,
    CURRENCIES,
    DAY,
    VALUE_DATE,
    adapter,
    orders_of,
    paid,
    prepare,
)  # fmt: skip
from ratio import alternating, timed
from results import Compared, note

from databases import NewUrl, databases
from settle.adapters import Batch
from settle.ledger.tables import journal
from settle.payments.tables import exchanges, payment_events, payments
from settle.store import Store

AIM = 0.5
"""Of the payments per second of the script."""

TABLES = (payments, payment_events, journal, exchanges)


def rows_of(store: Store) -> by_hand_batch.Rows:
    """All that paying a batch wrote."""
    found: dict[str, list[dict[str, Any]]] = {}
    with store.reading() as connection:
        for table in TABLES:
            order = ", ".join(table.primary_key.columns.keys())
            query = f"select * from {table.name} order by {order}"
            rows = connection.execute(sa.text(query)).mappings()
            found[table.name] = [dict(row) for row in rows]
    return by_hand_batch.Rows(**found)


def canonical(content: bytes) -> bytes:
    """XML as it is compared."""
    return etree.tostring(etree.fromstring(content), method="c14n")


def ours(url: str, rail: str, *, first: int, size: int) -> tuple[float, Store]:
    """Seconds from obligations to accepted payments, and the store."""
    store, spoken = Store.open(url), adapter(BATCHES, rail)
    done: list[int] = []

    def work() -> None:
        prepare(store, spoken, BATCHES, range(first, first + size))
        done.append(asyncio.run(paid(store, spoken, BATCHES))[1])

    seconds = timed(work)
    assert [size] == done
    return seconds, store


def by_hand(url: str, rail: str, rows: by_hand_batch.Rows) -> float:
    """Seconds of the script on a new file."""
    Store.open(url).close()
    file = url.removeprefix("sqlite:///")
    return timed(lambda: by_hand_batch.pay(file, rows, rail=rail, ours=BANK))


def prove_alike(store: Store, rows: by_hand_batch.Rows, rail: str, new_url: NewUrl) -> None:
    """The same message, and the same rows but for what only an engine keeps of an exchange."""
    batch = Batch(
        batch_id=rows.payments[0]["batch_id"],
        created_on=DAY,
        currency=CURRENCIES[BATCHES],
        value_date=VALUE_DATE,
        payments=tuple(orders_of(store)),
    )
    sent = next(adapter(BATCHES, rail).submit_batch(batch)).request.content
    assert canonical(sent) == canonical(by_hand_batch.message(rows.payments, BANK).encode())
    url = new_url()
    by_hand(url, rail, rows)
    other = Store.open(url)
    assert rows == rows_of(other)
    other.close()


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=BATCH_SIZE, help="payments, in one batch")
    options = parser.parse_args()
    size: int = options.size
    numbers = itertools.count()
    with serving() as rail, databases("sqlite") as new_url:

        def engine() -> float:
            seconds, store = ours(new_url(), rail, first=next(numbers) * size, size=size)
            store.close()
            return seconds

        _, store = ours(new_url(), rail, first=next(numbers) * size, size=size)
        rows = rows_of(store)
        prove_alike(store, rows, rail, new_url)
        store.close()
        found = alternating(engine, lambda: by_hand(new_url(), rail, rows), runs=options.runs)
    per_s = size / found.ours_s, size / found.other_s
    print(f"{size:,} payments, {per_s[0]:,.0f} a second, by hand {per_s[1]:,.0f} a second")
    print(f"paying a batch, against a script by hand: {found}")
    note(
        Compared(
            ours=f"pay {size:,} in one pain.001, from obligations to accepted",
            against="a script by hand: the same checks, rows, commits and message",
            pairs=options.runs, ratio=found, most=1 / AIM,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
