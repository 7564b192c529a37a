"""A raw loopback server that counts what reaches it and misbehaves as told."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
RESET = struct.pack("ii", 1, 0)


class CountingServer:
    """Counts requests by target, over all connections; `fault` is what `/pay` meets."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.bytes_received = 0
        self.fault = "none"
        self.answer = WHOLE
        self.heads: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def payments(self) -> int:
        return sum(target.startswith("/pay") for target in self.targets)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self.fault != "drop before read":
                while await self._one(reader, writer):
                    pass
        self._clients.discard(task)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        self.bytes_received += len(head) + len(body)
        self.heads.append(head)
        target = head.split(b" ")[1].decode()
        self.targets.append(target)
        return await self._react(target, writer)

    async def _react(self, target: str, writer: asyncio.StreamWriter) -> bool:
        if not target.startswith("/pay"):
            writer.write(WHOLE)
            return self.fault != "close idle"
        if self.fault == "half answer":
            writer.write(self.answer[:-1])
            await writer.drain()
        elif self.fault == "half head":
            writer.write(self.answer[:12])
            await writer.drain()
        elif self.fault == "reset":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif self.fault == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)
        elif self.fault == "slow":
            await asyncio.sleep(60)
        elif self.fault != "drop after read":
            writer.write(self.answer)
            return True
        return False


@pytest.fixture
async def server() -> AsyncIterator[CountingServer]:
    """A counting server on loopback."""
    counting = CountingServer()
    await counting.start()
    yield counting
    await counting.stop()
