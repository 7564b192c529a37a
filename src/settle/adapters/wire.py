"""One request on the wire, at most once, over HTTP/1.1.

Built on httpx's transport rather than its client: a transport follows no redirect, keeps no
cookie, reads no proxy from the environment and repeats nothing. httpcore 1.0 repeats a request
within its pool only where the connection refused to take it, before a byte was written; the
tests in `tests/wire` count. One pool with many connections is quadratic in its queue, so each
connection is a transport of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from settle.adapters.auth import Endpoint, credentials
from settle.adapters.exchange import Request, Response
from settle.adapters.leaving import TooLate, may_leave
from settle.errors import BadInput, ConfigError

RESPONSE_BYTES_MAX = 64 * 1024 * 1024
"""A statement of a busy day is tens of megabytes; more than this is refused as hostile."""

_TARGET = re.compile(r"/[\x21-\x7e]*\Z")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")  # a token, RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\Z|\Z")
_OWN = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "settle"}
_DROPPED = ("set-cookie", "set-cookie2")  # a cookie is a credential, and none is ever sent back


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No whole answer came. `sent` is False only if no byte of the request left this machine."""

    reason: str
    sent: bool
    retry_after_s: float | None = None


Answer = Response | Silence


class Wire:
    """The connections to one rail. This sends what it is given once, and never again."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connections: int = 8,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
    ) -> None:
        self._endpoint = endpoint
        self._base_url = _base_url(endpoint.base_url)
        self._base_path = urlsplit(self._base_url).path
        self._response_bytes_max = response_bytes_max
        self._timeout = _timeout(endpoint)
        # A rail that drips a byte now and then meets no phase's timeout. Connecting (TCP, TLS)
        # ends by its own: httpcore leaks the socket where a handshake is cancelled from outside.
        self._deadline_s = 2 * self._timeout["connect"] + endpoint.timeout_s
        self._tls = _tls(self._base_url)
        # Last in, first out: the warmest connection is the least likely to have been closed.
        self._idle: asyncio.LifoQueue[httpx.AsyncHTTPTransport] = asyncio.LifoQueue()
        for _ in range(connections):
            self._idle.put_nowait(self._transport())

    def compose(self, request: Request) -> httpx.Request:
        """The request as it will stand on the wire, credentials included.

        Raises:
            BadInput: the path is not a path of this rail, or a header cannot be sent.
            ConfigError: a credential cannot be found.
        """
        if not _TARGET.match(request.target):
            raise BadInput("a request's path begins with / and is ASCII, percent-encoded")
        secret = {name.lower(): value for name, value in credentials(self._endpoint.auth).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        for name, value in {**headers, **secret}.items():
            if not (_HEADER_NAME.match(name) and _HEADER_VALUE.match(value)):
                raise BadInput(f"the value of header {name!r} cannot be sent as it is")
        return httpx.Request(
            request.method,
            self._base_url + request.target,
            headers={**_OWN, **headers, **secret},
            content=request.content,
            extensions={
                "timeout": self._timeout,
                # httpx would re-encode what it finds odd; the fingerprint is over these bytes.
                "target": (self._base_path + request.target).encode("ascii"),
            },
        )

    async def send(self, composed: httpx.Request) -> Answer:
        """Send once and hear the whole answer. This is the only place where bytes leave."""
        transport = await self._idle.get()
        whole = False
        seen = _Seen()
        composed.extensions = {**composed.extensions, "trace": seen}
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await transport.handle_async_request(composed)
                answer = await self._hear(response)
        except Exception as error:  # noqa: BLE001  # whatever it is called, it is no answer
            return Silence(reason=_why(error), sent=seen.headers_begun)
        else:
            whole = isinstance(answer, Response)
            return answer
        finally:
            # A connection that failed, or was left in the middle, is never used again.
            self._idle.put_nowait(transport if whole else self._transport())
            if not whole:
                with suppress(Exception):  # a failing close must not hide what was heard
                    await asyncio.shield(transport.aclose())

    async def _hear(self, response: httpx.Response) -> Answer:
        try:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > self._response_bytes_max:
                    reason = f"the answer is larger than {self._response_bytes_max} bytes"
                    return Silence(reason=reason, sent=True)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        for name in _DROPPED:
            headers.pop(name, None)
        return Response(status=response.status_code, headers=headers, content=bytes(content))

    def _transport(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            http1=True,
            http2=False,
            retries=0,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )

    async def aclose(self) -> None:
        """Close the idle connections. Those under way close when they end."""
        while not self._idle.empty():
            await self._idle.get_nowait().aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Seen:
    """What happened at the socket, as httpcore traces it."""

    def __init__(self) -> None:
        self.headers_begun = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:  # noqa: ARG002
        # Connecting and TLS come before; from here on a byte may have left.
        if event == "http11.send_request_headers.started":
            if not may_leave():
                raise TooLate
            self.headers_begun = True


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError("base_url is http(s)://host[:port][/path]", key="base_url")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("base_url holds credentials; give them as auth", key="base_url")
    return url.rstrip("/")


def _timeout(endpoint: Endpoint) -> dict[str, float]:
    phase = endpoint.timeout_s
    connect = min(endpoint.connect_timeout_s, phase)
    return {"connect": connect, "read": phase, "write": phase, "pool": phase}


def _tls(base_url: str) -> ssl.SSLContext | bool:
    # One context for all connections: each would read the certificate store anew.
    if not base_url.startswith("https:"):
        return False
    return httpx.create_ssl_context(trust_env=False)


def _why(error: BaseException) -> str:
    """The error by type and the system's own words; its message may quote what was sent."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno:
            known = os.strerror(seen.errno) if seen.errno > 0 else seen.strerror
            return f"{type(error).__name__}: {known}"
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__
