"""Folding, posting and chaining events, against inserting the same rows and nothing else.

The events are those of payments that were truly paid, four for each: approved, funded, released,
accepted. Ours appends them (each payment's state folded anew from all of its events, its row
brought up to date, its postings written) and seals all of it in chained blocks. The other side
writes the rows that came of it, in as many commits with full sync.

    python benchmarks/events.py --runs 3 --events 100000
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from loopback import serving
from night import BATCHES, NOW, adapter, dues, paid, prepare
from ratio import alternating, timed
from results import Compared, note

from databases import NewUrl, databases
from settle import payments
from settle.adapters import Adapter
from settle.hub.auditing import SOURCES
from settle.ledger import seal
from settle.payments.events import append, events_of
from settle.payments.state import Event, EventKind
from settle.store import Store

EACH = 4
GROUP = 256
"""Payments in one transaction, as a round of the executor has them."""

WRITTEN = ("payment_events", "journal", "seal_blocks", "sealed_rows")
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


def lived(url: str, rail: str, *, size: int) -> list[list[Event]]:
    """The events of payments that were paid, by payment, without the first."""
    store, spoken = Store.open(url), adapter(BATCHES, rail)
    prepare(store, spoken, BATCHES, range(size))
    asyncio.run(paid(store, spoken, BATCHES))
    with store.reading() as connection:
        ids = list(connection.execute(sa.select(payments.tables.payments.c.payment_id)).scalars())
        found = events_of(connection, ids)
    store.close()
    return [[e for e in each if e.kind is not EventKind.PLANNED] for each in found.values()]


def planned(url: str, spoken: Adapter[Any], *, size: int) -> Store:
    """The same payments in a new store, with nothing done about them yet."""
    store = Store.open(url)
    ids = (f"P-{nth:08d}" for nth in range(size))
    payments.plan(
        store, dues(BATCHES, range(size)), rails={BATCHES: spoken}, tenant="t", now=NOW,
        ids=lambda: next(ids),
    )  # fmt: skip
    return store


def chained(store: Store, lives: Sequence[Sequence[Event]]) -> None:
    """Append all events and seal them."""
    for begin in range(0, len(lives), GROUP):
        events = [event for life in lives[begin : begin + GROUP] for event in life]
        with store.transaction() as connection:
            append(connection, events, recorded_at=NOW)
    seal(store, SOURCES, now=NOW)


def rows_of(store: Store) -> Rows:
    """What all of it wrote."""
    with store.reading() as connection:
        return {
            name: [tuple(row) for row in connection.exec_driver_sql(f"select * from {name}")]
            for name in WRITTEN
        }


def inserted(file: str, rows: Rows, *, commits: int) -> None:
    """Insert the rows in so many commits."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("pragma journal_mode=wal; pragma synchronous=full;")
    for nth in range(commits):
        connection.execute("begin immediate")
        for name, all_rows in rows.items():
            if part := all_rows[nth::commits]:
                places = ", ".join("?" * len(part[0]))
                connection.executemany(f"insert into {name} values ({places})", part)
        connection.execute("commit")
    connection.close()


def compare(rail: str, new_url: NewUrl, *, events: int, runs: int) -> Compared:
    """Ours against the bare insert."""
    size = events // EACH
    lives = lived(new_url(), rail, size=size)
    assert events == sum(map(len, lives))
    spoken = adapter(BATCHES, rail)

    def ours() -> float:
        store = planned(new_url(), spoken, size=size)
        seconds = timed(lambda: chained(store, lives))
        store.close()
        return seconds

    model = planned(new_url(), spoken, size=size)
    first = {row[:2] for row in rows_of(model)["payment_events"]}
    chained(model, lives)
    rows = dict(rows_of(model))
    rows["payment_events"] = [row for row in rows["payment_events"] if row[:2] not in first]
    model.close()
    commits = -(-size // GROUP) + len(rows["seal_blocks"])

    def bare() -> float:
        store = planned(new_url(), spoken, size=size)
        file = str(store.engine.url.database)
        store.close()
        return timed(lambda: inserted(file, rows, commits=commits))

    return Compared(
        ours=f"fold, post and chain {events:,} events",
        against=f"inserting the same {sum(map(len, rows.values())):,} rows", pairs=runs,
        ratio=alternating(ours, bare, runs=runs),
    )  # fmt: skip


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--events", type=int, default=100_000)
    options = parser.parse_args()
    with serving() as rail, databases("sqlite") as new_url:
        found = compare(rail, new_url, events=options.events, runs=options.runs)
    print(f"{found.ours}, against {found.against}: {found.ratio}")
    note(found)


if __name__ == "__main__":
    main()
