"""A worker's process: it plans, pays, finds out, and reads the post and the statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from settle.adapters import Sender
from settle.hub.auditing import SOURCES
from settle.ledger import seal
from settle.payments import (
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
    pursue,
)
from settle.simulation.trial.days import DAY, MORNING, PLANNING, POLLING, SEALING, TENANT
from settle.simulation.trial.faults import FaultKind
from settle.simulation.trial.morning import hear, reconcile
from settle.simulation.trial.network import SimulatedSender
from settle.simulation.trial.process import Life, MortalStore, Told, WatchedWriter
from settle.simulation.trial.restoring import epoch_of, searched

if TYPE_CHECKING:
    from settle.simulation.trial.world import World

OPEN = frozenset({State.APPROVED, State.SENDING, State.UNKNOWN, State.ACCEPTED})
"""States that a session can do something about."""

SEALED_MAX = 40
"""Rows in a block at most: few, so that a world has a chain of several."""

LIMIT_MINOR = 10**12
"""What policy approves without a person, and what each account may spend: more than all of it."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """One process, from its start to its end or its death. `nth`: of which worker."""

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
        self.world.story.tell(self.life.name, f"session of hour {hour:g}")
        senders = self.senders()
        rails = {r.plan.name: Rail(r.adapter, senders[r.plan.name]) for r in self.world.rails}
        if self.world.keeps_epoch and epoch_of(self).was_restored():
            if self.nth > 1 or not await searched(self, rails, senders):
                return
        elif hour in PLANNING or (hour == MORNING and self.world.freed):
            self.prepare()
        if self._is_open():
            await self._look(rails, polls=hour in POLLING)
            if await self._pay(rails):
                await self._look(rails, polls=False)
        if self.nth == 1 and self._is_asked_back():
            await pursue(
                self.store, rails, clock=self.clock, ids=self.world.next_id,
                writer=WatchedWriter(self.store, self.life),
            )  # fmt: skip
        if self.nth == 1 and hour in self.world.posts:
            hear(self)
        if self.nth == 1 and hour in self.world.mornings:
            await reconcile(self, senders)
        if self.nth == 1 and hour in SEALING:
            self._seal()

    def _seal(self) -> None:
        sealed = seal(
            self.store, SOURCES, now=self.clock(), salts=self.world.salts, entries_max=SEALED_MAX
        )
        if sealed.head is not None:
            self.world.heads.append(sealed.head)

    def prepare(self) -> None:
        """Plan what is due, approve it and let it go, as each night does anew."""
        adapters = {rail.plan.name: rail.adapter for rail in self.world.rails}
        now, dues = self.clock(), self.world.dues()
        plan(self.store, dues, rails=adapters, tenant=TENANT, now=now, ids=self.world.next_id)
        approve(
            self.store, Policy(limit_minor=dict.fromkeys(_currencies(self), LIMIT_MINOR)), now=now
        )
        accounts = [ref for adapter in adapters.values() for ref in adapter.accounts()]
        balances = {(ref.rail, ref.account, ref.currency): LIMIT_MINOR for ref in accounts}
        fund(self.store, balances=balances, now=now)

    def _is_open(self) -> bool:
        with self.store.reading() as connection:
            return any(tally.state in OPEN for tally in overview(connection))

    def _is_asked_back(self) -> bool:
        kinds = FaultKind.RECALL, FaultKind.MIDWAY
        return any(map(self.world.scenario.of, kinds))

    def cut_offs(self) -> dict[str, datetime]:
        """When each rail that has a cut-off closes today."""
        now = self.clock()
        closing = {rail.plan.name: rail.plan.closes(now) for rail in self.world.rails}
        return {name: at for name, at in closing.items() if at is not None}

    async def _pay(self, rails: dict[str, Rail]) -> bool:
        """Pay, and say whether it is worth asking the rails again at once."""
        if self.world.keeps_epoch:
            epoch_of(self).count()
        paid = await pay(
            self.store, rails, clock=self.clock, worker=self.life.name, day=DAY,
            cut_offs=self.cut_offs(),
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
            progress=self.told, policy=LookPolicy(polls_accepted=polls), cut_offs=self.cut_offs(),
            writer=WatchedWriter(self.store, self.life),
        )  # fmt: skip
        self.world.story.tell(
            self.life.name,
            f"looked: {looked.asked} asked, {looked.resent} sent again, "
            f"{looked.still_unknown} unknown",
        )


def _currencies(worker: Worker) -> Sequence[str]:
    return sorted({code for rail in worker.world.rails for code in rail.plan.currencies})
