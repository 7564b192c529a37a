"""Two rails in memory behind the real sender, on a loop of pytest's, one fault at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from settle.adapters import Beneficiary
from settle.ledger import balances, in_transit_against_payments, trial_balance
from settle.payments import (
    Due,
    InlineWriter,
    Looked,
    Paid,
    Policy,
    Rail,
    approve,
    fund,
    look_up,
    open_totals,
    overview,
    pay,
    plan,
)
from settle.simulation.trial.bank import Bank
from settle.simulation.trial.doors import MemoryDoor
from settle.simulation.trial.faults import Fault, FaultKind
from settle.simulation.trial.network import Network, SimulatedSender, SimulatedWire
from settle.simulation.trial.play import empty_store, unsynced
from settle.simulation.trial.process import Killed, Life, MortalStore, Writes
from settle.simulation.trial.rails import BATCHED, SINGLE, Heron, Lark, SimulatedSettings
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)
PAYEE = Beneficiary(name="P", country="US", town="T", account="12345678", bank_code="021000021")


def dues(count: int = 4, *, rejected: bool = True) -> list[Due]:
    """Some obligations, most on the rail with single calls; the last of each rail is refused."""
    made = []
    for number in range(count):
        last = rejected and number >= count - 2
        made.append(
            Due(
                obligation_id=f"O-{number}",
                agreement_id=f"A-{number}",
                currency="SGD" if number % 2 == 0 else "SEK",
                amount_minor=1000 + number,
                value_date=DAY + timedelta(days=1),
                beneficiary=replace(
                    PAYEE, name=f"payee {number}{' SANDBOX REJECT AC04' if last else ''}"
                ),
            )
        )
    return made


@dataclass(slots=True)
class World:
    """One store, two rails, one bank. `night` is what a nightly run does about payments."""

    store: Store
    bank: Bank
    network: Network
    dues: Sequence[Due]
    life: Life
    writes: Writes
    now: datetime = NOW
    adapters: Sequence[type[Lark]] = (Lark, Heron)
    wire: type[SimulatedWire] = SimulatedWire
    ids: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))
    deaths: int = 0

    def clock(self) -> datetime:
        return self.now

    def next_id(self) -> str:
        return f"id-{next(self.ids):06d}"

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fail(self, nth: int, kind: str, *, span: int = 1) -> None:
        """Let the exchange of this number, and some after it, meet a fault."""
        self.network.faults = [Fault(kind=FaultKind(kind), nth=nth, span=span)]

    def kill(self, nth: int, *, after: bool) -> None:
        """Let the process die at this write."""
        self.writes.fate = lambda number: (number == nth and not after, number == nth)

    def rails(self) -> dict[str, Rail]:
        self.life.alive = True  # whoever asks is a new process
        return {kind.rail: self._rail(kind, currency) for kind, currency in self._kinds()}

    def _kinds(self) -> Iterator[tuple[type[Lark], str]]:
        return zip(self.adapters, ("SGD", "SEK"), strict=True)

    def _rail(self, kind: type[Lark], currency: str) -> Rail:
        accounts = {currency: f"our-{currency}"}
        adapter = kind(SimulatedSettings(base_url="http://memory", accounts=accounts))
        sender = SimulatedSender(
            adapter.endpoint, network=self.network, life=self.life, monotonic=lambda: 0.0,
            sleep=self.sleep,
        )  # fmt: skip
        return Rail(adapter, sender)

    def prepare(self) -> None:
        rails = {name: rail.adapter for name, rail in self.rails().items()}
        plan(self.store, self.dues, rails=rails, tenant="t", now=self.now, ids=self.next_id)
        approve(self.store, Policy(limit_minor={"SGD": 10**9, "SEK": 10**9}), now=self.now)
        funds = {(SINGLE, "our-SGD", "SGD"): 10**9, (BATCHED, "our-SEK", "SEK"): 10**9}
        fund(self.store, balances=funds, now=self.now)

    async def pay(self, worker: str = "night") -> Paid:
        return await pay(
            self.store,
            self.rails(),
            clock=self.clock,
            worker=worker,
            day=DAY,
            writer=InlineWriter(self.store),
            sleep=self.sleep,
        )

    async def look(self, worker: str = "night", **pauses: Any) -> Looked:
        return await look_up(
            self.store,
            self.rails(),
            clock=self.clock,
            worker=worker,
            ids=self.next_id,
            writer=InlineWriter(self.store),
            **pauses,
        )

    async def nights(self, count: int) -> None:
        """Nights one after another, each going on where the one before may have died."""
        for _ in range(count):
            try:
                await self.night()
                if set(self.states()) <= {"accepted", "rejected"}:
                    return
            except Killed:
                self.deaths += 1
            self.life.alive = True
            self.writes.fate = Writes().fate

    async def night(self) -> None:
        await self.look()
        self.prepare()
        await self.pay()
        for _ in range(2):
            await self.look()
        await self.pay()

    def states(self) -> dict[str, int]:
        self.life.alive = True
        with self.store.reading() as connection:
            found: Counter[str] = Counter()
            for tally in overview(connection):
                found[tally.state.value] += tally.count
        return dict(found)

    def executed(self) -> Counter[str]:
        """How often the bank paid whom."""
        names = {taken.order["reference"]: taken.order["name"] for taken in self._taken()}
        return Counter(names[each.reference] for each in self.bank.executed)

    def _taken(self) -> Iterator[Any]:
        yield from self.bank.orders.values()

    def violations(self) -> list[str]:
        """What must never be, in words. Empty: all is well."""
        twice = [name for name, count in self.executed().items() if count > 1]
        with self.store.reading() as connection:
            ledger = balances(connection)
            proofs = [
                *trial_balance(ledger),
                *in_transit_against_payments(ledger, open_totals(connection)),
            ]
        broken = [
            f"{p.name} {p.currency}: {p.ledger_minor} {p.other_minor}"
            for p in proofs
            if not p.holds
        ]
        return [f"executed twice: {name}" for name in twice] + broken

    def lost(self) -> list[str]:
        """Obligations that should have been executed and were not."""
        owed = {d.beneficiary.name for d in self.dues if "REJECT" not in d.beneficiary.name}
        return sorted(owed - set(self.executed()))


@pytest.fixture
def killed() -> type[BaseException]:
    """What ends a process in these worlds."""
    return Killed


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes fresh worlds on SQLite, each with a store of its own."""
    made: list[World] = []

    def make(count: int = 4, *, rejected: bool = True) -> World:
        path = tmp_path / f"world-{len(made)}.db"
        path.write_bytes(empty_store())
        life, writes, bank = Life("night"), Writes(), Bank()
        world = World(
            store=MortalStore(unsynced(f"sqlite:///{path}"), life, writes),
            bank=bank,
            network=Network(rail="memory", door=MemoryDoor(bank), latency_s=0.0),
            dues=dues(count, rejected=rejected),
            life=life,
            writes=writes,
        )
        world.network.sleep = world.sleep
        made.append(world)
        return world

    yield make
    for world in made:
        world.store.close()
