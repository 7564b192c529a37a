"""Noticing that the store is older than what it has done: a backup was put back.

Each run that sends counts one up, in the store and then beside the lake, and so does each group
of its intents (`settle.payments.forgetting`). A store that has counted less than the lake has
forgotten payments that it may have made. Nothing is released
from it until a person has searched the rails and statements since the backup.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from settle.adapters import LEAVES_WITHIN
from settle.errors import BadInput, Restored
from settle.payments import PEOPLE, catch_up, has_forgotten, note_restore
from settle.payments.tables import epochs, restores
from settle.store import Store, insert_new, uuid7

_OPEN = restores.c.resumed_at.is_(None)
"""Put back, and nobody has let it go on."""


class Epoch:
    """How often this store has sent, as it says itself and as the lake says."""

    def __init__(self, store: Store, lake: Path) -> None:
        self._store = store
        self._lake = lake

    @property
    def store_id(self) -> str:
        """What the store and its backups are called beside the lake."""
        return self._own()[0]

    def was_restored(self) -> bool:
        """Whether the store is a backup that was put back, and nobody has let it go on since.

        It says so itself, or has forgotten runs that the lake remembers.
        """
        return self.has_forgotten() or self._pending() is not None

    def has_forgotten(self) -> bool:
        """Whether the store has counted less than the lake tells."""
        name, count = self._own()
        with self._store.transaction() as connection:
            return has_forgotten(connection) or self._remembered(name) > count

    def last_restored_at(self) -> datetime | None:
        """When the store was last put back, as far as it knows; None if it never was."""
        with self._store.reading() as connection:
            query = sa.select(sa.func.max(restores.c.restored_at))
            at: datetime | None = connection.execute(query).scalar_one()
        return at

    def last_resumed_at(self) -> datetime | None:
        """When a person last let it go on after it was put back; None if nobody ever did."""
        with self._store.reading() as connection:
            query = sa.select(sa.func.max(restores.c.resumed_at))
            at: datetime | None = connection.execute(query).scalar_one()
        return at

    def refuse_early(self, *, at: datetime) -> None:
        """Refuse a search at a time at which a process of the store as it was might still send.

        Raises:
            BadInput: it has told after that, or shortly before, that it was about to.
        """
        told_at = self._store.watermark.last_told_at(self._own()[0], but=PEOPLE)
        if told_at is not None and at < (until := told_at + LEAVES_WITHIN):
            raise BadInput(
                "a process of the store as it was before may still send until "
                f"{until:%Y-%m-%d %H:%M:%S} UTC; see that none is left, and search after that"
            )

    def was_searched(self) -> bool:
        """Whether a search of what it has forgotten came to its end."""
        return self.searched_at() is not None

    def searched_at(self) -> datetime | None:
        """When the last search of it came to its end."""
        pending = self._pending()
        return None if pending is None else pending["searched_at"]

    def begin_search(self, *, at: datetime) -> None:
        """What was forgotten is being searched. A file that was copied back is noted now."""
        pending = self._pending()
        with self._store.transaction() as connection:
            if pending is None:
                note_restore(connection, taken_at=at, at=at)
            else:
                connection.execute(sa.update(restores).where(_OPEN).values(searched_at=None))

    def end_search(self, *, at: datetime) -> None:
        """What was forgotten was searched as far as this library can."""
        with self._store.transaction() as connection:
            connection.execute(sa.update(restores).where(_OPEN).values(searched_at=at))

    def _pending(self) -> Mapping[str, Any] | None:
        with self._store.reading() as connection:
            query = sa.select(restores).where(_OPEN).order_by(restores.c.restore_id.desc())
            found = connection.execute(query.limit(1)).mappings().one_or_none()
        return None if found is None else dict(found)

    def refuse_restored(self, *, what: str) -> None:
        """Refuse to go on from a store that has forgotten; `what` is not done then.

        Raises:
            Restored: it has.
        """
        if self.was_restored():
            raise Restored(
                f"a backup was put back, and nothing is {what} from it until what it has forgotten "
                "was searched: settle search; then: settle resume --actor NAME"
            )

    def count(self) -> None:
        """Another run is about to send."""
        name, count = self._own()
        with self._store.transaction() as connection:
            connection.execute(sa.update(epochs).values(count=count + 1))
        self._remember(name, count + 1)

    def accept(self, *, actor: str, reason: str = "", at: datetime) -> None:
        """A person lets it go on after the search; from here the store counts on."""
        name, count = self._own()
        caught_up = max(count, self._remembered(name))
        with self._store.transaction() as connection:
            connection.execute(sa.update(epochs).values(count=caught_up, accepted_by=actor))
            catch_up(connection)
            said = {"resumed_at": at, "resumed_by": actor, "reason": reason}
            connection.execute(sa.update(restores).where(_OPEN).values(**said))

    def _own(self) -> tuple[str, int]:
        query = sa.select(epochs.c.store_id, epochs.c.count)
        with self._store.transaction() as connection:
            insert_new(connection, epochs, [{"one": 1, "store_id": uuid7(), "count": 0}])
            name, count = connection.execute(query).one()
        return name, count

    def _file(self, name: str) -> Path:
        return self._lake / "epochs" / name

    def _remembered(self, name: str) -> int:
        path = self._file(name)
        return int(path.read_text("ascii")) if path.is_file() else 0

    def _remember(self, name: str, count: int) -> None:
        path = self._file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{name}.draft")  # beside it, what begins with its name counts
        draft.write_text(str(count), "ascii")
        draft.replace(path)
