"""One world being played: workers pay, rails answer, time passes, things go wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy.engine import Engine

from settle.adapters import Beneficiary, Sender
from settle.payments import (
    Due,
    LookPolicy,
    Policy,
    Rail,
    State,
    approve,
    fund,
    look_up,
    overview,
    pay,
    plan,
)
from settle.simulation.trial.banking import OpenRail, opened
from settle.simulation.trial.faults import Fault, FaultKind
from settle.simulation.trial.network import Network, SimulatedSender
from settle.simulation.trial.process import Killed, Life, MortalStore, Told, WatchedWriter, Writes
from settle.simulation.trial.scenario import HOUR_S, Order, Scenario
from settle.simulation.trial.story import Story
from settle.simulation.trial.witness import Witness
from settle.store import Store

START = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = START.date()
TENANT = "simulated"
SESSION_HOURS = (0.0, 0.75, 2.0, 5.0, 26.0, 40.0, 64.0)
SECOND_HOURS = (0.0, 0.45, 0.75, 2.0, 26.0)
"""When the first worker works, and when any other does."""

PLANNING = frozenset({0.0, 0.75, 26.0})
POLLING = frozenset({5.0, 40.0})
"""The sessions that plan what is due, once more each time, and that ask about what is accepted."""

QUIET_FROM_S = 30 * HOUR_S
"""From here on nothing goes wrong: what is open must find its end, or be shown as open."""

OPEN = frozenset({State.APPROVED, State.SENDING, State.UNKNOWN, State.ACCEPTED})
"""States that a session can do something about."""

RESTARTS_MAX = 3
LIMIT_MINOR = 10**12


@dataclass(slots=True, kw_only=True)
class World:
    """One scenario under way. `broken`: errors that no fault excuses.

    `inspect` looks at the world after each session; what it finds is `seen`.
    """

    scenario: Scenario
    engine: Engine
    folder: Path
    loop: asyncio.AbstractEventLoop
    rails: Sequence[OpenRail] = ()
    networks: dict[str, Network] = field(default_factory=dict)
    writes: Writes = field(default_factory=Writes)
    injected: Counter[FaultKind] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    inspect: Callable[[World], Iterable[str]] = lambda _: ()
    seen: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))
    story: Story = field(init=False)
    witness: Witness = field(init=False)
    random: Random = field(init=False)
    mornings: frozenset[float] = frozenset({64.0})

    def __post_init__(self) -> None:
        self.story = Story(self.now)
        self.witness = Witness(Store(self.engine))
        self.random = Random(f"{self.scenario.seed}/world")  # noqa: S311  # it must replay
        if self.random.random() < 0.4:
            self.mornings |= {26.0}
        self.rails = [
            opened(plan, clock=self.now, day=DAY, folder=self.folder)
            for plan in self.scenario.rails
        ]
        self.networks = {rail.plan.name: self._network(rail) for rail in self.rails}
        self.writes.fate = self._fate
        skewed = len(met(self.scenario.faults, FaultKind.CLOCK_SKEW))
        self.injected.update({FaultKind.CLOCK_SKEW: skewed})

    def now(self) -> datetime:
        """The world's true time."""
        return START + timedelta(seconds=self.loop.time())

    def quiet(self) -> bool:
        """Whether nothing goes wrong any more."""
        return self.loop.time() >= QUIET_FROM_S

    def next_id(self) -> str:
        """Row ids that sort by the order of their making."""
        return f"{next(self.ids):08d}"

    def dues(self) -> list[Due]:
        """The obligations of the scenario."""
        return [due(order) for order in self.scenario.orders]

    async def play(self) -> None:
        """Let the workers work their sessions, and the last late request arrive."""
        workers = range(1, self.scenario.workers + 1)
        await asyncio.gather(*(self._worker(nth) for nth in workers))
        for network in self.networks.values():
            await asyncio.gather(*network.under_way)
            self.injected.update(network.injected)

    async def _worker(self, nth: int) -> None:
        for hour in SESSION_HOURS if nth == 1 else SECOND_HOURS:
            at = hour * HOUR_S + self.random.random() * 20
            await asyncio.sleep(max(0.0, at - self.loop.time()))
            await self._session(nth, hour)

    async def _session(self, nth: int, hour: float) -> None:
        for _ in range(RESTARTS_MAX + 1):
            process = self.process(nth)
            try:
                await process.work(hour)
            except Killed:
                self.story.tell(process.life.name, "is dead")
                await asyncio.sleep(self.random.uniform(20, 900))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                self.broken.append(f"{process.life.name}: {type(error).__name__}: {error}")
                self.story.tell(process.life.name, f"broke: {type(error).__name__}: {error}")
                process.life.end()
                return
            else:
                self.seen.extend(self.inspect(self))
                return

    def process(self, nth: int) -> Process:
        """A new process of a worker: under its old name, or under one that nobody had."""
        fresh = self.random.random() < 0.5
        name = f"w{nth}.{next(self.ids)}" if fresh else f"w{nth}"
        skews = met(self.scenario.faults, FaultKind.CLOCK_SKEW)
        skew = next((fault for fault in skews if fault.nth == nth), None)
        return Process(world=self, nth=nth, life=Life(name, skew_s=skew.seconds if skew else 0.0))

    def _network(self, rail: OpenRail) -> Network:
        name = rail.plan.name
        return Network(
            rail=name,
            door=rail.door,
            faults=[fault for fault in self.scenario.faults if fault.rail == name],
            random=Random(f"{self.scenario.seed}/{name}"),  # noqa: S311  # it must replay
            tell=self.story.tell,
            watch=self.witness.sees,
            quiet=self.quiet,
            repeats=rail.adapter.profile.key.deduplicates,
        )

    def _fate(self, number: int) -> tuple[bool, bool]:
        met = [f for f in self.scenario.faults if f.kind in _OF_WRITES and f.meets(number)]
        if not met or self.quiet():
            return False, False
        self.injected[met[0].kind] += 1
        self.story.tell("", f"!! {met[0]}")
        return met[0].kind is FaultKind.KILL_BEFORE_WRITE, True


