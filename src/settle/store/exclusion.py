"""One living process at a time: a lock that a killed process cannot keep."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from settle.errors import Busy
from settle.store.connection import Store
from settle.store.ids import derived

PATIENCE_S = 5.0
"""How long to wait for a lock; a database may take a moment to notice that its client died."""

_PAUSE_S = 0.1


@contextmanager
def exclusive(store: Store, name: str, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock `name` of a store while the context lasts. It ends with its process.

    Raises:
        Busy: another living process holds it.
    """
    deadline = time.monotonic() + patience_s
    attempts = _on_file(store, name) if store.is_sqlite else _on_session(store, name)
    with closing(attempts):
        while not next(attempts):
            if time.monotonic() > deadline:
                raise Busy(f"another {name} is under way on this store", name=name)
            time.sleep(_PAUSE_S)
        yield


def _on_file(store: Store, name: str) -> Generator[bool, None, None]:
    path = Path(f"{store.engine.url.database}.{name}.lock")
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _on_session(store: Store, name: str) -> Generator[bool, None, None]:
    key = int(derived("lock", name)[:15], 16)
    # A connection of its own, closed and not returned: the lock ends with the session.
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            while True:
                query = f"SELECT pg_try_advisory_lock({key})"
                yield bool(connection.exec_driver_sql(query).scalar_one())
        finally:
            connection.invalidate()
