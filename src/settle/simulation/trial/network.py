"""What stands between the workers and a rail, and loses, repeats, delays and corrupts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from settle.adapters import Endpoint, Request, Response, Sender
from settle.adapters.grant import Token
from settle.adapters.wire import Answer, Composed, Silence, Wire
from settle.simulation.trial.doors import Door
from settle.simulation.trial.faults import Fault, FaultKind
from settle.simulation.trial.process import Life

TIMEOUT_S = 30.0
Tell = Callable[[str, str], None]
"""Hears who did what."""


@dataclass(slots=True, kw_only=True)
class Network:
    """The way to one rail. `faults` say which of its exchanges, counted from 1, meet what.

    `quiet` tells when nothing goes wrong any more; `watch` sees each request before it leaves.
    """

    rail: str
    door: Door
    faults: Sequence[Fault] = ()
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311  # it must replay
    tell: Tell = lambda _who, _what: None
    watch: Callable[[Life, Request], None] = lambda _who, _what: None
    quiet: Callable[[], bool] = lambda: False
    repeats: bool = True
    latency_s: float = 0.4
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    sent: list[Request] = field(default_factory=list)
    injected: Counter[FaultKind] = field(default_factory=Counter)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, composed: Composed, life: Life) -> Answer:
        """Carry one request to the rail, and the answer back, or what the fault leaves of them."""
        request = composed.request
        self.watch(life, request)
        self.sent.append(request)
        fault = self._fault(len(self.sent), request)
        what = f"{request.method} {request.target[:60]}"
        self.tell(life.name, f"→ {self.rail} {what}{f'  !! {fault.kind.value}' if fault else ''}")
        await self._way()
        life.check()
        answer = await self._meet(fault, composed, life)
        life.check()
        said = answer.status if isinstance(answer, Response) else answer.reason
        self.tell(life.name, f"← {self.rail} {what}: {said}")
        return answer

    async def _way(self) -> None:
        if self.latency_s:
            await self.sleep(self.random.random() * self.latency_s)

    def _fault(self, number: int, request: Request) -> Fault | None:
        if self.quiet():
            return None
        met = (fault for fault in self.faults if fault.meets(number))
        found = next((f for f in met if self._applies(f.kind, request)), None)
        if found is not None:
            self.injected[found.kind] += 1
        return found

    def _applies(self, kind: FaultKind, request: Request) -> bool:
        match kind:
            case FaultKind.STALE_READ:
                return request.method == "GET"
            case FaultKind.PARTIAL_ANSWER:
                return request.path.startswith("/batches/")
            case FaultKind.DUPLICATE:
                # A rail that keeps no keys would execute it twice by itself.
                return self.repeats
        return True

    async def _meet(self, fault: Fault | None, composed: Composed, life: Life) -> Answer:
        if fault is None:
            return await self._there_and_back(composed)
        before = await self._before(fault, composed, life)
        if before is not None:
            return before
        stale = fault.seconds if fault.kind is FaultKind.STALE_READ else 0.0
        answer = await self.door.answer(composed, stale=timedelta(seconds=stale))
        return await self._after(fault, answer, composed, life)

    async def _there_and_back(self, composed: Composed) -> Response:
        answer = await self.door.answer(composed)
        await self._way()
        return answer

    async def _before(self, fault: Fault, composed: Composed, life: Life) -> Answer | None:
        """What happens on the way there; None where the request arrives."""
        match fault.kind:
            case FaultKind.REFUSED:
                return Silence(reason="refused", sent=False)
            case FaultKind.LOST_REQUEST:
                await self.sleep(TIMEOUT_S)
                return Silence(reason="timed out", sent=True)
            case FaultKind.LATE_REQUEST:
                self._later(composed, fault.seconds)
                await self.sleep(TIMEOUT_S)
                return Silence(reason="timed out", sent=True)
            case FaultKind.STATUS_503:
                return Response(status=503)
            case FaultKind.RATE_LIMIT:
                return Response(status=429, headers={"retry-after": f"{fault.seconds:.0f}"})
            case FaultKind.KILL_BEFORE_EXCHANGE:
                raise life.end()
            case FaultKind.STALL:
                await self.sleep(fault.seconds)
                life.check()
        return None

    async def _after(
        self, fault: Fault, answer: Response, composed: Composed, life: Life
    ) -> Answer:
        """What happens on the way back."""
        match fault.kind:
            case FaultKind.LOST_ANSWER:
                return Silence(reason="lost", sent=True)
            case FaultKind.LATE_ANSWER:
                await self.sleep(TIMEOUT_S)
                return Silence(reason="timed out", sent=True)
            case FaultKind.STATUS_503_AFTER:
                return Response(status=503)
            case FaultKind.GARBAGE:
                return Response(status=200, content=b"<html>Please log in</html>")
            case FaultKind.DUPLICATE:
                self._later(composed, fault.seconds)
            case FaultKind.PARTIAL_ANSWER:
                return _halved(answer)
            case FaultKind.KILL_AFTER_EXCHANGE:
                raise life.end()
        return answer

    def _later(self, composed: Composed, seconds: float) -> None:
        task = asyncio.ensure_future(self._deliver(composed, seconds))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def _deliver(self, composed: Composed, seconds: float) -> None:
        await self.sleep(seconds)
        answer = await self.door.answer(composed)
        what = f"{composed.request.method} {composed.path[:60]}"
        self.tell(self.rail, f"had it late: {what}: {answer.status}, heard by nobody")


def _halved(answer: Response) -> Response:
    if answer.status != 200:
        return answer
    report = json.loads(answer.content)
    kept = {key: report[key] for place, key in enumerate(sorted(report)) if place % 2 == 0}
    return replace(answer, content=json.dumps(kept).encode())


class SimulatedWire:
    """The wire of one process: the real one composes, the network carries."""

    def __init__(self, real: Wire, network: Network, life: Life) -> None:
        self._real, self._network, self._life = real, network, life

    def compose(self, request: Request, token: Token | None = None) -> Composed:
        """The request as the real wire would send it."""
        self._life.check()
        return self._real.compose(request, token)

    async def send(self, composed: Composed) -> Answer:
        """Send once, into the network."""
        self._life.check()
        return await self._network.carry(composed, self._life)

    async def aclose(self) -> None:
        """Close what the real wire holds."""
        await self._real.aclose()


class SimulatedSender(Sender):
    """The real sender; only what is under its wire is simulated."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        network: Network,
        life: Life,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(endpoint, connections=1, sleep=sleep, monotonic=monotonic, wall=monotonic)
        wire = SimulatedWire(self._rail.wire, network, life)
        self._rail = replace(self._rail, wire=wire)  # type: ignore[arg-type]
