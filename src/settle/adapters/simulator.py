"""What a rail's simulator must offer, and the memory that survives its process.

A simulator is an ASGI app that behaves as the rail does. Faults are not its business: they
are injected between it and the adapter. It keeps a ground truth of what it executed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

ASGI = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One movement that the simulated rail truly executed. This is the ground truth."""

    reference: str
    amount_minor: int
    currency: str
    executed_at: datetime


class Simulator(Protocol):
    """One rail, simulated."""

    @property
    def app(self) -> ASGI:
        """The rail's HTTP face."""
        ...

    def executions(self) -> Sequence[Execution]:
        """Every payment executed, in order; a reference standing twice was paid twice."""
        ...


class Memory:
    """An append-only file of JSON lines that a simulator replays when it starts again.

    `append` has handed its line to the operating system when it returns, so what the rail
    answered survives the kill of its process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: io.FileIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(path)
            self._file = path.open("ab", buffering=0)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Keep one entry."""
        if self._file is not None:
            self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Let the file go. Nothing can be appended after."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every whole entry so far, oldest first; a torn last line is left out."""
        if self._path is None:
            return
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)


def _cut_torn_line(path: Path) -> None:
    # A kill in the midst of a write leaves half a line; the next one must not be joined to it.
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideLine:
    """A movement on our account that somebody else caused: a deposit, a transfer, a surprise.

    `amount_minor` is signed: positive comes in. The simulator puts it on its statement of `day`.
    """

    day: date
    currency: str
    amount_minor: int
    reference: str
    counterparty: str


class OpenSimulator(Protocol):
    """The entry point of the group `settle.simulators`: makes one rail's simulator.

    `accounts` names our account for each currency; `secrets` are the credentials it asks for.
    """

    def __call__(
        self,
        *,
        memory: Memory,
        clock: Clock,
        accounts: Mapping[str, str],
        outside: Sequence[OutsideLine],
        secrets: Mapping[str, str],
    ) -> Simulator:
        """The simulator, with what its memory already holds."""
        ...
