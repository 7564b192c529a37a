"""The executor: releases what is funded, sends it, and writes what came back before it acts.

Order, always: intent and key committed, then the wire, then the answer committed, then the
outcome. A payment whose outcome nobody knows is never sent again here; `look_up` finds it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from settle.adapters import NotMoved
from settle.payments.claiming import Claim, claim
from settle.payments.exchanges import Clock
from settle.payments.fences import Fenced, succeed
from settle.payments.forgetting import telling
from settle.payments.gate.rules import NO_PAUSES, Pauses
from settle.payments.instruction import Rail
from settle.payments.lane import Lane, Progress, Run
from settle.payments.state import EventKind
from settle.payments.tasks import all_of
from settle.payments.writer import Writer, writing
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPolicy:
    """How patient a run is. What did not move is tried again up to `attempts_max` times.

    A rail on which nothing moves for `rounds_max` rounds in a row is down for this run. Over a
    rail, `retries_percent` of the payments are tried again at most, and `retries_min` in any case.
    A rail that asks to be left alone is, for up to `retry_after_max_s`.
    """

    attempts_max: int = 3
    retries_percent: int = 20
    retries_min: int = 256
    rounds_max: int = 3
    wait_s: float = 0.25
    wait_max_s: float = 5.0
    retry_after_max_s: float = 60.0
    round_size: int = 256
    lease: timedelta = timedelta(minutes=15)

    def wait(self, idle: int, asked_s: float) -> float:
        """Seconds to leave the rail alone after `idle` rounds in which nothing moved."""
        backoff: float = min(self.wait_s * 2 ** (idle - 1), self.wait_max_s)
        return max(backoff, min(asked_s, self.retry_after_max_s))

    def tried_enough(self, tries: Mapping[str, int]) -> frozenset[str]:
        """The payments, of those tried so often, that this run leaves alone from now on."""
        again = sum(tries.values()) - len(tries)
        if again >= self.retries_min + len(tries) * self.retries_percent // 100:
            return frozenset(tries)
        return frozenset(key for key, count in tries.items() if count >= self.attempts_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a run did: payments by how they ended, and the rails that were down, with why.

    `cut_off`: the rails whose cut-off passed meanwhile; what was not sent by then waits.
    """

    accepted: int
    rejected: int
    unknown: int
    not_moved: int
    lost: int
    rails_down: Mapping[str, str]
    cut_off: frozenset[str] = frozenset()


async def pay(
    store: Store,
    rails: Mapping[str, Rail],
    *,
    clock: Clock,
    worker: str,
    day: date,
    cut_offs: Mapping[str, datetime] | None = None,
    progress: Progress | None = None,
    policy: PayPolicy | None = None,
    writer: Writer | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    pauses: Pauses = NO_PAUSES,
) -> Paid:
    """Send every approved and funded payment, once. This returns when nothing more can be sent.

    `worker` is a name that no other living process uses: a later run that takes it fences this
    one off, and takes over what it had under way (see `settle.payments.fences`). `day` is the
    business day that batches are made on, and that limits count by. `cut_offs` says, by rail, from
    when on nothing that moves money may leave: what is left then is untouched. Nothing is taken
    that is paused as `pauses` say or by a switch of the store, from the moment of its turn. Any
    number of workers may run this on one store.

    Raises:
        BadInput: the policy's lease is longer than a permit to leave.
        ConfigError: a credential cannot be found. So does any bug met before a `commits` began.
            What was under way is written first; what was not goes back untouched.
        Fenced: a newer run bears the worker's name. What was under way is the newer one's.
    """
    patience = policy or PayPolicy()
    name = succeed(store, worker, now=clock())
    run = Run(
        clock=clock, worker=name, lease_length=patience.lease, progress=progress,
        tell=telling(store, name),
    )  # fmt: skip
    async with writing(store, writer) as durable:
        lanes = run.lanes(rails, durable, cut_offs=cut_offs or {})
        reasons = await all_of(_work(lane, patience, day, sleep, pauses) for lane in lanes)
    counts = sum((lane.counts for lane in lanes), Counter[str]())
    run.surface(store, lost=counts["lost"])
    down = {lane.name: why for lane, why in zip(lanes, reasons, strict=True) if why is not None}
    return Paid(
        accepted=counts[EventKind.ACCEPTED.value],
        rejected=counts[EventKind.REJECTED.value],
        unknown=counts[EventKind.UNKNOWN.value],
        not_moved=counts[EventKind.NOT_MOVED.value],
        lost=counts["lost"],
        rails_down=down,
        cut_off=frozenset(lane.name for lane in lanes if not lane.is_open),
    )


async def _work(
    lane: Lane,
    policy: PayPolicy,
    day: date,
    sleep: Callable[[float], Awaitable[None]],
    pauses: Pauses,
) -> str | None:
    """Work a rail round by round until nothing is left, or say why it is down."""
    tries: Counter[str] = Counter()
    idle, moved = 0, False
    while lane.run.broken is None and lane.is_open:
        wish = replace(_wish(lane, policy, day, tries), pauses=pauses)
        try:
            sendings = await lane.writer.write(claim, wish)
        except Fenced as error:  # the other rails' answers are waited for, and kept
            lane.run.broken = lane.run.broken or error
            break
        if not sendings:
            break
        endings = await lane.all(lane.send, sendings)
        tries.update(row["payment_id"] for sending in sendings for row in sending.rows)
        stuck = [ending for ending in endings if isinstance(ending, NotMoved)]
        if len(stuck) < len(endings):
            idle, moved = 0, True
            continue
        idle += 1
        if idle >= policy.rounds_max:
            # Where others moved in this run, it is these payments that are stuck, not the rail.
            return None if moved and not lane.rail.sender.down else stuck[-1].reason
        await sleep(lane.within(policy.wait(idle, max(e.retry_after_s or 0.0 for e in stuck))))
    return None


def _wish(lane: Lane, policy: PayPolicy, day: date, tries: Mapping[str, int]) -> Claim:
    profile = lane.rail.adapter.profile
    batch_size = profile.limits.batch_size_max if profile.in_batches else None
    at_once = profile.limits.concurrency_max
    return Claim(
        lease=lane.lease(),
        count_max=policy.round_size if batch_size is None else batch_size * at_once,
        batch_size_max=batch_size,
        day=day,
        excluded=policy.tried_enough(tries),
    )
