"""What happened in a world, line by line, and the digest that two plays of it must share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from settle.ledger.tables import journal
from settle.payments.tables import exchanges, payment_events, payments, returned_payables
from settle.store import Store

_TABLES = (payments, payment_events, exchanges, journal, returned_payables)


@dataclass(slots=True)
class Story:
    """The lines of one world, in the order in which things happened."""

    clock: Callable[[], datetime]
    lines: list[str] = field(default_factory=list)

    def tell(self, who: str, what: str) -> None:
        """Add a line."""
        self.lines.append(f"{self.clock():%d %H:%M:%S.%f}"[:-3] + f"  {who:<8} {what}")


def digest(store: Store, story: Story) -> str:
    """SHA-256 over the story and every row about payments, postings included, in order."""
    found = hashlib.sha256("\n".join(story.lines).encode())
    for row in _rows(store):
        found.update(repr(row).encode())
    return found.hexdigest()


def _rows(store: Store) -> Iterator[tuple[object, ...]]:
    with store.reading() as connection:
        for table in _TABLES:
            query = sa.select(table).order_by(*table.primary_key.columns)
            yield from (tuple(row) for row in connection.execute(query))
