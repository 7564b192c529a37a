"""The executor: releases what is funded, sends it, and writes what came back before it acts.

Order, always: intent and key committed, then the wire, then the answer committed, then the
outcome. A payment whose outcome nobody knows is never sent again here; `look_up` finds it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, assert_never

from settle.adapters import (
    Accepted,
    Ending,
    Finished,
    NotMoved,
    Open,
    Outcome,
    Rejected,
    Source,
    Unknown,
)
from settle.payments.exchanges import Clock, LeaseLost, StoreRecorder
from settle.payments.instruction import Rail, Row
from settle.payments.outbox import Claim, End, Lease, claim, end
from settle.payments.sending import Sending
from settle.payments.state import ENGINE, Event, EventKind
from settle.payments.writer import ThreadWriter, Writer
from settle.store import Store

Progress = Callable[[int], None]
"""Told after each conversation how many payments it ended."""


CONVERSATIONS_PER_CONNECTION = 8
"""While some wait for the wire, others wait for their commit: groups of 64 instead of 8 made
2,000 payments on SQLite with full sync twice as fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPolicy:
    """How patient a run is. What did not move is tried again up to `attempts_max` times.

    A rail on which nothing moves for `rounds_max` rounds in a row is down for this run.
    """

    attempts_max: int = 3
    rounds_max: int = 3
    wait_s: float = 0.25
    wait_max_s: float = 5.0
    round_size: int = 256
    lease: timedelta = timedelta(minutes=15)

    def wait(self, idle: int, asked_s: float) -> float:
        """Seconds to leave the rail alone after `idle` rounds in which nothing moved."""
        backoff: float = self.wait_s * 2 ** (idle - 1)
        return min(max(backoff, asked_s), self.wait_max_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a run did: payments by how they ended, and the rails that were down, with why."""

    accepted: int
    rejected: int
    unknown: int
    not_moved: int
    lost: int
    rails_down: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Lane:
    """One rail being worked by one worker. It runs conversations and writes their endings."""

    name: str
    rail: Rail
    writer: Writer
    clock: Clock
    worker: str
    lease_length: timedelta
    progress: Progress | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def lease(self) -> Lease:
        """A lease from now."""
        return Lease(rail=self.name, worker=self.worker, now=self.clock(), length=self.lease_length)

    async def run(self, sending: Sending, *, again: bool = False) -> Ending[Any] | None:
        """Run a conversation and store how it ended. None: another worker has it now."""
        recorder = StoreRecorder(
            writer=self.writer,
            clock=self.clock,
            stored=sending.stored,
            turn=sending.turn,
            worker=self.worker,
        )
        try:
            ending = await self.rail.sender.run(
                sending.submission(self.rail.adapter),
                conversation_id=sending.conversation_id,
                recorder=recorder,
                resend=again,
            )
        except LeaseLost:
            self.counts["lost"] += len(sending.rows)
            return None
        except Exception as error:  # noqa: BLE001  # whatever it is called, it decides nothing
            ending = _stopped(error, committing=recorder.committing)
        await self.close(sending, ending)
        return ending

    async def close(self, sending: Sending, ending: Ending[Any]) -> None:
        """Store how a conversation ended. Nothing acts on it before this returns."""
        at = self.clock()
        events = [event_of(row, _outcome(row, ending), at) for row in sending.rows]
        await self.writer.write(end, End(events=events, worker=self.worker, recorded_at=at))
        self.counts.update(event.kind.value for event in events)
        if self.progress is not None:
            self.progress(len(events))

    async def all(
        self, work: Callable[[Sending], Awaitable[Any]], sendings: Iterable[Sending]
    ) -> list[Any]:
        """Do the work for each, many at once. The sender's connections bound the wire."""
        at_once = self.rail.adapter.profile.limits.concurrency_max
        slots = asyncio.Semaphore(at_once * CONVERSATIONS_PER_CONNECTION)

        async def one(sending: Sending) -> Any:
            async with slots:
                return await work(sending)

        tasks = [asyncio.ensure_future(one(sending)) for sending in sendings]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()


async def pay(
    store: Store,
    rails: Mapping[str, Rail],
    *,
    clock: Clock,
    worker: str,
    day: date,
    progress: Progress | None = None,
    policy: PayPolicy | None = None,
    writer: Writer | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Paid:
    """Send every approved and funded payment, once. This returns when nothing more can be sent.

    `worker` is a name that no other living process uses; `day` is the business day that batches
    are made on. Any number of workers may run this on one store.
    """
    patience = policy or PayPolicy()
    async with writing(store, writer) as durable:
        lanes = [
            Lane(
                name=name,
                rail=rail,
                writer=durable,
                clock=clock,
                worker=worker,
                lease_length=patience.lease,
                progress=progress,
            )
            for name, rail in rails.items()
        ]
        reasons = await asyncio.gather(*(_work(lane, patience, day, sleep) for lane in lanes))
    counts = sum((lane.counts for lane in lanes), Counter[str]())
    down = {lane.name: why for lane, why in zip(lanes, reasons, strict=True) if why is not None}
    return Paid(
        accepted=counts[EventKind.ACCEPTED.value],
        rejected=counts[EventKind.REJECTED.value],
        unknown=counts[EventKind.UNKNOWN.value],
        not_moved=counts[EventKind.NOT_MOVED.value],
        lost=counts["lost"],
        rails_down=down,
    )


@asynccontextmanager
async def writing(store: Store, writer: Writer | None) -> AsyncIterator[Writer]:
    """The writer given, or one with a thread of its own for as long as this lasts."""
    if writer is not None:
        yield writer
        return
    async with ThreadWriter(store) as own:
        yield own


async def _work(
    lane: Lane, policy: PayPolicy, day: date, sleep: Callable[[float], Awaitable[None]]
) -> str | None:
    """Work a rail round by round until nothing is left, or say why it is down."""
    tries: Counter[str] = Counter()
    idle, moved = 0, False
    while True:
        sendings = await lane.writer.write(claim, _wish(lane, policy, day, tries))
        if not sendings:
            return None
        endings = await lane.all(lane.run, sendings)
        tries.update(row["payment_id"] for sending in sendings for row in sending.rows)
        stuck = [ending for ending in endings if isinstance(ending, NotMoved)]
        if len(stuck) < len(endings):
            idle, moved = 0, True
            continue
        idle += 1
        if idle >= policy.rounds_max:
            # Where others moved in this run, it is these payments that are stuck, not the rail.
            return None if moved and not lane.rail.sender.down else stuck[-1].reason
        await sleep(policy.wait(idle, max(e.retry_after_s or 0.0 for e in stuck)))


def _wish(lane: Lane, policy: PayPolicy, day: date, tries: Mapping[str, int]) -> Claim:
    profile = lane.rail.adapter.profile
    batch_size = profile.limits.batch_size_max if profile.in_batches else None
    at_once = profile.limits.concurrency_max
    return Claim(
        lease=lane.lease(),
        count_max=policy.round_size if batch_size is None else batch_size * at_once,
        batch_size_max=batch_size,
        day=day,
        excluded=frozenset(key for key, count in tries.items() if count >= policy.attempts_max),
    )


def _stopped(error: Exception, *, committing: bool) -> NotMoved | Open:
    reason = str(error) if hasattr(error, "facts") else type(error).__name__
    return Open(reason=reason) if committing else NotMoved(reason=reason)


def _outcome(row: Row, ending: Ending[Any]) -> Outcome | NotMoved:
    match ending:
        case NotMoved():
            return ending
        case Open():
            return Unknown(reason=ending.reason)
        case Finished():
            value = ending.value
            if row["batch_id"] is not None and isinstance(value, Mapping):
                value = value.get(row["payment_id"], Unknown(reason="not named in the answer"))
            if isinstance(value, (Accepted, Rejected, Unknown)):
                return value
            return Unknown(reason="the adapter gave no outcome")
        case _:
            assert_never(ending)


def event_of(row: Row, outcome: Outcome | NotMoved, at: datetime) -> Event:
    """The event that an outcome is, for the last sending of a payment."""
    match outcome:
        case Accepted():
            kind, source = EventKind.ACCEPTED, Source.SUBMIT.value
            code, detail = outcome.status, outcome.rail_reference or ""
        case Rejected():
            kind, source = EventKind.REJECTED, Source.SUBMIT.value
            code, detail = outcome.code, outcome.reason
        case Unknown():
            kind, source = EventKind.UNKNOWN, ENGINE
            code, detail = "", outcome.reason
        case NotMoved():
            kind, source = EventKind.NOT_MOVED, ENGINE
            code, detail = "", outcome.reason
        case _:
            assert_never(outcome)
    return Event(
        payment_id=row["payment_id"],
        event_id=f"{kind.value}/{row['releases']}.{row['resends']}",
        kind=kind,
        occurred_at=at,
        source=source,
        ordinal=row["releases"],
        code=code,
        detail=detail,
    )


def counted(sendings: Sequence[Sending]) -> int:
    """How many payments the conversations carry."""
    return sum(len(sending.rows) for sending in sendings)
