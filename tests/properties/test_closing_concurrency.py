"""Whatever is taken while whatever closes, each accepted record is in exactly one window."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from settle.clearing import (
    Agreements,
    Closing,
    Cutoff,
    Intake,
    Rates,
    Unwound,
    close,
    sifting,
    tables,
    take,
    unwind,
)
from settle.clearing import closing as closing_module
from settle.clearing.lake import Lake, outcome_name
from settle.clearing.settled import settled_records
from settle.clearing.turn import TRIES_MAX
from settle.clearing.unsettled import Unsettled
from settle.engine import Engine, Scratch
from settle.errors import BadInput, SettleError
from settle.store import Store

DAY = timedelta(days=1)
FIRST = date(2024, 12, 18)
TERMS = {
    "fee_ppm": 10_000, "fee_fixed_minor": 0, "tax_ppm": 0, "fee_back_on_refund": False,
    "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0, "fx_markup_ppm": 0,
    "rounding": "half_even", "hub_role": "principal", "valid_from": date(2024, 1, 1),
    "beneficiary_name": "n", "beneficiary_country": "DE", "beneficiary_town": "Ulm",
    "beneficiary_account": "DE00", "beneficiary_bic": None, "beneficiary_bank_code": None,
    "settlement_currency": "EUR",
}  # fmt: skip
CYCLES = {"M1": "T+1", "M2": "T+1", "M3": "T+2", "M4": "W+2"}
ROLES = {"M2": "agent", "M3": "agent"}


def agreements(names: Sequence[str] = tuple(CYCLES)) -> Agreements:
    merchants = [
        {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, "role": "merchant",
         "cycle": CYCLES[name], "hub_role": ROLES.get(name, "principal")}
        for name in names
    ]  # fmt: skip
    partners = [
        {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, "role": "partner",
         "cycle": "T+1"}
        for name in ("P1", "P2")
    ]  # fmt: skip
    return Agreements.of(pa.Table.from_pylist([*merchants, *partners]))


@dataclass
class World:
    """One store and lake, and the records that were ever offered to them."""

    url: str
    lake: Path
    merchants: Sequence[str] = tuple(CYCLES)
    offered: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store.open(self.url)
        self.engine = Engine(threads=1)
        self.agreements = agreements(self.merchants)

    def end(self) -> None:
        self.store.close()
        self.engine.close()

    def record(self, name: str, merchant: str, day: date, **more: Any) -> dict[str, Any]:
        made = {
            "record_id": name, "participant_id": merchant, "agreement_id": f"A-{merchant}",
            "counterparty_id": "P1", "kind": "sale", "amount_minor": 1_000, "currency": "EUR",
            "occurred_at": Cutoff().ends_at(day) - timedelta(hours=5), **more,
        }  # fmt: skip
        self.offered.setdefault(name, made)
        return made

    def take(self, records: Sequence[dict[str, Any]], *, at: datetime, **more: Any) -> Intake:
        where = {"store": self.store, "engine": self.engine, "lake": self.lake, **more}
        return take(
            pa.Table.from_pylist(list(records)), name="batch", received_at=at,
            agreements=self.agreements, **where,
        )  # fmt: skip

    def close(self, day: date, **more: Any) -> Closing:
        where = {"store": self.store, "engine": self.engine, "lake": self.lake, **more}
        return close(
            day, as_of=Cutoff().ends_at(day) + timedelta(hours=1), agreements=self.agreements,
            rates=Rates({}), cutoff=Cutoff(), **where,
        )  # fmt: skip

    def unwind(self, day: date, *failed: str) -> Unwound:
        return unwind(
            day, failed=failed, actor="ada", reason="r", at=Cutoff().ends_at(day) + 2 * DAY,
            store=self.store, engine=self.engine, lake=self.lake, rates=Rates({}), cutoff=Cutoff(),
        )  # fmt: skip

    def settled(self) -> dict[str, list[tuple[str, str]]]:
        """By record: the windows that it is in according to the lake, each with the reason."""
        found: dict[str, list[tuple[str, str]]] = {}
        with self.store.reading() as connection:
            query = sa.select(tables.windows.c.window_id, tables.windows.c.outcome)
            closed = connection.execute(query).all()
        for window_id, outcome in closed:
            for name in self.merchants:
                rows = settled_records(
                    Lake(self.lake), outcome_name(window_id, outcome), engine=self.engine,
                    agreement_id=f"A-{name}",
                )  # fmt: skip
                for row in rows.to_pylist():
                    found.setdefault(row["record_id"], []).append((window_id, row["reason"]))
        return found

    def counted(self) -> tuple[int, int]:
        """How many records the manifests and the windows say are settled."""
        with self.store.reading() as connection:
            return tuple(
                connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(table.c.records), 0)))
                for table in (tables.manifests, tables.windows)
            )  # type: ignore[return-value]


def every_record_is_in_one_window(world: World) -> None:
    """The property: each accepted record in exactly one manifest, and the counts say so."""
    found = world.settled()
    assert {} == {name: where for name, where in found.items() if len(where) > 1}, "settled twice"
    assert sorted(world.offered) == sorted(found), "lost"
    assert (len(found), len(found)) == world.counted()


@pytest.fixture
def world(store_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(store_url, tmp_path / "lake")
    yield made
    made.end()


def test_takers_and_closers_at_once_lose_nothing_and_settle_nothing_twice(
    world: World,
) -> None:
    """Takers and closers of the same and of different windows race, as threads of one process."""
    chance = Random(20241218)
    days = [FIRST + DAY * n for n in range(4)]

    def taker(number: int) -> None:
        for n in range(3):
            records = [
                world.record(f"{number}-{n}-{m}", f"M{m % 4 + 1}", days[(n + m) % 3])
                for m in range(12)
            ]
            world.take(records, at=Cutoff().ends_at(days[-1]))
            time.sleep(chance.random() * 0.05)

    def closer(number: int) -> None:
        for day in days:
            time.sleep(chance.random() * 0.1 * number)
            with suppress(BadInput):  # the other closed a later one first
                world.close(day)

    with ThreadPoolExecutor(6) as pool:
        racing = [pool.submit(taker, n) for n in range(3)]
        racing += [pool.submit(closer, n) for n in (1, 2)]
    for one in racing:
        one.result()
    world.close(date(2024, 12, 31))
    every_record_is_in_one_window(world)


def once_closed(world: World, day: date, failed: str) -> Unwound | None:
    """Unwind a window as soon as it is closed; None: another one is on top of it by then."""
    for _ in range(200):
        try:
            return world.unwind(day, failed)
        except BadInput as error:
            if "is not closed" not in str(error):
                return None
            time.sleep(0.05)
    return None


def test_takers_closers_and_unwinders_at_once_lose_nothing(world: World) -> None:
    """Windows are unwound for agents while others are closed on top, and records go on coming."""
    chance = Random(20241219)
    days = [FIRST + DAY * n for n in range(3)]
    unwound: list[Unwound] = []

    def taker(number: int) -> None:
        for n in range(3):
            names = [f"{number}-{n}-{m}" for m in range(8)]
            records = [
                world.record(name, f"M{m % 4 + 1}", days[n], counterparty_id=f"P{m % 2 + 1}")
                for m, name in enumerate(names)
            ]
            world.take(records, at=Cutoff().ends_at(days[-1]))

    def closer() -> None:
        for day in days:
            world.close(day)
            time.sleep(chance.random() * 2)

    def unwinder(failed: str) -> None:
        unwound.extend(found for day in days if (found := once_closed(world, day, failed)))

    with ThreadPoolExecutor(5) as pool:
        racing = [pool.submit(taker, n) for n in range(2)] + [pool.submit(closer)]
        racing += [pool.submit(unwinder, name) for name in ("P2", "M2")]
    for one in racing:
        one.result()
    assert unwound
    world.close(date(2024, 12, 31))
    every_record_is_in_one_window(world)


RACE = """
import runpy, sys
test = runpy.run_path(sys.argv[1])
test[sys.argv[2]](*sys.argv[3:])
"""


def take_many(url: str, lake: str, number: str) -> None:
    world = World(url, Path(lake))
    for n in range(3):
        names = [f"{number}-{n}-{m}" for m in range(8)]
        records = [world.record(name, "M1", FIRST + DAY * (n % 3)) for name in names]
        world.take(records, at=Cutoff().ends_at(FIRST + DAY * 3))


def close_many(url: str, lake: str) -> None:
    world = World(url, Path(lake))
    for n in range(3):
        with suppress(BadInput):
            world.close(FIRST + DAY * n)


def process(name: str, *arguments: object) -> subprocess.Popen[bytes]:
    told = [sys.executable, "-c", RACE, __file__, name, *map(str, arguments)]
    return subprocess.Popen(told)


def test_processes_that_take_and_close_at_once_lose_nothing(world: World) -> None:
    """The same between processes, which share only the store and the lake."""
    racing = [process("take_many", world.url, world.lake, n) for n in (1, 2)]
    racing += [process("close_many", world.url, world.lake) for _ in (1, 2)]
    assert [0] * 4 == [one.wait(120) for one in racing]
    for number in (1, 2):
        for n in range(3):
            for m in range(8):
                world.record(f"{number}-{n}-{m}", "M1", FIRST)
    world.close(date(2024, 12, 31))
    every_record_is_in_one_window(world)


class Interrupted(Engine):
    """An engine after each of whose computations something else happens."""

    def __init__(self, happens: Callable[[int], None]) -> None:
        super().__init__(threads=1)
        self.happens = happens
        self.computed = 0

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        with super().scratch() as scratch:
            yield scratch
        self.computed += 1
        self.happens(self.computed)


def test_a_batch_committed_right_after_a_close_looked_is_late_in_the_next_window(
    world: World,
) -> None:
    """The race that loses records elsewhere: created after the snapshot, before the commit."""
    at = Cutoff().ends_at(FIRST)
    world.take([world.record("early", "M1", FIRST)], at=at)

    def race(n: int) -> None:
        world.take([world.record(f"raced{n}", "M1", FIRST)], at=at)

    engine = Interrupted(race)
    assert (1, 0) == ((first := world.close(FIRST, engine=engine)).records, first.late)
    second = world.close(FIRST + DAY)
    assert (1, 1) == (second.records, second.late)
    assert world.settled()["raced1"] == [(str(FIRST + DAY), "late")]
    engine.close()
    every_record_is_in_one_window(world)


def killed_at_commit(url: str, lake: str) -> None:
    """Close, and die after the files are in place, before the database commits."""
    world = World(url, Path(lake))

    def die(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("settle_writes"):
            signal.raise_signal(signal.SIGKILL)

    sa.event.listen(world.store.engine, "commit", die)
    world.close(FIRST)


def test_a_close_killed_between_its_files_and_its_commit_is_done_again(world: World) -> None:
    """What it left in the lake counts for nothing: a record that came since is not lost."""
    at = Cutoff().ends_at(FIRST)
    world.take([world.record(name, "M1", FIRST) for name in ("a", "b")], at=at)
    world.take([world.record("next", "M3", FIRST)], at=at)
    assert process("killed_at_commit", world.url, world.lake).wait(60) == -signal.SIGKILL
    assert Lake(world.lake).settled(str(FIRST)).is_file()
    assert (0, 0) == world.counted()
    world.take([world.record("c", "M1", FIRST)], at=at)
    assert 3 == world.close(FIRST).records
    world.close(FIRST + DAY)
    every_record_is_in_one_window(world)


def test_a_take_among_constant_takes_is_not_put_off_for_ever(world: World) -> None:
    """After a few tries the others wait for it."""
    done = threading.Event()
    at = Cutoff().ends_at(FIRST)

    def others(number: int) -> None:
        for n in range(200):
            if done.is_set():
                return
            world.take([world.record(f"{number}-{n}", "M1", FIRST)], at=at)

    slow = Interrupted(lambda _: time.sleep(0.3))
    with ThreadPoolExecutor(2) as pool:
        constant = [pool.submit(others, n) for n in (1, 2)]
        try:
            world.take([world.record("patient", "M1", FIRST)], at=at, engine=slow)
        finally:
            done.set()
    for one in constant:
        one.result()
    assert slow.computed <= TRIES_MAX + 1
    slow.close()
    world.close(FIRST)
    every_record_is_in_one_window(world)


def test_who_fails_is_left_out_where_the_hub_is_an_agent_and_waits(world: World) -> None:
    """The rest settles without it; where the hub is principal nobody is paid less."""
    at = Cutoff().ends_at(FIRST)
    records = [
        world.record("principal", "M1", FIRST, counterparty_id="P2"),
        world.record("agent", "M2", FIRST),
        world.record("of the failed", "M2", FIRST, counterparty_id="P2"),
    ]
    world.take(records, at=at)
    with pytest.raises(BadInput, match="'M9' has no agreement"):
        world.close(FIRST, failed=["M9"])
    assert 2 == world.close(FIRST, failed=["P2"]).records
    assert {"principal", "agent"} == set(world.settled())
    with world.store.reading() as connection:
        (left,) = connection.execute(sa.select(tables.left_out)).mappings()
    told = ("counterparty_failed", "P2", 1)
    assert told == (left["reason"], left["participant_id"], left["records"])
    again = world.close(FIRST + DAY)
    assert (1, 1) == (again.records, again.late)
    every_record_is_in_one_window(world)


def test_an_empty_window_closes_with_zero(world: World) -> None:
    """Nothing came; that is known and stored."""
    closing = world.close(FIRST)
    assert (0, 0, 0) == (closing.records, closing.late, closing.positions)
    assert closing == world.close(FIRST)


@pytest.fixture
def half_open(store_url: str, tmp_path: Path) -> Iterator[World]:
    """A night with a late record, a batch of two days, and a batch that was never committed."""
    world = World(store_url, tmp_path / "lake")
    at = Cutoff().ends_at(FIRST + DAY)
    two_days = [world.record("on time", "M1", FIRST), world.record("early", "M1", FIRST + DAY)]
    world.take(two_days, at=at)
    yield world
    world.end()


def the_rest_of_the_night(world: World) -> None:
    """A close, records late for it, a taker killed before its commit, and closes after that."""
    at = Cutoff().ends_at(FIRST + DAY)
    world.close(FIRST)
    world.take([world.record("late", "M1", FIRST), world.record("slow", "M4", FIRST)], at=at)
    again = [world.record("half", "M1", FIRST + DAY)]
    killed = World(world.url, world.lake)

    def fall_over(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("settle_writes"):
            raise KeyboardInterrupt

    sa.event.listen(killed.store.engine, "commit", fall_over)
    with pytest.raises(KeyboardInterrupt):
        killed.take(again, at=at)
    killed.end()
    world.close(FIRST + DAY)
    world.take(again, at=at)
    world.close(date(2024, 12, 31))
    every_record_is_in_one_window(world)


def test_late_records_and_half_open_batches_are_settled_once(half_open: World) -> None:
    """The sound close passes the night that the broken ones below fail."""
    the_rest_of_the_night(half_open)
    found = half_open.settled()
    assert [(str(FIRST), "on_time")] == found["on time"]
    assert [(str(FIRST + DAY), "on_time")] == found["early"]
    assert [(str(FIRST + DAY), "late")] == found["late"]
    assert [("2024-12-31", "late")] == found["half"]


class ListsTheLake(Unsettled):
    """Broken: takes for a batch what lies in the lake, whether it was committed or not."""

    @classmethod
    def of(cls, connection: sa.Connection, lake: Lake) -> Unsettled:
        sound = Unsettled.of(connection, lake)
        seen = set(connection.scalars(sa.select(tables.manifests.c.batch_id)))
        files = {path.stem for path in (lake.root / "accepted").glob("*.parquet")} - seen
        return Unsettled(
            lake=lake, fresh=dict.fromkeys(sorted(files), 1), parts=sound.parts,
            withdrawn=sound.withdrawn,
        )  # fmt: skip


def forgets_late_records(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sifting.sifting_views()
    broken = sound["due"].replace("r.settles_in <= c.window_id", "r.settles_in = c.window_id")
    assert broken != sound["due"]
    monkeypatch.setattr(sifting, "sifting_views", lambda: {**sound, "due": broken})


def forgets_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sifting.sifting_views()
    broken = sound["left_over"].replace("r.settles_in > c.window_id", "false")
    assert broken != sound["left_over"]
    monkeypatch.setattr(sifting, "sifting_views", lambda: {**sound, "left_over": broken})


def takes_half_open_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing_module, "Unsettled", ListsTheLake)


@pytest.mark.parametrize(
    "broken", [forgets_late_records, forgets_what_waits, takes_half_open_batches]
)
def test_a_broken_close_is_caught(
    half_open: World, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The night above bites: each broken close fails it, or refuses to commit."""
    broken(monkeypatch)
    with pytest.raises((AssertionError, SettleError, sa.exc.IntegrityError)):
        the_rest_of_the_night(half_open)
