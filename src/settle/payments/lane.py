"""One rail being worked by one worker: conversations run, and their endings written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, assert_never

from settle.adapters import (
    LEAVES_WITHIN,
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
from settle.errors import BadInput, ConfigError, SettleError
from settle.payments.ending import End, end
from settle.payments.exchanges import Clock, LeaseLost, StoreRecorder, untold
from settle.payments.fences import refuse_fenced
from settle.payments.instruction import Rail, Row
from settle.payments.leasing import Lease
from settle.payments.sending import Sending
from settle.payments.state import ENGINE, Event, EventKind
from settle.payments.tasks import all_of
from settle.payments.writer import Writer
from settle.store import Store

Progress = Callable[[int], None]
"""Told after each conversation how many payments it ended."""


CONVERSATIONS_PER_CONNECTION = 32
"""While some wait for the wire, others wait for their commit. With 256 at once, 2,000 payments took
0.9 times the processor time that 128 took, on SQLite and on PostgreSQL with full sync, in groups
1.6 times as large on the latter. More than are claimed at once gained nothing."""

_OF_DATA = (SettleError, ValueError, LookupError, ArithmeticError)
"""What odd data raises; anything else is a bug of ours or of an adapter."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What the lanes of one run share. `broken`: the first error that ends it for all of them.

    `tell` is told how far the worker has counted, before anything leaves.
    """

    clock: Clock
    worker: str
    lease_length: timedelta
    progress: Progress | None = None
    tell: Progress = untold
    broken: Exception | None = None

    def __post_init__(self) -> None:
        if self.lease_length > LEAVES_WITHIN:  # so long a search waits after a restore
            raise BadInput(f"a lease of {self.lease_length} is longer than {LEAVES_WITHIN}")

    def lanes(
        self,
        rails: Mapping[str, Rail],
        writer: Writer,
        *,
        cut_offs: Mapping[str, datetime] = MappingProxyType({}),
    ) -> list[Lane]:
        """A lane for each rail, with its cut-off where it has one."""
        return [
            Lane(run=self, name=name, rail=rail, writer=writer, cut_off=cut_offs.get(name))
            for name, rail in rails.items()
        ]

    def surface(self, store: Store, *, lost: int = 0) -> None:
        """Raise what broke the run, if anything did, with its own place. Call this at its end.

        Where payments were `lost` to another worker, this says so if that one bears our name.
        """
        if self.broken is not None:
            raise self.broken
        if lost:
            with store.transaction() as connection:
                refuse_fenced(connection, [self.worker])


@dataclass(slots=True, kw_only=True)
class Lane:
    """One rail being worked by one worker. It runs conversations and writes their endings.

    `cut_off`: from when on nothing that moves money may leave.
    """

    run: Run
    name: str
    rail: Rail
    writer: Writer
    cut_off: datetime | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _conflicts: Collection[int] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the cut-off is still to come."""
        return self.cut_off is None or self.run.clock() < self.cut_off

    def within(self, seconds: float) -> float:
        """So many seconds, or those until the cut-off, whichever are fewer."""
        if self.cut_off is None:
            return seconds
        return max(0.0, min(seconds, (self.cut_off - self.run.clock()).total_seconds()))

    def lease(self) -> Lease:
        """A lease from now."""
        run = self.run
        return Lease(rail=self.name, worker=run.worker, now=run.clock(), length=run.lease_length)

    async def send(self, sending: Sending, *, again: bool = False) -> Ending[Any] | None:
        """Run a conversation and store how it ended. None: another worker has it now."""
        recorder = StoreRecorder(
            writer=self.writer,
            clock=self.run.clock,
            stored=sending.stored,
            turn=sending.turn,
            worker=self.run.worker,
            cut_off=self.cut_off,
            subject=sending.subject,
            tell=self.run.tell,
        )
        try:
            ending = await self._converse(sending, recorder, again=again)
        except LeaseLost:
            self.counts["lost"] += len(sending.rows)
            return None
        except Exception as error:  # noqa: BLE001  # it surfaces once this ending is written
            ending = self.stopped(error, committing=recorder.committing)
        heard = recorder.replied is not None
        return ending if await self.close(sending, ending, heard=heard) else None

    async def _converse(
        self, sending: Sending, recorder: StoreRecorder, *, again: bool
    ) -> Ending[Any]:
        if self.run.broken is not None and (again or not recorder.committing):
            why = "the run was stopped"
            return Open(reason=why) if recorder.committing else NotMoved(reason=why)
        ending = await self.rail.sender.run(
            sending.submission(self.rail.adapter),
            conversation_id=sending.conversation_id,
            recorder=recorder,
            resend=again,
        )
        return self._unless_known(ending, sending, status=recorder.replied)

    def _unless_known(
        self, ending: Ending[Any], sending: Sending, *, status: int | None
    ) -> Ending[Any]:
        """No adapter may read a rejection out of an answer that says that the key is known."""
        outcomes = (outcome_of(row, ending) for row in sending.rows)
        if self._conflicts is None:  # a profile is made anew each time it is asked for
            self._conflicts = self.rail.adapter.profile.key.conflicts
        if status in self._conflicts and any(isinstance(each, Rejected) for each in outcomes):
            return Open(reason=f"status {status} says that the key is known")
        return ending

    def stopped(self, error: Exception, *, committing: bool) -> NotMoved | Open:
        """The ending for an error: after a `commits` began, whatever it is, it decides nothing."""
        reason = str(error) if isinstance(error, SettleError) else type(error).__name__
        if committing:
            return Open(reason=reason)
        if isinstance(error, ConfigError) or not isinstance(error, _OF_DATA):
            self.run.broken = self.run.broken or error
        return NotMoved(reason=reason)

    async def close(self, sending: Sending, ending: Ending[Any], *, heard: bool = False) -> bool:
        """Store how a conversation ended. Nothing acts on it before this returns, or if it is no.

        `heard`: the rail has answered, and this is what became of it.
        No: another worker has the payments now. An answer that came is stored, and is theirs.
        """
        at = self.run.clock()
        events = [event_of(row, outcome_of(row, ending), at) for row in sending.rows]
        ended = End(events=events, worker=self.run.worker, recorded_at=at, heard=heard)
        counting = await self.writer.write(end, ended)
        self.counts.update(event.kind.value for event in counting)
        self.counts["lost"] += len(events) - len(counting)
        if self.run.progress is not None and counting:
            self.run.progress(len(counting))
        return bool(counting)

    async def all(
        self, work: Callable[[Sending], Awaitable[Any]], sendings: Iterable[Sending]
    ) -> list[Any]:
        """Do the work for each, many at once. The sender's connections bound the wire."""
        at_once = self.rail.adapter.profile.limits.concurrency_max
        slots = asyncio.Semaphore(at_once * CONVERSATIONS_PER_CONNECTION)

        async def one(sending: Sending) -> Any:
            async with slots:
                return await work(sending)

        return await all_of(one(sending) for sending in sendings)


def outcome_of(row: Row, ending: Ending[Any]) -> Outcome | NotMoved:
    """What an ending means for one payment of the conversation."""
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
