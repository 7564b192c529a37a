"""Noticing that the store is older than what it has done: a backup was put back.

Each run that sends counts one up, in the store and then beside the lake. A store that has
counted less than the lake has forgotten payments that it may have made. Nothing is released
from it until a person has searched the rails and statements since the backup.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from settle.errors import Restored
from settle.hub.tables import epochs
from settle.store import Store, insert_new, uuid7


class Epoch:
    """How often this store has sent, as it says itself and as the lake says."""

    def __init__(self, store: Store, lake: Path) -> None:
        self._store = store
        self._lake = lake

    def was_restored(self) -> bool:
        """Whether the store has forgotten runs that the lake remembers."""
        name, count = self._own()
        return self._remembered(name) > count

    def refuse_restored(self, *, what: str) -> None:
        """Refuse to go on from a store that has forgotten; `what` is not done then.

        Raises:
            Restored: it has.
        """
        if self.was_restored():
            raise Restored(
                f"the store is older than its lake: a backup was put back, and nothing is {what}. "
                "Search the rails and statements since the backup, then: "
                "settle resume --actor NAME"
            )

    def count(self) -> None:
        """Another run is about to send."""
        name, count = self._own()
        with self._store.transaction() as connection:
            connection.execute(sa.update(epochs).values(count=count + 1))
        self._remember(name, count + 1)

    def accept(self, *, actor: str) -> None:
        """A person has searched what was forgotten; from here the store counts on."""
        name, count = self._own()
        caught_up = max(count, self._remembered(name))
        with self._store.transaction() as connection:
            connection.execute(sa.update(epochs).values(count=caught_up, accepted_by=actor))

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
        draft = path.with_suffix(".draft")
        draft.write_text(str(count), "ascii")
        draft.replace(path)
