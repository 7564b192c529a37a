"""Which nights have begun, what each took and refused, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.hub.tables import night_batches, night_failures, nights, refusals
from settle.store import Store, insert_new

_REPLACING = ""
"""Stands beside the names of a night that replace those of the nights before it."""


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

    def is_over(self, day: date) -> bool:
        """Whether a later night than that of a day has begun."""
        last = self.last()
        return last is not None and last > day

    def first(self) -> date | None:
        """The first night that ever began."""
        return self._day(sa.select(sa.func.min(nights.c.day)))

    def last(self) -> date | None:
        """The latest night that has begun."""
        return self._day(sa.select(sa.func.max(nights.c.day)))

    def before(self, day: date) -> date | None:
        """The latest night before that of a day."""
        return self._day(sa.select(sa.func.max(nights.c.day)).where(nights.c.day < day))

    def _day(self, query: sa.Select[date | None]) -> date | None:
        with self._store.reading() as connection:
            return connection.scalar(query)

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

    def name_failed(self, day: date, names: Iterable[str]) -> None:
        """Who cannot pay, of the night of a day. This replaces who was named up to it before.

        To a night that is named to already, and is a later one, they come as well.
        """
        table = night_failures
        replacing = sa.and_(table.c.day > day, table.c.participant_id == _REPLACING)
        with self._store.transaction() as connection:
            connection.execute(sa.delete(table).where(sa.or_(table.c.day == day, replacing)))
            rows = [{"day": day, "participant_id": name} for name in (_REPLACING, *names)]
            insert_new(connection, table, rows)

    def failed(self, day: date, *, after: date | None = None) -> Mapping[date, tuple[str, ...]]:
        """Who was named as one that cannot pay, up to a day and not replaced; by night, in order.

        `after`: of nights since then only.
        """
        table = night_failures
        query = sa.select(table.c.day, table.c.participant_id).where(table.c.day <= day)
        if after is not None:
            query = query.where(table.c.day > after)
        with self._store.reading() as connection:
            rows = [(row.day, row.participant_id) for row in connection.execute(query)]
        first = max((night for night, name in rows if name == _REPLACING), default=date.min)
        names = sorted(row for row in rows if row[0] >= first and row[1] != _REPLACING)
        return {
            night: tuple(name for _, name in named)
            for night, named in groupby(names, key=itemgetter(0))
        }

    def refuse(self, day: date, subject: str, what: str) -> None:
        """A night could not take something at all, for now."""
        with self._store.transaction() as connection:
            self._forget(connection, day, subject)
            insert_new(connection, refusals, [{"day": day, "subject": subject, "what": what}])

    def accept(self, day: date, subject: str) -> None:
        """A night could take it after all; that it was refused is over."""
        with self._store.transaction() as connection:
            self._forget(connection, day, subject)

    def _forget(self, connection: Connection, day: date, subject: str) -> None:
        mine = sa.and_(refusals.c.day == day, refusals.c.subject == subject)
        connection.execute(sa.delete(refusals).where(mine))

    def silence(self, day: date, rails_down: Mapping[str, str]) -> None:
        """Which rails could not be asked in the last run of a night, and why."""
        with self._store.transaction() as connection:
            connection.execute(
                sa.update(nights)
                .where(nights.c.day == day)
                .values(rails_down=json.dumps(rails_down, sort_keys=True))
            )

    def rails_down(self, day: date) -> Mapping[str, str]:
        """The rails that could not be asked in the last run of a night, with why."""
        query = sa.select(nights.c.rails_down).where(nights.c.day == day)
        with self._store.reading() as connection:
            found: dict[str, str] = json.loads(connection.scalar(query) or "{}")
        return found

    def refused(self, day: date) -> Sequence[str]:
        """What a night could not take, sorted."""
        query = sa.select(refusals.c.what).where(refusals.c.day == day)
        with self._store.reading() as connection:
            return sorted(connection.scalars(query))
