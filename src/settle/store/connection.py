"""Opening the store: SQLite by default (one file, WAL, full sync), PostgreSQL for many workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from settle.errors import ConfigError
from settle.store.vault import OPEN, OPTION, Vault
from settle.store.watermark import OPTION as TOLD
from settle.store.watermark import UNTOLD, Watermark


class Store:
    """One database. This hands out transactions and nothing else; tables belong to the rooms."""

    def __init__(
        self, engine: Engine, *, vault: Vault = OPEN, watermark: Watermark = UNTOLD
    ) -> None:
        self.engine = engine.execution_options(**{OPTION: vault, TOLD: watermark})
        self.vault = vault
        self.watermark = watermark

    @classmethod
    def open(cls, url: str, *, vault: Vault = OPEN, watermark: Watermark = UNTOLD) -> Store:
        """Open `sqlite:///FILE` or `postgresql://…`; the schema is brought up to date.

        `vault` has the keys of what is kept encrypted, `watermark` how far the store has got.

        Raises:
            ConfigError: the URL names no database this library knows, it cannot be reached or read,
                or a newer settle has been at it.
        """
        from settle.store.migrations import upgrade

        store = cls(_engine(url), vault=vault, watermark=watermark)
        try:
            upgrade(store.engine)
        except ConfigError:
            store.close()
            raise
        except sa.exc.DatabaseError as error:
            store.close()
            raise ConfigError(
                f"store: the database cannot be opened: {str(error.orig).splitlines()[0]}",
                key="settle.store",
            ) from None
        return store

    @classmethod
    def unready(cls, url: str) -> Store:
        """Open a database whose schema is not looked at. This is for putting a backup back.

        Raises:
            ConfigError: the URL names no database this library knows.
        """
        return cls(_engine(url))

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-file store."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that writes. On SQLite it takes the write lock at once."""
        writing = self.engine.connect().execution_options(settle_writes=True)
        with writing as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the store, for reading."""
        snapshot: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with (
            self.engine.connect().execution_options(**snapshot) as connection,
            connection.begin(),
        ):
            yield connection

    def scrub(self) -> None:
        """Leave nothing of what was emptied in the log beside the file, as far as this can.

        SQLite writes zeroes over what is emptied (`secure_delete`), and its log is cut to nothing
        unless somebody reads just now. PostgreSQL gives the place of emptied rows free; their
        bytes are written over later, and stay in its own log and in backups.
        """
        if self.is_sqlite:
            with closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return
        autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with autocommit.connect() as connection:
            connection.exec_driver_sql("VACUUM exchanges")

    def close(self) -> None:
        """Give the connections back. This may be called more than once."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError(
            "store: give sqlite:///FILE or postgresql://USER@HOST/DATABASE", key="settle.store"
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": 60})
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
            return engine
        case "postgresql":
            return sa.create_engine(parsed.set(drivername="postgresql+psycopg"))
        case other:
            raise ConfigError(
                f"store: {other} is not supported; give sqlite:///… or postgresql://…",
                key="settle.store",
            )


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001
    connection.isolation_level = None  # this library says BEGIN itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("settle_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