_OF_WRITES = (FaultKind.KILL_BEFORE_WRITE, FaultKind.KILL_AFTER_WRITE)


@dataclass(slots=True, kw_only=True)
class Process:
    """One process of a worker, from its start to its end or its death."""

    world: World
    nth: int
    life: Life
    store: MortalStore = field(init=False)
    told: Told = field(init=False)

    def __post_init__(self) -> None:
        self.store = MortalStore(self.world.engine, self.life, self.world.writes)
        self.told = Told(self.life)
        self.world.told.append(self.told)

    def clock(self) -> datetime:
        """The time as this process has it."""
        return self.world.now() + timedelta(seconds=self.life.skew_s)

    def senders(self) -> dict[str, Sender]:
        """A sender for each rail, through this world's networks."""
        return {
            rail.plan.name: SimulatedSender(
                rail.adapter.endpoint,
                network=self.world.networks[rail.plan.name],
                life=self.life,
                monotonic=self.world.loop.time,
            )
            for rail in self.world.rails
        }

    async def work(self, hour: float) -> None:
        """One session: plan, find out, pay, find out; at some hours the post and the morning."""
        from settle.simulation.trial.morning import POST, hear, reconcile

        self.world.story.tell(self.life.name, f"session of hour {hour:g}")
        senders = self.senders()
        rails = {r.plan.name: Rail(r.adapter, senders[r.plan.name]) for r in self.world.rails}
        if hour in PLANNING:
            self._prepare()
        if self._is_open():
            await self._look(rails, polls=hour in POLLING)
            if await self._pay(rails):
                await self._look(rails, polls=False)
        if self.nth == 1 and hour in POST:
            hear(self)
        if self.nth == 1 and hour in self.world.mornings:
            await reconcile(self, senders)

    def _prepare(self) -> None:
        adapters = {rail.plan.name: rail.adapter for rail in self.world.rails}
        now, dues = self.clock(), self.world.dues()
        plan(self.store, dues, rails=adapters, tenant=TENANT, now=now, ids=self.world.next_id)
        approve(self.store, Policy(limit_minor=dict.fromkeys(_currencies(self), LIMIT_MINOR)), now=now)
        accounts = [ref for adapter in adapters.values() for ref in adapter.accounts()]
        balances = {(ref.rail, ref.account, ref.currency): LIMIT_MINOR for ref in accounts}
        fund(self.store, balances=balances, now=now)

    def _is_open(self) -> bool:
        with self.store.reading() as connection:
            return any(tally.state in OPEN for tally in overview(connection))

    async def _pay(self, rails: dict[str, Rail]) -> bool:
        """Pay, and say whether it is worth asking the rails again at once."""
        paid = await pay(
            self.store, rails, clock=self.clock, worker=self.life.name, day=DAY,
            progress=self.told, writer=WatchedWriter(self.store, self.life),
        )  # fmt: skip
        self.world.story.tell(
            self.life.name,
            f"paid: {paid.accepted} accepted, {paid.rejected} rejected, {paid.unknown} unknown",
        )
        return bool(paid.unknown or paid.not_moved or paid.lost)

    async def _look(self, rails: dict[str, Rail], *, polls: bool) -> None:
        looked = await look_up(
            self.store, rails, clock=self.clock, worker=self.life.name, ids=self.world.next_id,
            progress=self.told, policy=LookPolicy(polls_accepted=polls),
            writer=WatchedWriter(self.store, self.life),
        )  # fmt: skip
        self.world.story.tell(
            self.life.name,
            f"looked: {looked.asked} asked, {looked.resent} sent again, "
            f"{looked.still_unknown} unknown",
        )


def due(order: Order) -> Due:
    """The obligation of an order, to a beneficiary that nobody else has."""
    return Due(
        obligation_id=order.obligation_id,
        agreement_id=f"A-{order.number}",
        currency=order.currency,
        amount_minor=order.amount_minor,
        value_date=DAY + timedelta(days=1),
        beneficiary=replace(PAYEE, name=order.name, account=str(12340000 + order.number)),
        rail=order.rail,
    )


PAYEE = Beneficiary(
    name="", country="US", town="Springfield", account="", bic="CHASUS33", bank_code="021000021"
)


def _currencies(process: Process) -> Sequence[str]:
    return sorted({code for rail in process.world.rails for code in rail.plan.currencies})


def met(faults: Sequence[Fault], kind: FaultKind) -> list[Fault]:
    """The faults of one kind."""
    return [fault for fault in faults if fault.kind is kind]


def last_day(now: datetime) -> date:
    """The last day that is over."""
    return now.date() - timedelta(days=1)


__all__ = ["DAY", "START", "TENANT", "Process", "World", "due", "last_day", "met"]
