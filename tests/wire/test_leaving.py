"""What may move money leaves soon after its intent was stored, or never, whatever stood still."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from os import WUNTRACED, kill, waitpid
from signal import SIGCONT
from typing import Any

import pytest

from settle.adapters import (
    LEAVES_WITHIN,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    NotMoved,
    Request,
    Response,
    Sender,
)

LONG_S = LEAVES_WITHIN.total_seconds()


@dataclass(slots=True)
class Clock:
    """Seconds that jump by `by` at the look of number `nth`, or when told."""

    nth: int = 0
    by: float = LONG_S
    looks: int = 0
    now: float = 1e9

    def __call__(self) -> float:
        self.looks += 1
        if self.looks == self.nth:
            self.now += self.by
        return self.now


@dataclass(slots=True)
class Notes:
    """A recorder that does something as it has stored an intent."""

    then: Callable[[], Any] = lambda: None
    silences: list[tuple[str, bool]] = field(default_factory=list)

    async def history(self, conversation_id: str) -> Sequence[Any]:
        return ()

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        self.then()

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        """Forgotten at once."""

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        self.silences.append((reason, sent))


def pay(effect: Effect) -> Conversation[Response]:
    method = "GET" if effect is Effect.READS else "POST"
    return (yield Exchange(request=Request(method=method, path="/pay"), effect=effect))


def sender(base_url: str, monotonic: Clock, wall: Clock) -> Sender:
    return Sender(Endpoint(base_url=base_url), connections=1, monotonic=monotonic, wall=wall)


@pytest.mark.parametrize("which", ["monotonic", "wall"])
@pytest.mark.parametrize("effect", list(Effect))
async def test_what_stood_still_after_its_intent_does_not_leave(
    server: Any, which: str, effect: Effect
) -> None:
    """By either clock: one stands still with the machine, the other may be set back."""
    clocks = {"monotonic": Clock(), "wall": Clock()}

    def stop() -> None:
        clocks[which].now += LONG_S
        clocks["wall" if which == "monotonic" else "monotonic"].now -= 1

    notes = Notes(then=stop)
    async with sender(server.base_url, **clocks) as sending:
        ending = await sending.run(pay(effect), conversation_id="c", recorder=notes)
    if effect is Effect.COMMITS:
        assert isinstance(ending, NotMoved)
        assert [("its intent is too old for it to leave", False)] == notes.silences
    else:
        assert isinstance(ending, Finished)
    assert (0 if effect is Effect.COMMITS else 1) == server.payments


async def test_until_then_it_leaves(server: Any) -> None:
    """A second before its time is over."""
    wall = Clock()

    def wait() -> None:
        wall.now += LONG_S - 1

    async with sender(server.base_url, Clock(), wall) as sending:
        ending = await sending.run(
            pay(Effect.COMMITS), conversation_id="c", recorder=Notes(then=wait)
        )
    assert isinstance(ending, Finished)
    assert 1 == server.payments


async def test_the_wire_looks_once_more_with_its_first_byte_in_its_hand(server: Any) -> None:
    """Waiting for a connection takes time, too: whichever look finds it late is in time."""
    for nth in (2, 3):
        wall = Clock(nth=nth)
        async with sender(server.base_url, Clock(), wall) as sending:
            ending = await sending.run(pay(Effect.COMMITS), conversation_id="c", recorder=Notes())
        assert (nth, True) == (wall.looks, isinstance(ending, NotMoved))
    assert 0 == server.payments


STOPPED = """
import asyncio, os, signal, sys
from datetime import timedelta
from settle.adapters import Effect, Endpoint, Sender
from tests.wire.test_leaving import Notes, pay

async def main():
    within = timedelta(seconds=float(sys.argv[2]))
    stop = Notes(then=lambda: os.kill(os.getpid(), signal.SIGSTOP))
    async with Sender(Endpoint(base_url=sys.argv[1]), leaves_within=within) as sender:
        print(await sender.run(pay(Effect.COMMITS), conversation_id="c", recorder=stop))

asyncio.run(main())
"""


@pytest.mark.parametrize(("within_s", "leaves"), [(0.3, 0), (600.0, 1)])
async def test_a_process_stopped_between_intent_and_wire(
    server: Any, within_s: float, leaves: int
) -> None:
    """By SIGSTOP, in the very moment; it goes on when its time is over, or before."""
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", STOPPED, server.base_url, str(within_s)], stdout=subprocess.PIPE
    )
    await asyncio.to_thread(waitpid, process.pid, WUNTRACED)
    await asyncio.sleep(0.4)
    kill(process.pid, SIGCONT)
    said, _ = await asyncio.to_thread(process.communicate, timeout=60)
    assert leaves == server.payments
    assert ("Finished" if leaves else "NotMoved") in said.decode()


def test_its_time_is_no_longer_than_a_lease() -> None:
    """Who takes over when a lease has ended need not wait much for what may leave."""
    from settle.payments import LookPolicy, PayPolicy

    assert timedelta(minutes=1) < LEAVES_WITHIN <= min(PayPolicy().lease, LookPolicy().lease)
