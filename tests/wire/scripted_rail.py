"""A rail on loopback that answers each request by a function, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    content: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.content.decode(), strict_parsing=True))


Answers = Callable[[Asked], bytes | None]


def answer(status: int = 200, said: Any = "ok", **headers: str) -> bytes:
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(content)}\r\n\r\n".encode() + content
    )


@dataclass(slots=True)
class ScriptedRail:
    """`answers` says what each request is answered; None: never. `lag_s` is before each answer."""

    answers: Answers
    tls: ssl.SSLContext | None = None
    lag_s: float = 0.0
    peers: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _clients: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def to(self, target: str) -> list[Asked]:
        return [each for each in self.asked if each.target.startswith(target)]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self.peers.append(writer.get_extra_info("peercert"))
        task.add_done_callback(self._clients.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = re.search(r"content-length: (\d+)", head)
        content = await reader.readexactly(int(length[1])) if length else b""
        method, target, _ = first.split(" ")
        asked = Asked(method=method, target=target, headers=headers, content=content)
        self.asked.append(asked)
        self.arrived.set()
        if self.lag_s:
            await asyncio.sleep(self.lag_s)
        said = self.answers(asked)
        if said is None:
            await asyncio.sleep(60)
            return False
        writer.write(said)
        return True
