"""A rail of blocking sockets in threads of its own: it goes on while the client's loop stands."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
RESET = struct.pack("ii", 1, 0)
WAIT_S_MAX = 20.0


class Line:
    """The rail's end of one connection, as a script plays it."""

    def __init__(self, rail: RawRail, raw: socket.socket, number: int) -> None:
        self.rail, self._raw, self.number = rail, raw, number

    def asked(self) -> bytes:
        """One whole request, byte for byte."""
        request = self.read_until(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", request)
        while length and len(request.partition(b"\r\n\r\n")[2]) < int(length[1]):
            request += self._some()
        self.rail.requests.append(request)
        self.rail.heard.release()
        return request

    def read_until(self, end: bytes) -> bytes:
        came = b""
        while end not in came:
            came += self._some()
        return came

    def say(self, data: bytes) -> None:
        self._raw.sendall(data)

    def hang_up(self) -> None:
        self._raw.close()

    def reset(self) -> None:
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._raw.close()

    def until_gone(self) -> None:
        """Wait until the client closes, however it does."""
        with suppress(ConnectionError):
            while self._some():
                pass

    def _some(self) -> bytes:
        try:
            came = self._raw.recv(65_536)
        except ssl.SSLError:
            came = b""
        if not came:
            self.rail.gone.release()
            raise ConnectionError("the client is gone")
        self.rail.bytes_heard += len(came)
        return came


Script = Callable[[Line], None]


def answer_all(line: Line) -> None:
    """A rail in good health."""
    while True:
        line.asked()
        line.say(WHOLE)


def after_one(then: Callable[[Line], None]) -> Script:
    """The first connection answers one request and, when told, does something; others are sound."""

    def play(line: Line) -> None:
        if line.number > 1:
            answer_all(line)
        line.asked()
        line.say(WHOLE)
        line.rail.go.acquire(timeout=WAIT_S_MAX)
        then(line)
        line.rail.did.release()
        line.until_gone()

    return play


class RawRail:
    """A rail whose connections each play the script.

    `heard` counts whole requests, `gone` whom the client left; a script waits for `go` and tells
    what it `did`.
    """

    def __init__(self, script: Script = answer_all, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = script, tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.bytes_heard = 0
        self.heard, self.gone = threading.Semaphore(0), threading.Semaphore(0)
        self.go, self.did = threading.Semaphore(0), threading.Semaphore(0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lines: list[tuple[threading.Thread, socket.socket]] = []
        self._accepting = threading.Thread(target=self._accept)

    def went_on(self) -> bool:
        """Let the script of `after_one` do what it does, while our own loop stands still."""
        self.go.release()
        return self.did.acquire(timeout=WAIT_S_MAX)

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(WAIT_S_MAX)
        self._listening.close()
        for thread, raw in self._lines:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
            thread.join(WAIT_S_MAX)
            raw.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                raw, _ = self._listening.accept()
                self.connections += 1
                thread = threading.Thread(target=self._play, args=(raw, self.connections))
                self._lines.append((thread, raw))
                thread.start()

    def _play(self, raw: socket.socket, number: int) -> None:
        with suppress(OSError):
            if self._tls is None:
                self._script(Line(self, raw, number))
                raw.close()
                return
            with self._tls.wrap_socket(raw.dup(), server_side=True) as wrapped:
                raw.close()
                self._script(Line(self, wrapped, number))
