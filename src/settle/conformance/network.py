"""The hostile network: a loopback proxy between an adapter and its rail that loses things.

What passes, passes byte for byte. A fault is injected by rule, counted, and written down first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never

import h11

from settle.adapters.simulator import Memory
from settle.conformance.faults import Fault, FaultPlan, FaultRule
from settle.conformance.framing import MessageReader, RawMessage

_ERROR_500 = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_PAGE = b"<!doctype html><title>Welcome</title><p>Please sign in to this network."
_GARBAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    + f"Content-Length: {len(_PAGE)}\r\n\r\n".encode()
    + _PAGE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault, as it was injected. `forwarded` says whether the rail saw the request."""

    method: str
    target: str
    fault: Fault
    forwarded: bool


@dataclass(slots=True)
class Traffic:
    """How many requests came in, and how many the rail was given."""

    arrived: int = 0
    forwarded: int = 0


class HostileNetwork:
    """A proxy on loopback in front of `upstream`. This injects the faults of its rules.

    `memory` keeps how far the rules have counted, so that a fault that was injected is not
    injected again after a restart.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        faults: Sequence[FaultRule] = (),
        *,
        memory: Memory | None = None,
    ) -> None:
        self._upstream = upstream
        self._plan = FaultPlan(faults, memory=memory or Memory(None))
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.traffic = Traffic()
        self.journal: list[Injection] = []

    async def start(self, *, port: int = 0) -> None:
        """Listen on loopback. Port 0 chooses one."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", port)

    @property
    def base_url(self) -> str:
        """Where the adapter finds the rail."""
        if self._server is None:
            raise RuntimeError("the network was not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def injected(self) -> Mapping[Fault, int]:
        """How often each fault was injected, since the memory began."""
        return self._plan.injected

    async def aclose(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        upstream = _Upstream(self._upstream)
        try:
            with suppress(ConnectionError, h11.ProtocolError):
                await self._pass_all(MessageReader(reader), writer, upstream)
        except asyncio.CancelledError:
            pass  # aclose; asyncio's own callback would log a cancelled client as an error
        finally:
            self._clients.discard(task)
            upstream.close()
            writer.close()

    async def _pass_all(
        self, client: MessageReader, writer: asyncio.StreamWriter, upstream: _Upstream
    ) -> None:
        while (request := await client.request()) is not None:
            answer = await self._pass(request, upstream)
            writer.write(answer.raw)
            await writer.drain()
            if not (answer.keep_alive and request.keep_alive):
                return

    async def _pass(self, request: RawMessage, upstream: _Upstream) -> _Sent:
        self.traffic.arrived += 1
        assert isinstance(request.head, h11.Request)
        method, target = request.head.method.decode(), request.head.target.decode()
        rule = self._plan.meet(method, target, request.content)
        if rule is None:
            return _whole(await self._forward(request, upstream))
        before = self.traffic.forwarded
        try:
            return await self._fail(rule, request, upstream)
        finally:
            forwarded = self.traffic.forwarded > before
            self.journal.append(
                Injection(method=method, target=target, fault=rule.fault, forwarded=forwarded)
            )

    async def _fail(self, rule: FaultRule, request: RawMessage, upstream: _Upstream) -> _Sent:
        if rule.fault is Fault.LOSE_REQUEST:
            return _LOST
        if rule.fault is Fault.STATUS_503:
            return _Sent(raw=_status_503(rule.retry_after_s))
        if rule.fault is Fault.DELAY:
            await asyncio.sleep(rule.delay_s)
        return _spoiled(rule.fault, await self._forward(request, upstream))

    async def _forward(self, request: RawMessage, upstream: _Upstream) -> RawMessage:
        await upstream.ready()
        self.traffic.forwarded += 1
        return await upstream.ask(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What the client is given."""

    raw: bytes
    keep_alive: bool = True


class _Upstream:
    """The rail's side of one client's connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._messages: MessageReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ready(self) -> None:
        """Connect, unless a living connection is there."""
        if self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(*self._address)
            self._messages = MessageReader(self._reader)

    async def ask(self, request: RawMessage) -> RawMessage:
        """Hand the rail the request as it came, once, and hear its answer."""
        assert self._writer is not None
        assert self._messages is not None
        assert isinstance(request.head, h11.Request)
        self._writer.write(request.raw)
        answer = await self._messages.response(request.head)
        if not answer.keep_alive:
            self.close()
        return answer

    def close(self) -> None:
        """Let the rail go."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._messages = self._writer = None


_LOST = _Sent(raw=b"", keep_alive=False)


def _spoiled(fault: Fault, answer: RawMessage) -> _Sent:
    """What is left of the rail's answer."""
    match fault:
        case Fault.LOSE_ANSWER:
            return _LOST
        case Fault.HALF_ANSWER:
            return _Sent(raw=answer.raw[: len(answer.raw) // 2], keep_alive=False)
        case Fault.STATUS_500_AFTER:
            return _Sent(raw=_ERROR_500)
        case Fault.GARBAGE:
            return _Sent(raw=_GARBAGE)
        case Fault.DELAY | Fault.LOSE_REQUEST | Fault.STATUS_503:
            return _whole(answer)
        case _:
            assert_never(fault)


def _whole(answer: RawMessage) -> _Sent:
    return _Sent(raw=answer.raw, keep_alive=answer.keep_alive)


def _status_503(retry_after_s: int | None) -> bytes:
    later = "" if retry_after_s is None else f"Retry-After: {retry_after_s}\r\n"
    return f"HTTP/1.1 503 Service Unavailable\r\n{later}Content-Length: 0\r\n\r\n".encode()
