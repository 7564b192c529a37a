"""A process of the world: it writes and sends only while it lives, and dies where it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from settle.payments import InlineWriter
from settle.store import Store

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

Fate = Callable[[int], "tuple[bool, bool]"]
"""Whether the process dies before or after the store's write of this number."""


class Killed(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Life:
    """Whether a process lives. What it does after its end is done by nobody.

    `run` is the numbered name under which it last kept an intent; `stored` is called with each
    kind of work that it has made durable.
    """

    name: str
    skew_s: float = 0.0
    alive: bool = True
    last_work: str = ""
    run: str = ""
    stored: Callable[[str], None] = lambda _: None

    def check(self) -> None:
        """Go on only if the process lives.

        Raises:
            Killed: it does not.
        """
        if not self.alive:
            raise Killed(self.name)

    def end(self) -> Killed:
        """End the process; raise what this returns."""
        self.alive = False
        return Killed(self.name)


@dataclass(slots=True)
class Writes:
    """The writes of all processes to one store, counted. `fate` decides which one is the last."""

    fate: Fate = lambda _: (False, False)
    count: int = 0


class MortalStore(Store):
    """The store as one process has it: any of its writes may be the process's last."""

    def __init__(self, engine: Engine, life: Life, writes: Writes) -> None:
        super().__init__(engine)
        self._life, self._writes = life, writes

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that writes, if the process lives that long."""
        self._life.check()
        self._writes.count += 1
        before, after = self._writes.fate(self._writes.count)
        if before:
            raise self._life.end()
        with super().transaction() as connection:
            yield connection
        if after:
            raise self._life.end()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A view of the store, if the process lives."""
        self._life.check()
        with super().reading() as connection:
            yield connection


class WatchedWriter(InlineWriter):
    """The writer without a thread. It remembers what of its process is durable last."""

    def __init__(self, store: Store, life: Life) -> None:
        super().__init__(store)
        self._life = life

    async def write(self, work: Callable[[Connection, Sequence[I]], Sequence[O]], item: I) -> O:
        """Do the work in a transaction of its own."""
        match item:
            case ({"effect": _}, str() as worker):  # an intent, and who keeps it
                self._life.run = worker
        done = await super().write(work, item)
        self._life.last_work = getattr(work, "__name__", "")
        self._life.stored(self._life.last_work)
        return done


@dataclass(slots=True)
class Told:
    """What a process told its user. `early`: outcomes told before they were durable."""

    life: Life
    early: list[str] = field(default_factory=list)

    def __call__(self, payments: int) -> None:
        """Hear that conversations of so many payments have ended."""
        if self.life.last_work != "end":
            self.early.append(f"{payments} by {self.life.name} after {self.life.last_work!r}")
