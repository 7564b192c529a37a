"""Whether the store has forgotten what it did: then nothing is taken from it to be sent.

Each group of intents counts one up with the name of the run that sends, in the transaction that
stores them; what is committed is told beside the lake before anything leaves. What people say is
counted as well. A store that has counted less than it told is a backup that was put back,
wherever in a run it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import Restored
from settle.payments.fences import MARK, name_of
from settle.payments.tables import epochs, fences, restores, searches
from settle.store import Store, insert_new, uuid7, watermark_of

_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
"""When a name was taken that the store has forgotten."""

PEOPLE = f"people{MARK}"
"""Who counts what people say: no name of a worker has the mark."""

_PENDING = sa.select(restores.c.restore_id).where(restores.c.resumed_at.is_(None)).limit(1)


def telling(store: Store, worker: str) -> Callable[[int], None]:
    """What tells outside of the store how far a run has counted."""
    with store.reading() as connection:
        store_id = connection.scalar(sa.select(epochs.c.store_id))
    return partial(store.watermark.reach, str(store_id), name_of(worker))


def count_word(store: Store, *, at: datetime) -> None:
    """Count what a person has said, once it is committed, and tell it outside of the store."""
    with store.transaction() as connection:
        insert_new(connection, epochs, [{"one": 1, "store_id": uuid7(), "count": 0}])
        row = {"name": PEOPLE, "number": 0, "taken_at": at, "sent": 0}
        insert_new(connection, fences, [row])
        here = fences.c.name == PEOPLE
        connection.execute(sa.update(fences).where(here).values(sent=fences.c.sent + 1))
        count = connection.execute(sa.select(fences.c.sent).where(here)).scalar_one()
        store_id = connection.execute(sa.select(epochs.c.store_id)).scalar_one()
    store.watermark.reach(store_id, PEOPLE, count)


def has_forgotten(connection: Connection) -> bool:
    """Whether it has counted less than it told. The connection has read nothing before."""
    return bool(_ahead(connection))


def refuse_restored(connection: Connection) -> None:
    """Refuse to take anything from a store that was put back and that nobody let go on.

    Raises:
        Restored: it was.
    """
    if _ahead(connection) or connection.scalar(_PENDING) is not None:
        raise Restored(
            "a backup was put back, and nothing is sent from it until what it has forgotten was "
            "searched: settle search; then: settle resume --actor NAME"
        )


def note_restore(connection: Connection, *, taken_at: datetime, at: datetime) -> None:
    """Write into the store that it is a backup of `taken_at`, put back `at`.

    What was asked after an earlier one says nothing about what was forgotten since.
    """
    connection.execute(sa.delete(searches))
    row = {"restore_id": uuid7(), "taken_at": taken_at, "restored_at": at}
    connection.execute(sa.insert(restores), row)


def catch_up(connection: Connection) -> None:
    """Count on from what was told: a person has searched, and lets the store go on."""
    for name, count in _ahead(connection).items():
        row = {"name": name, "number": 0, "taken_at": _BEFORE, "sent": 0}
        insert_new(connection, fences, [row])
        here = fences.c.name == name
        connection.execute(sa.update(fences).where(here).values(sent=count))


def _ahead(connection: Connection) -> Mapping[str, int]:
    """The names that have told more than the store knows, with what they told."""
    store_id = connection.scalar(sa.select(epochs.c.store_id))
    if store_id is None:
        return {}
    # First what is told: it is written after its commit, so the rows are never behind it.
    told = watermark_of(connection).reached(store_id)
    if not told:
        return {}
    query = sa.select(fences.c.name, fences.c.sent).where(fences.c.name.in_(sorted(told)))
    known = {row.name: row.sent for row in connection.execute(query)}
    return {name: count for name, count in told.items() if count > known.get(name, 0)}
