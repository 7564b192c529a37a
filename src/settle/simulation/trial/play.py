"""Playing one scenario from its beginning to its judgement."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from settle.payments import EventKind, State
from settle.simulation.trial.checker import inspected, violations
from settle.simulation.trial.faults import FaultKind
from settle.simulation.trial.findings import Findings, is_proof
from settle.simulation.trial.invariant import Violation
from settle.simulation.trial.loop import run
from settle.simulation.trial.scenario import Scenario
from settle.simulation.trial.story import digest
from settle.simulation.trial.world import World
from settle.store import Store
from settle.store.connection import _engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of one world. `closed`: how each Unknown ended, `open` among the ways."""

    scenario: Scenario
    violations: Sequence[Violation]
    faults: Mapping[FaultKind, int]
    states: Mapping[str, int]
    executed: int
    closed: Mapping[str, int]
    digest: str
    story: Sequence[str]


class Stage:
    """Where worlds are played one after another: a folder and a store, fresh for each.

    One engine serves them all, for it remembers how each statement compiles.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="settle-world-")
        self._path = Path(self._folder.name) / "settle.db"
        self._engine = unsynced(f"sqlite:///{self._path}")

    def play(self, scenario: Scenario) -> Played:
        """Play a scenario. The same one gives the same `Played`, to the byte of its digest."""
        self._clear()
        return run(_play(scenario, self._engine, Path(self._folder.name)))

    def _clear(self) -> None:
        self._engine.dispose()
        for name in ("settle.db-wal", "settle.db-shm", "backup.db"):
            self._path.with_name(name).unlink(missing_ok=True)
        self._path.write_bytes(empty_store())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._engine.dispose()
        self._folder.cleanup()


async def _play(scenario: Scenario, engine: Engine, folder: Path) -> Played:
    world = World(
        scenario=scenario, engine=engine, folder=folder, loop=asyncio.get_running_loop(),
        inspect=inspected,
    )  # fmt: skip
    await world.play()
    found = violations(world)
    store = Store(engine)
    with store.reading() as connection:
        findings = Findings(world=world, connection=connection)
        states = Counter(row["state"] for row in findings.payments)
        closed = Counter(_ways(findings))
        executed = len(findings.executions)
    return Played(
        scenario=scenario,
        violations=found,
        faults=dict(world.injected),
        states=dict(states),
        executed=executed,
        closed=dict(closed),
        digest=digest(store, world.story),
        story=world.story.lines,
    )


def _ways(findings: Findings) -> Iterator[str]:
    """How each Unknown ended: the first proof that came after it was opened."""
    for row in findings.payments:
        story = findings.recorded.get(row["payment_id"], ())
        opened = [at for at, event in story if event.kind is EventKind.UNKNOWN]
        if not opened:
            continue
        proofs = (e for at, e in story if at >= opened[0] and is_proof(e))
        proof = next(proofs, None)
        if row["state"] in (State.UNKNOWN, State.SENDING) or proof is None:
            yield "open, and shown" if row["state"] == State.UNKNOWN else str(row["state"])
        else:
            yield f"{proof.kind.value} by {proof.source}"


@cache
def empty_store() -> bytes:
    """An SQLite store with its schema, to be copied: making one anew costs more than a night."""
    with tempfile.TemporaryDirectory(prefix="settle-schema-") as folder:
        path = Path(folder) / "settle.db"
        store = Store.open(f"sqlite:///{path}")
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        return path.read_bytes()


def unsynced(url: str) -> Engine:
    """The engine of a store. Nothing here pulls the plug; waiting for the disk would be in vain."""
    engine = _engine(url)
    sa.event.listen(engine, "connect", _without_sync)
    return engine


def _without_sync(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
