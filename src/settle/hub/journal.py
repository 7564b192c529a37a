"""Which nights have begun, what each took and refused, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from settle.hub.tables import night_batches, nights, refusals
from settle.store import Store, insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a night ended: its exit code, and the last lines it printed."""

    exit_code: int
    lines: tuple[str, ...]


class NightJournal:
    """The nights of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, day: date, *, as_of: datetime) -> bool:
        """Begin a night or go on with it. False: a later one has begun, so this one is over."""
        with self._store.transaction() as connection:
            later = sa.select(nights.c.day).where(nights.c.day > day).limit(1)
            if connection.execute(later).first() is not None:
                return False
            insert_new(connection, nights, [{"day": day, "as_of": as_of}])
        return True

    def end(self, day: date, ending: Ending) -> None:
        """Keep how a night ended, for whoever asks again once it is over."""
        with self._store.transaction() as connection:
            connection.execute(
                sa.update(nights)
                .where(nights.c.day == day)
                .values(exit_code=ending.exit_code, lines=json.dumps(ending.lines))
            )

    def ending(self, day: date) -> Ending | None:
        """How a night ended; None where it never did."""
        query = sa.select(nights.c.exit_code, nights.c.lines).where(nights.c.day == day)
        with self._store.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.exit_code is None:
            return None
        return Ending(exit_code=row.exit_code, lines=tuple(json.loads(row.lines)))

    def last(self) -> date | None:
        """The latest night that has begun."""
        with self._store.reading() as connection:
            found: date | None = connection.scalar(sa.select(sa.func.max(nights.c.day)))
        return found

    def span(self, day: date) -> tuple[datetime, datetime | None] | None:
        """When a night began, and when the next one did; None for a night that never began."""
        query = sa.select(nights.c.as_of).where(nights.c.day >= day).order_by(nights.c.day).limit(2)
        with self._store.reading() as connection:
            if connection.scalar(sa.select(nights.c.day).where(nights.c.day == day)) is None:
                return None
            began, *later = connection.scalars(query)
        return began, later[0] if later else None

    def batches(self, day: date) -> Sequence[str]:
        """The batches of records that a night took, sorted."""
        query = sa.select(night_batches.c.batch_id).where(night_batches.c.day == day)
        with self._store.reading() as connection:
            return sorted(connection.scalars(query))

    def took(self, day: date, batch_id: str) -> None:
        """A night took a batch of records."""
        with self._store.transaction() as connection:
            insert_new(connection, night_batches, [{"day": day, "batch_id": batch_id}])

    def refuse(self, day: date, what: str) -> None:
        """A night could not take something at all."""
        with self._store.transaction() as connection:
            insert_new(connection, refusals, [{"day": day, "what": what}])

    def refused(self, day: date) -> Sequence[str]:
        """What a night could not take, sorted."""
        query = sa.select(refusals.c.what).where(refusals.c.day == day).order_by(refusals.c.what)
        with self._store.reading() as connection:
            return list(connection.scalars(query))
