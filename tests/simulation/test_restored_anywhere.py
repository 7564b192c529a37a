"""A backup taken at any write, put back later: what was paid since is found, and paid once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import (
    Conversation,
    Evidence,
    Fact,
    Finding,
    Payment,
    Request,
    Source,
    reads,
)
from settle.payments import EventKind, InlineWriter, Recorded, let_go, record, search
from settle.payments.ahead import ATTEMPTS_AHEAD
from settle.payments.identity import identity
from settle.payments.instruction import fingerprint_of
from settle.payments.searching import held_back, unsearched
from settle.payments.tables import payment_events, payments
from settle.payments.withholding import PAID_ELSEWHERE
from settle.simulation.trial.play import unsynced
from settle.simulation.trial.process import MortalStore, Writes
from settle.simulation.trial.rails import BATCHED, SINGLE, Heron, Lark

WORLDS = Callable[..., Any]
LATER = timedelta(days=2)
FAULTS = ("lost answer", "lost request", "503 after it worked", "kill after")


def back_up_at(world: Any, nth: int, path: Path) -> None:
    """Copy the store just before its write of this number, as a backup would."""
    source = str(world.store.engine.url.database)

    def fate(number: int) -> tuple[bool, bool]:
        if number == nth:
            with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(path)) as copy:
                live.backup(copy)
        return False, False

    world.writes.fate = fate


def put_back(world: Any, path: Path) -> Any:
    """The same bank, two days later, and the store as it was."""
    world.life.alive, world.writes.fate = True, Writes().fate
    store = MortalStore(unsynced(f"sqlite:///{path}"), world.life, world.writes)
    world.network.faults = []
    ids = iter(range(10**6, 10**9))
    return replace(world, store=store, now=world.now + LATER, ids=ids)


def statements(world: Any) -> Recorded:
    """What the bank's statements show: each execution, by our reference, at the rail it took."""
    shown = [
        Evidence(
            evidence_id=f"line/{each.reference}", source=Source.STATEMENT, fact=Fact.BOOKED,
            reference=each.reference, occurred_at=each.executed_at,
            rail=SINGLE if each.currency == "SGD" else BATCHED,
        )
        for each in world.bank.executed
    ]  # fmt: skip
    return record(world.store, shown, recorded_at=world.now)


async def searched(world: Any) -> Any:
    """What `settle search` does, and then a person who has looked at the rest."""
    await world.look(paused={SINGLE, BATCHED})
    world.prepare()
    statements(world)
    done = await search(
        world.store, world.rails(), clock=world.clock, worker="search", ids=world.next_id,
        writer=InlineWriter(world.store),
    )  # fmt: skip
    with world.store.transaction() as connection:
        assert 0 == unsearched(connection)
        assert sum(done.not_asked.values()) == held_back(connection)
        let_go(connection)
    return done


async def a_night_with_a_backup(world: Any, path: Path, rng: random.Random) -> None:
    """A night in which something goes wrong, and a backup is taken at some write of it."""
    world.bank.deduplicates = False  # what leaves twice is paid twice
    world.fail(rng.randrange(1, 20), rng.choice(FAULTS))
    back_up_at(world, rng.randrange(1, 40), path)
    await world.nights(2)
    if not await asyncio.to_thread(path.exists):
        back_up_at(world, world.writes.count + 1, path)
        world.prepare()


@pytest.mark.parametrize("seed", range(24))
async def test_nothing_is_paid_twice_and_nothing_lost_after_a_restore(
    worlds: WORLDS, tmp_path: Path, seed: int
) -> None:
    """Wherever the backup was taken, and whatever went wrong before and since."""
    rng = random.Random(seed)
    world, path = worlds(6), tmp_path / "backup.db"
    await a_night_with_a_backup(world, path, rng)
    again = put_back(world, path)
    await searched(again)
    await again.nights(3)
    assert [] == [x for x in again.violations() if "twice" in x]
    assert [] == again.lost()
    again.store.close()


