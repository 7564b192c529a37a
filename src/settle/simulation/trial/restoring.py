"""A backup that is taken at some write and put back later, and the search that must follow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from settle.adapters import Sender
from settle.hub.epoch import Epoch
from settle.payments import (
    LookPolicy,
    Rail,
    Scope,
    held_back,
    let_go,
    look_up,
    note_restore,
    resume,
    search,
    switched,
    unsearched,
)
from settle.payments.state import UNSENT
from settle.payments.withholding import UNASKED
from settle.simulation.trial.findings import Findings
from settle.simulation.trial.morning import reconcile
from settle.simulation.trial.process import WatchedWriter

if TYPE_CHECKING:
    from settle.simulation.trial.worker import Worker
    from settle.simulation.trial.world import World

ROUNDS_MAX = 4
"""How many attempts of one obligation are followed."""


def back_up(world: World) -> None:
    """Copy the store as it is now."""
    _copied(_file(world), _backup(world))


def put_back(world: World) -> bool:
    """End every process and put the backup back, if there is one. A person lets all rails go on.

    A store from which nobody has sent since cannot tell by itself: a person says it, as `settle
    restore` does.
    """
    if not _backup(world).exists():
        return False
    for life in world.lives:
        life.alive = False
    _copied(_backup(world), _file(world))
    world.restored_at, world.is_restored = world.now(), True
    world.heads.clear()  # of blocks that the backup may not have
    if not Epoch(world.store, world.folder).has_forgotten():
        with world.store.transaction() as connection:
            note_restore(connection, taken_at=world.now(), at=world.now())
    with world.store.reading() as connection:
        off = switched(connection)
    for each in off:
        resume(
            world.store, Scope(each.scope), name=each.name, actor="alice", reason="the backup's",
            now=world.now(),
        )  # fmt: skip
    return True


def epoch_of(process: Worker) -> Epoch:
    """How often the store has sent, as it says itself and as is remembered beside it."""
    return Epoch(process.store, process.world.folder)


async def searched(process: Worker, rails: dict[str, Rail], senders: dict[str, Sender]) -> bool:
    """Search what was forgotten, and let the store go on if nothing is left to look for."""
    world, epoch = process.world, epoch_of(process)
    epoch.begin_search(at=process.clock())
    writer = WatchedWriter(process.store, process.life)
    looked = await look_up(
        process.store, rails, clock=process.clock, worker=process.life.name, ids=world.next_id,
        policy=LookPolicy(), writer=writer, paused=frozenset(rails),
    )  # fmt: skip
    process.prepare()
    silent = set(looked.silent)
    for _ in range(ROUNDS_MAX):
        await reconcile(process, senders)
        done = await search(
            process.store, rails, clock=process.clock, worker=process.life.name,
            ids=world.next_id, writer=writer,
        )  # fmt: skip
        silent |= set(done.silent)
        process.prepare()
        with process.store.reading() as connection:
            if not unsearched(connection):
                break
    if silent or _is_left(process):
        world.story.tell(process.life.name, f"has not found out all: {sorted(silent)} are silent")
        return False
    epoch.end_search(at=process.clock())
    epoch.accept(actor="alice", reason="searched", at=process.clock())
    with process.store.transaction() as connection:
        let_go(connection)
    process.prepare()  # what was held took nobody's room, and is decided anew
    world.is_restored = False
    world.story.tell("alice", "lets the store go on")
    return True


def _is_left(process: Worker) -> bool:
    """Whether something was not searched, or a person who looks by hand sees that it was paid."""
    with process.store.reading() as connection:
        if unsearched(connection):
            return True
        if not held_back(connection):
            return False
        found = Findings(world=process.world, connection=connection)
        return any(
            found.executed[row["obligation_id"]]
            for row in found.payments
            if row["hold_reason"] == UNASKED and row["state"] in UNSENT
        )


def _file(world: World) -> Path:
    return Path(str(world.engine.url.database))


def _backup(world: World) -> Path:
    return world.folder / "backup.db"


def _copied(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
