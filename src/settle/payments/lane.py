"""One rail being worked by one worker: conversations run, and their endings written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from settle.errors import ConfigError, SettleError
from settle.payments.exchanges import Clock, LeaseLost, StoreRecorder
from settle.payments.instruction import Rail, Row
from settle.payments.outbox import End, Lease, end
from settle.payments.sending import Sending
from settle.payments.state import ENGINE, Event, EventKind
from settle.payments.writer import Writer

Progress = Callable[[int], None]
"""Told after each conversation how many payments it ended."""


CONVERSATIONS_PER_CONNECTION = 8
"""While some wait for the wire, others wait for their commit: groups of 64 instead of 8 made
2,000 payments on SQLite with full sync twice as fast."""

_OF_DATA = (SettleError, ValueError, LookupError, ArithmeticError)
"""What odd data raises; anything else is a bug of ours or of an adapter."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What the lanes of one run share. `broken`: the first error that ends it for all of them."""

    clock: Clock
    worker: str
    lease_length: timedelta
    progress: Progress | None = None
    broken: Exception | None = None

    def lanes(self, rails: Mapping[str, Rail], writer: Writer) -> list[Lane]:
        """A lane for each rail."""
        return [Lane(run=self, name=name, rail=rail, writer=writer) for name, rail in rails.items()]

    def surface(self) -> None:
        """Raise what broke the run, if anything did, with its own place. Call this at its end."""
        if self.broken is not None:
            raise self.broken


@dataclass(slots=True, kw_only=True)
class Lane:
    """One rail being worked by one worker. It runs conversations and writes their endings."""

    run: Run
    name: str
    rail: Rail
    writer: Writer
    counts: Counter[str] = field(default_factory=Counter)

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
            subject=sending.subject,
        )
        try:
            ending = await self._converse(sending, recorder, again=again)
        except LeaseLost:
            self.counts["lost"] += len(sending.rows)
            return None
        except Exception as error:  # noqa: BLE001  # it surfaces once this ending is written
            ending = self.stopped(error, committing=recorder.committing)
        await self.close(sending, ending)
        return ending

    async def _converse(
        self, sending: Sending, recorder: StoreRecorder, *, again: bool
    ) -> Ending[Any]:
        if self.run.broken is not None and (again or not recorder.committing):
            why = "the run was stopped"
            return Open(reason=why) if recorder.committing else NotMoved(reason=why)
        return await self.rail.sender.run(
            sending.submission(self.rail.adapter),
            conversation_id=sending.conversation_id,
            recorder=recorder,
            resend=again,
        )

    def stopped(self, error: Exception, *, committing: bool) -> NotMoved | Open:
        """The ending for an error: after a `commits` began, whatever it is, it decides nothing."""
        reason = str(error) if isinstance(error, SettleError) else type(error).__name__
        if committing:
            return Open(reason=reason)
        if isinstance(error, ConfigError) or not isinstance(error, _OF_DATA):
            self.run.broken = self.run.broken or error
        return NotMoved(reason=reason)

    async def close(self, sending: Sending, ending: Ending[Any]) -> None:
        """Store how a conversation ended. Nothing acts on it before this returns."""
        at = self.run.clock()
        events = [event_of(row, _outcome(row, ending), at) for row in sending.rows]
        await self.writer.write(end, End(events=events, worker=self.run.worker, recorded_at=at))
        self.counts.update(event.kind.value for event in events)
        if self.run.progress is not None:
            self.run.progress(len(events))

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
