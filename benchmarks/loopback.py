"""A rail on loopback, in a process of its own, that takes every payment and counts what it took.

It speaks as the platform of single transfers does and as the bank of batches, as fast as Python
can: what is measured is who pays. `GET /counts` tells what it took and what it took twice.

    python benchmarks/loopback.py        # prints its URL and serves until its input ends
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

TRANSFER = {"id": "T", "status": "authorised", "category": "bank", "direction": "outgoing"}
REPORT = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.14"><CstmrPmtStsRpt>'
    "<GrpHdr><MsgId>R</MsgId><CreDtTm>2024-12-18T17:00:00Z</CreDtTm></GrpHdr>"
    "<OrgnlGrpInfAndSts><OrgnlMsgId>{batch_id}</OrgnlMsgId>"
    "<OrgnlMsgNmId>pain.001.001.12</OrgnlMsgNmId><GrpSts>ACCP</GrpSts></OrgnlGrpInfAndSts>"
    "</CstmrPmtStsRpt></Document>"
)
"""A status of the group is every payment's where none has one of its own."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)
_MESSAGE = re.compile(rb"<MsgId>([^<]+)</MsgId>")
_PAYMENTS = re.compile(rb"<NbOfTxs>([0-9]+)</NbOfTxs>")


class Rail(asyncio.Protocol):
    """One connection. `taken` is shared: how often each key, or each batch, was posted."""

    def __init__(self, taken: Counter[bytes], sizes: dict[bytes, int]) -> None:
        self.taken, self.sizes = taken, sizes
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is here whole."""
        self.buffer += data
        while True:
            head, blank, rest = self.buffer.partition(b"\r\n\r\n")
            if not blank:
                return
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            method, path, _ = head.split(b" ", 2)
            status, body = self.answer(method, path.decode(), head, rest[:size])
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
            self.transport.write(body)

    def answer(self, method: bytes, path: str, head: bytes, content: bytes) -> tuple[bytes, bytes]:
        """Take what is posted, and say so."""
        if path == "/counts":
            payments = sum(self.sizes.get(key, 1) for key in self.taken)
            twice = sum(count > 1 for count in self.taken.values())
            return b"200 OK", json.dumps({"payments": payments, "twice": twice}).encode()
        if method == b"GET":
            return b"200 OK", REPORT.format(batch_id=path.split("/")[-2]).encode()
        if content.startswith(b"<"):
            begin = content[:4096]
            message, size = _MESSAGE.search(begin), _PAYMENTS.search(begin)
            assert message is not None
            assert size is not None
            self.taken[message[1]] += 1
            self.sizes[message[1]] = int(size[1])
            return b"202 Accepted", b""
        key = _KEY.search(head)
        assert key is not None, "a transfer without its key"
        self.taken[key[1]] += 1
        asked = json.loads(content)
        same = {name: asked[name] for name in ("amount", "reference") if name in asked}
        return b"202 Accepted", json.dumps(TRANSFER | same).encode()


async def _serve() -> None:
    taken: Counter[bytes] = Counter()
    sizes: dict[bytes, int] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Rail(taken, sizes), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def serving() -> Iterator[str]:
    """A rail of one's own, while the context lasts; this gives its URL."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def counts(url: str) -> tuple[int, int]:
    """How many payments the rail took, and how many keys or batches came more than once."""
    with urllib.request.urlopen(f"{url}/counts") as answer:
        told = json.load(answer)
    return told["payments"], told["twice"]


if __name__ == "__main__":
    asyncio.run(_serve())
