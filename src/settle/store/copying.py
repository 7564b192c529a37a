"""A consistent copy of the store in files, and a store made of them; writers go on meanwhile.

SQLite is copied by its online backup. PostgreSQL is read with COPY in one snapshot, a file a
table, so that a copy needs no program whose version must fit the server's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.store.connection import Store

T = TypeVar("T")

SQLITE_FILE = "settle.db"
_REVISION = "alembic_version"


def copy_out(store: Store, folder: Path, *, tell: Callable[[Connection], T]) -> T:
    """Copy the whole store into a folder, as it is at one moment. Nobody is kept waiting.

    `tell` is asked about the copy, and its answer returned.
    """
    if store.is_sqlite:
        copy = folder / SQLITE_FILE
        _back_up_file(Path(str(store.engine.url.database)), copy)
        engine = sa.create_engine(f"sqlite:///{copy}")
        with engine.connect() as connection:
            told = tell(connection)
        engine.dispose()
        return told
    with store.reading() as connection:
        for table in _tables(connection):
            _copy_table_out(connection, table, folder / f"{table}.copy")
        return tell(connection)


def is_empty(store: Store) -> bool:
    """Whether a PostgreSQL database has no table of anybody's."""
    return not sa.inspect(store.engine).get_table_names()


def copy_in(
    store: Store, folder: Path, tables: Sequence[str], *, then: Callable[[Connection], None]
) -> None:
    """Fill the empty tables of a PostgreSQL store, and do `then`: all of it or nothing.

    Raises:
        BadInput: a file is of a table that is not there.
    """
    with store.transaction() as connection:
        known = _tables(connection)
        for table in tables:
            if table not in known:
                raise BadInput(f"the backup has a table {table!r}, which is not known", file=table)
        for table in (name for name in known if name in tables and name != _REVISION):
            _copy_table_in(connection, table, folder / f"{table}.copy")
        then(connection)


def _back_up_file(source: Path, target: Path) -> None:
    reading = f"file:{source}?mode=ro"
    with (
        closing(sqlite3.connect(reading, uri=True, timeout=60)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # in one step: one moment, and writers go on into the log
        copy.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise BadInput(f"{source}: the database is damaged: {verdict}", file=str(source))


def _tables(connection: Connection) -> list[str]:
    """Every table, those that others refer to first."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table.name for table in found.sorted_tables]


def _copy_table_out(connection: Connection, table: str, path: Path) -> None:
    names = _columns(connection, table)
    with path.open("wb") as file:
        for part in _copied(connection, f'copy "{table}" ({names}) to stdout'):
            file.write(part)


def _copied(connection: Connection, statement: str) -> Iterator[bytes]:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for part in copy:
            yield bytes(part)


def _copy_table_in(connection: Connection, table: str, path: Path) -> None:
    driver: Any = connection.connection.driver_connection
    statement = f'copy "{table}" ({_columns(connection, table)}) from stdin'
    with driver.cursor() as cursor, cursor.copy(statement) as copy, path.open("rb") as file:
        while part := file.read(1 << 20):
            copy.write(part)


def _columns(connection: Connection, table: str) -> str:
    """The columns by name in one order: another store may have added them in another."""
    return ", ".join(f'"{x["name"]}"' for x in sorted(
        sa.inspect(connection).get_columns(table), key=lambda column: str(column["name"])
    ))  # fmt: skip
