"""One world being played: workers pay, rails answer, time passes, things go wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy.engine import Engine

from settle.adapters import Beneficiary
from settle.hub.epoch import Epoch
from settle.ledger import Head
from settle.ledger.leaves import Salts
from settle.payments import Due
from settle.simulation.trial.banking import OpenRail, opened
from settle.simulation.trial.days import (
    DAY,
    FIRST_MORNING,
    LATE_POST,
    MORNING,
    POST,
    QUIET_FROM_S,
    SECOND_HOURS,
    SESSION_HOURS,
    START,
)
from settle.simulation.trial.faults import OF_EXCHANGES, OF_STATEMENTS, OF_WRITES, FaultKind
from settle.simulation.trial.network import Network
from settle.simulation.trial.people import ask_at_once, people, stop_midway
from settle.simulation.trial.process import Killed, Life, Told, Writes
from settle.simulation.trial.restoring import back_up
from settle.simulation.trial.scenario import HOUR_S, Order, RailPlan, Scenario
from settle.simulation.trial.story import Story
from settle.simulation.trial.witness import Witness
from settle.simulation.trial.worker import Worker
from settle.store import Store

RESTARTS_MAX = 3
Seen = tuple[str, str]
"""The name of what must hold, and why it does not."""


@dataclass(slots=True, kw_only=True)
class World:
    """One scenario under way. `broken`: errors that no fault excuses.

    `inspect` looks at the world after each session; what it finds is `seen`. `heads`: of the
    blocks sealed so far, as an auditor has them. `is_restored`: a backup was put back, and what it
    has forgotten was not searched yet. `freed`: people have freed an obligation for a payment.
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
    inspect: Callable[[World], Iterable[Seen]] = lambda _: ()
    seen: list[Seen] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))
    story: Story = field(init=False)
    witness: Witness = field(init=False)
    salts: Salts = field(init=False)
    store: Store = field(init=False)
    random: Random = field(init=False)
    lives: list[Life] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    restored_at: datetime | None = None
    is_restored: bool = False
    freed: bool = False
    mornings: frozenset[float] = frozenset({MORNING})
    posts: frozenset[float] = POST

    def __post_init__(self) -> None:
        self.story = Story(self.now)
        self.store = Store(self.engine)
        self.witness = Witness(self)
        self.salts = Random(f"{self.scenario.seed}/salts").randbytes  # noqa: S311  # it must replay
        self.random = Random(f"{self.scenario.seed}/world")  # noqa: S311  # it must replay
        if self.random.random() < 0.4 or any(map(self.scenario.of, OF_STATEMENTS)):
            self.mornings |= {FIRST_MORNING}
        if self.random.random() < 0.5:
            self.posts = LATE_POST
        late = frozenset(self.late)
        self.injected[FaultKind.LATE_RETURN] = len(late)
        self.rails = [
            opened(plan, clock=self.now, day=DAY, folder=self.folder, late=late)
            for plan in self.scenario.rails
        ]
        self.networks = {rail.plan.name: self._network(rail) for rail in self.rails}
        self.writes.fate = self._fate
        skewed = len(self.scenario.of(FaultKind.CLOCK_SKEW))
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

    @property
    def keeps_epoch(self) -> bool:
        """Whether a backup may be put back here."""
        return bool(self.scenario.of(FaultKind.RESTORE))

    @property
    def late(self) -> list[str]:
        """The names of those whose money comes back late."""
        orders = {order.number: order for order in self.scenario.orders}
        numbers = (fault.nth for fault in self.scenario.of(FaultKind.LATE_RETURN))
        return [orders[number].name for number in numbers if number in orders]

    def plan_of(self, rail: str) -> RailPlan:
        """What was drawn of a rail."""
        return next(plan for plan in self.scenario.rails if plan.name == rail)

    def dues(self) -> list[Due]:
        """The obligations of the scenario."""
        return [due(order) for order in self.scenario.orders]

    async def play(self) -> None:
        """Let the workers work their sessions, and the last late request arrive."""
        workers = range(1, self.scenario.workers + 1)
        if self.keeps_epoch:
            Epoch(self.store, self.folder).count()
        await asyncio.gather(*(self._worker(nth) for nth in workers), people(self))
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

    def process(self, nth: int) -> Worker:
        """A new process of a worker: under its old name, or under one that nobody had."""
        fresh = self.random.random() < 0.5
        name = f"w{nth}.{next(self.ids)}" if fresh else f"w{nth}"
        skews = self.scenario.of(FaultKind.CLOCK_SKEW)
        skew = next((fault for fault in skews if fault.nth == nth), None)
        life = Life(name, skew_s=skew.seconds if skew else 0.0, stored=self._stored)
        self.lives.append(life)
        return Worker(world=self, nth=nth, life=life)

    def _stored(self, work: str) -> None:
        if work == "end":
            ask_at_once(self)
        if work == "resend":
            stop_midway(self)

    def _network(self, rail: OpenRail) -> Network:
        name = rail.plan.name
        return Network(
            rail=name,
            door=rail.door,
            faults=[
                fault
                for fault in self.scenario.faults
                if fault.rail == name and fault.kind in OF_EXCHANGES
            ],
            random=Random(f"{self.scenario.seed}/{name}"),  # noqa: S311  # it must replay
            tell=self.story.tell,
            watch=self.witness.sees,
            quiet=self.quiet,
            repeats=rail.adapter.profile.key.deduplicates,
        )

    def _fate(self, number: int) -> tuple[bool, bool]:
        if any(fault.nth == number for fault in self.scenario.of(FaultKind.RESTORE)):
            back_up(self)
        kills = (f for f in self.scenario.faults if f.kind in OF_WRITES and f.meets(number))
        fault = next(kills, None)
        if fault is None or self.quiet():
            return False, False
        self.injected[fault.kind] += 1
        self.story.tell("", f"!! {fault}")
        return fault.kind is FaultKind.KILL_BEFORE_WRITE, True


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