async def test_without_the_search_the_same_worlds_pay_twice(worlds: WORLDS, tmp_path: Path) -> None:
    """The search is what keeps the promise: without it one of these seeds breaks it."""
    twice = 0
    for seed in range(8):
        path = tmp_path / f"backup-{seed}.db"
        world = worlds(6)
        await a_night_with_a_backup(world, path, random.Random(seed))
        again = put_back(world, path)
        await again.nights(3)
        twice += sum("twice" in x for x in again.violations())
        again.store.close()
    assert twice


async def put_back_otherwise(
    worlds: WORLDS, tmp_path: Path, changes: dict[str, Any], *, of: str
) -> tuple[Any, int]:
    """A store that forgot a night, and would pay what one rail carried as another payment."""
    world, path = worlds(6), tmp_path / "backup.db"
    world.bank.deduplicates = False
    world.prepare()
    back_up_at(world, world.writes.count + 1, path)
    await world.nights(2)
    again = put_back(world, path)
    with again.store.transaction() as connection:
        rows = connection.execute(sa.select(payments).where(payments.c.rail == of)).mappings().all()
        for row in rows:
            named = identity(row["tenant"], row["obligation_id"], attempt=changes.get("attempt", 1))
            other = asdict(named) | changes
            signed = fingerprint_of({**row, **other})
            other |= {"fingerprint": signed, "approved_fingerprint": signed}
            mine = payments.c.payment_id == row["payment_id"]
            connection.execute(payments.update().where(mine).values(**other))
            approved = (
                payment_events.c.payment_id == row["payment_id"],
                payment_events.c.kind == EventKind.APPROVED.value,
            )
            connection.execute(payment_events.update().where(*approved).values(code=signed))
    return again, len(rows)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"attempt": 0}, "elsewhere"),
        ({"attempt": -1}, "elsewhere"),
        ({"attempt": 1 - ATTEMPTS_AHEAD}, "elsewhere"),
        ({"rail": BATCHED}, "elsewhere"),
        ({"amount_minor": 1}, "found"),
    ],
)
async def test_what_left_as_another_payment_is_found_and_not_paid_beside_it(
    worlds: WORLDS, tmp_path: Path, changes: dict[str, Any], answer: str
) -> None:
    """Another attempt, over another rail, or of another amount than the store has by now."""
    again, rows = await put_back_otherwise(worlds, tmp_path, changes, of=SINGLE)
    done = await search(
        again.store, again.rails(), clock=again.clock, worker="search", ids=again.next_id,
        writer=InlineWriter(again.store),
    )  # fmt: skip
    assert 0 < rows == getattr(done, answer)
    await again.nights(2)  # nobody has looked by hand: what could not be asked about stays held
    assert [] == [x for x in again.violations() if "twice" in x]
    again.store.close()


class Wide(Lark):
    """A single rail that answers for the other's currency, too."""

    def find(self, payment: Payment) -> Conversation[Finding]:
        """It knows nothing of what went by the other."""
        if payment.currency != "SEK":
            return (yield from super().find(payment))
        yield reads(Request(method="GET", path="/quote"))
        return [self._evidence(None, payment)]


@pytest.mark.parametrize("by", ["search", "statement"])
async def test_what_left_in_a_batch_is_not_paid_by_another_rail(
    worlds: WORLDS, tmp_path: Path, by: str
) -> None:
    """The batch rail cannot be asked, so a person must look; its statement names it by itself."""
    changes = {"rail": SINGLE, "account": "our-SEK"}
    again, rows = await put_back_otherwise(worlds, tmp_path, changes, of=BATCHED)
    again.adapters = (Wide, Heron)
    if by == "search":
        done = await search(
            again.store, again.rails(), clock=again.clock, worker="search", ids=again.next_id,
            writer=InlineWriter(again.store),
        )  # fmt: skip
        assert 0 < rows == sum(done.not_asked.values())
    else:
        executed = Counter(each.currency for each in again.bank.executed)["SEK"]
        said = [x.why for x in statements(again).contradictions if "of heron" in x.why]
        assert 0 < executed == len(said)
        with again.store.reading() as connection:
            held = sa.select(payments.c.rail).where(payments.c.hold_reason == PAID_ELSEWHERE)
            assert [SINGLE] * executed == list(connection.scalars(held))
    again.now += LATER
    await again.pay()
    assert [] == [x for x in again.violations() if "twice" in x]
    again.store.close()
