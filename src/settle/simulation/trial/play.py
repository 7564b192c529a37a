"""Playing one scenario from its beginning to its judgement."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from settle.payments import EventKind, State
from settle.simulation.trial.checker import Findings, Violation, proof_of, violations
from settle.simulation.trial.faults import FaultKind
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


def play(scenario: Scenario) -> Played:
    """Play a scenario. The same scenario gives the same `Played`, to the byte of its digest."""
    with tempfile.TemporaryDirectory(prefix="settle-world-") as folder, store_in(folder) as engine:
        return run(_play(scenario, engine, Path(folder)))


async def _play(scenario: Scenario, engine: Engine, folder: Path) -> Played:
    import asyncio

    world = World(
        scenario=scenario, engine=engine, folder=folder, loop=asyncio.get_running_loop()
    )
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
    for row in findings.payments:
        events = findings.events.get(row["payment_id"], ())
        if not any(event.kind is EventKind.UNKNOWN for event in events):
            continue
        proof = proof_of(events)
        if row["state"] in (State.UNKNOWN, State.SENDING) or proof is None:
            yield "open, and shown" if row["state"] == State.UNKNOWN else f"{row['state']}"
        else:
            yield f"{proof.kind.value} by {proof.source}"


@contextmanager
def store_in(folder: str) -> Iterator[Engine]:
    """A fresh SQLite store with its schema, which does not wait for the disk."""
    path = Path(folder) / "settle.db"
    path.write_bytes(empty_store())
    engine = unsynced(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


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
