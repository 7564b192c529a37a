"""What a payment's journal rows become once what its events imply has changed: reversals, new rows.

Evidence was taken back, or other evidence came in that goes before what was posted. Here the
journal itself is held against what the events that stand imply, for what is reversed is what was
posted, whatever the evidence said that came in since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
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

CHANGED = "changed"
"""The event of a row that reverses what other evidence implies otherwise, before its number."""


def retractions(events: Iterable[Event]) -> list[Event]:
    """What was taken back, in the order in which it was."""
    found = {event for event in events if event.kind is EventKind.RETRACTED}
    return sorted(found, key=lambda event: event.ordinal)


def has_changed(before: Collection[Posting], after: Iterable[Posting]) -> bool:
    """Whether a row that was implied is not any more, or moves something else."""
    now = {each.event: _moved(each) for each in after} if before else {}
    return any(now.get(each.event) != _moved(each) for each in before)


def reposted(
    connection: Connection, payment_id: str, implied: Sequence[Posting], *, fresh: Event | None
) -> Iterator[Posting]:
    """The rows that bring the journal of a payment to what is implied; none where it is there.

    `fresh`: the retraction that is written now; with it all rows are of its day. Without it each
    is of the day of what it undoes, or of its own: whatever came first, the sums are the same.
    """
    query = sa.select(journal).where(journal.c.subject == payment_id)
    rows = fetch(connection, query.order_by(journal.c.entry_id))
    stands = standing_rows(rows)
    wanted = {each.event: each for each in implied}
    by = _number(rows, CHANGED) if fresh is None else f"{RETRACTED}/{fresh.ordinal}"
    for event, each in sorted(stands.items()):
        if event not in wanted or _moved(each) != _moved(wanted[event]):
            del stands[event]
            on = each.posted_on if fresh is None else fresh.occurred_at.date()
            yield each.reversed(event=by, posted_on=on)
    times = Counter(row["event"] for row in rows)
    for each in implied:
        if each.event not in stands:
            on = each.posted_on if fresh is None else fresh.occurred_at.date()
            yield replace(each, row=str(times[each.event] + 1), posted_on=on)


def standing_rows(rows: Sequence[Row]) -> dict[str, Posting]:
    """The rows of a payment's journal that no other one reverses, by event."""
    names = {row["entry_id"] for row in rows}
    turned = {row["event"] for row in rows if _is_correction(row)}
    posted = [_posting(row) for row in rows if not _is_correction(row)]
    return {each.event: each for each in posted if names.isdisjoint(_reversals(each, turned))}


def _is_correction(row: Row) -> bool:
    return str(row["event"]).startswith((f"{RETRACTED}/", f"{CHANGED}/"))


def _number(rows: Sequence[Row], kind: str) -> str:
    """The next event of a kind."""
    return (
        f"{kind}/{len({row['event'] for row in rows if row['event'].startswith(f'{kind}/')}) + 1}"
    )


def _reversals(each: Posting, corrections: Iterable[str]) -> set[str]:
    """The ids of the rows that may have reversed one; `row` is its own id here."""
    return {derived(event, each.subject, each.row) for event in corrections}


def _moved(each: Posting) -> tuple[str, str, int]:
    return each.debit, each.credit, each.amount_minor


def _posting(row: Row) -> Posting:
    """A row of the journal as it was posted, named after itself."""
    names = ("event", "subject", "posted_on", "debit", "credit", "currency", "amount_minor")
    return Posting(row=row["entry_id"], **{name: row[name] for name in names})
