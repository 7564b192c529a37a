"""What a payment's journal rows become once evidence was taken back: reversals, and new rows.

Here the journal itself is held against what the events that stand imply, for what is reversed is
what was posted, whatever the evidence said that came in since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger import Posting
from settle.ledger.tables import journal
from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.state import Event, EventKind
from settle.store import derived

RETRACTED = "retracted"
"""The event of a row that reverses what retracted evidence had posted, before its number."""


def retractions(events: Iterable[Event]) -> list[Event]:
    """What was taken back, in the order in which it was."""
    found = {event for event in events if event.kind is EventKind.RETRACTED}
    return sorted(found, key=lambda event: event.ordinal)


def reposted(
    connection: Connection, payment_id: str, implied: Sequence[Posting], *, count: int,
    fresh: Event | None,
) -> Iterator[Posting]:  # fmt: skip
    """The rows that the journal lacks of a payment of which evidence was taken back `count` times.

    `fresh`: the retraction that is written now; with it, what stands and is not implied any more
    is reversed, and all rows are of its day.
    """
    query = sa.select(journal).where(journal.c.subject == payment_id)
    rows = fetch(connection, query.order_by(journal.c.entry_id))
    names = {str(row["entry_id"]) for row in rows}
    posted = [_posting(row) for row in rows if not row["event"].startswith(f"{RETRACTED}/")]
    stands = {each.event: each for each in posted if names.isdisjoint(_reversals(each, count))}
    wanted = {each.event: each for each in implied}
    if fresh is not None:
        on = fresh.occurred_at.date()
        for event, each in sorted(stands.items()):
            if event not in wanted or _moved(each) != _moved(wanted[event]):
                del stands[event]
                yield each.reversed(event=f"{RETRACTED}/{fresh.ordinal}", posted_on=on)
    times = Counter(each.event for each in posted)
    for each in implied:
        if each.event not in stands:
            on = each.posted_on if fresh is None else fresh.occurred_at.date()
            yield replace(each, row=str(times[each.event] + 1), posted_on=on)


def _reversals(each: Posting, count: int) -> set[str]:
    """The ids of the rows that may have reversed one; `row` is its own id here."""
    return {derived(f"{RETRACTED}/{n}", each.subject, each.row) for n in range(1, count + 1)}


def _moved(each: Posting) -> tuple[str, str, int]:
    return each.debit, each.credit, each.amount_minor


def _posting(row: Row) -> Posting:
    """A row of the journal as it was posted, named after itself."""
    names = ("event", "subject", "posted_on", "debit", "credit", "currency", "amount_minor")
    return Posting(row=row["entry_id"], **{name: row[name] for name in names})
