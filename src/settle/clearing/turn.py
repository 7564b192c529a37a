"""Taking turns: what was computed from the store is written only if the store still bears it.

Work is done outside any transaction, then written in one that holds other writers of clearing
off. Where another writer was first and changed what the work stands on, it is done again; after
`TRIES_MAX` times the others wait for it instead, so that nobody starves. Nobody waits while
columns are computed, but for that.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import intake_batches, windows
from settle.store import Store

TRIES_MAX = 3
"""How often work is done with nobody held off. After that other writers wait for it."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LOCK = 720_191_220  # any number that no other part of the library locks


class Edition(NamedTuple):
    """What clearing's decisions depend on; both only ever grow.

    `windows`: how many outcomes were committed. A window that is unwound has one more.
    """

    batches: int
    windows: int


def edition(connection: Connection) -> Edition:
    """The store's present edition. This changes with each batch taken, window closed or unwound."""
    batches = sa.select(sa.func.count()).select_from(intake_batches)
    return Edition(
        batches=connection.scalar(batches) or 0,
        windows=connection.scalar(sa.select(sa.func.sum(windows.c.outcome))) or 0,
    )


class Work(Protocol[T_co]):
    """What is to be written, from one consistent view of the store."""

    def prepare(self) -> None:
        """Compute it. This writes nothing but drafts."""

    def bears(self, connection: Connection) -> bool:
        """Whether the store, as it is now, is still one that it may be written to."""

    def commit(self, connection: Connection) -> T_co:
        """Write it, in the caller's transaction."""

    def discard(self) -> None:
        """Remove what `prepare` left. This is called last, whatever happened."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """There is nothing to do: this was written before."""

    value: T


def in_turn(store: Store, look: Callable[[Connection], Work[T] | Done[T]]) -> T:
    """Look at the store, prepare the work, and commit it when its turn comes.

    `look` is given one consistent view of the store, each time anew.
    """
    for _ in range(TRIES_MAX):
        with store.reading() as connection:
            work = look(connection)
        if isinstance(work, Done):
            return work.value
        with _prepared(work), alone(store) as connection:
            if work.bears(connection):
                return work.commit(connection)
    return _while_others_wait(store, look)


def _while_others_wait(store: Store, look: Callable[[Connection], Work[T] | Done[T]]) -> T:
    with _gate(store):
        if store.is_sqlite:
            with store.reading() as connection:
                work = look(connection)
            if isinstance(work, Done):
                return work.value
            with _prepared(work), store.transaction() as connection:
                assert work.bears(connection), "a writer of clearing did not wait at the gate"
                return work.commit(connection)
        with store.transaction() as connection:
            hold(connection)
            work = look(connection)
            if isinstance(work, Done):
                return work.value
            with _prepared(work):
                return work.commit(connection)


@contextmanager
def _prepared(work: Work[object]) -> Iterator[None]:
    try:
        work.prepare()
        yield
    finally:
        work.discard()


@contextmanager
def alone(store: Store) -> Iterator[Connection]:
    """A transaction during which no other part of clearing writes. They queue for it."""
    with _gate(store), store.transaction() as connection:
        hold(connection)
        yield connection


@contextmanager
def _gate(store: Store) -> Iterator[None]:
    """On SQLite, wait in front of the database: inside it, a minute's wait is an error.

    The lock is the file's, so that a killed process cannot keep it.
    """
    database = store.engine.url.database if store.is_sqlite else None
    if not database or database == ":memory:":
        yield
        return
    with open(f"{database}.clearing.lock", "w") as file:  # noqa: PTH123  # not always a path
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hold(connection: Connection) -> None:
    """Hold other writers of clearing off until this transaction ends. SQLite does it anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
