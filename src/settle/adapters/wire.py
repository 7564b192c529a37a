"""One request on the wire, at most once, over HTTP/1.1.

A client of our own on asyncio, with h11 to read answers: it follows no redirect, keeps no
cookie, uses a proxy only where it is told and repeats nothing. `sent` is the moment a request
is handed to its socket, seen by who hands it over; the tests in `tests/wire` count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from settle.adapters.answer import Answer, Silence, why
from settle.adapters.auth import Endpoint
from settle.adapters.client_tls import ClientTls
from settle.adapters.composition import Composed, compose
from settle.adapters.connection import Connection
from settle.adapters.credentials import credentials
from settle.adapters.deadlines import deadlines_of
from settle.adapters.dialling import dial
from settle.adapters.exchange import Request
from settle.adapters.grant import Token, TokenRequest
from settle.adapters.origin import origin_of
from settle.adapters.proxy import tunnel_of
from settle.adapters.signer import Signer
from settle.errors import ConfigError

__all__ = ["RESPONSE_BYTES_MAX", "Answer", "Composed", "Silence", "Wire"]

RESPONSE_BYTES_MAX = 64 * 1024 * 1024
"""A statement of a busy day is tens of megabytes; more than this is refused as hostile."""


class Wire:
    """The connections to one rail. This sends what it is given once, and never again."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connections: int = 8,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._wall = wall
        self._signer = None if endpoint.signing is None else Signer(endpoint.signing)
        self._endpoint = endpoint
        self._origin = origin_of(endpoint.base_url)
        self._client = None if endpoint.client is None else ClientTls(endpoint.client)
        if self._client is not None and self._origin.tls is None:
            raise ConfigError("a client's certificate needs a base_url with https", key="client")
        self._tunnel = tunnel_of(endpoint, self._origin)
        self._deadlines = deadlines_of(endpoint)
        self._connect_s = min(endpoint.connect_timeout_s, endpoint.timeout_s)
        self._response_bytes_max = response_bytes_max
        self._slots = asyncio.Semaphore(connections)
        # Last in, first out: the warmest connection is the least likely to have been closed.
        self._idle: list[Connection] = []
        self._closed = False

    def compose(self, request: Request, token: Token | None = None) -> Composed:
        """The request as it will stand on the wire, credentials included.

        A `token` is for rails that give one; the request for it is composed without, and not
        signed. A signature tells the time of this call.

        Raises:
            BadInput: the path is not a path of this rail, or a header cannot be sent.
            ConfigError: a credential cannot be found.
        """
        if self._client is not None:
            self._origin = replace(self._origin, tls=self._client.context())
        if self._tunnel is not None:
            self._tunnel.ask(self._origin)  # its password is missed now, by name
        given = credentials(self._endpoint.auth, token)
        composed = compose(request, self._origin, given)
        if self._signer is None or isinstance(request, TokenRequest):
            return composed
        scheme = "http" if self._origin.tls is None else "https"
        signed = self._signer.headers(composed, scheme=scheme, now_s=self._wall())
        return compose(request, self._origin, {**given, **signed})

    async def send(self, composed: Composed) -> Answer:
        """Send once and hear the whole answer. This is the only place where bytes leave."""
        async with self._slots:
            try:
                connection = self._kept() or await self._dialled()
            except Exception as error:  # noqa: BLE001  # whatever it is called, nothing has left
                return Silence(reason=why(error), sent=False)
            answer = await connection.ask(
                composed,
                deadlines=self._deadlines,
                response_bytes_max=self._response_bytes_max,
            )
            self._keep(connection)
            return answer

    async def _dialled(self) -> Connection:
        tls_s = self._endpoint.tls_timeout_s
        return await dial(
            self._origin, timeout_s=self._connect_s, tls_timeout_s=tls_s, tunnel=self._tunnel
        )

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_sound():
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
        elif connection.is_open:
            self._idle.append(connection)

    async def aclose(self) -> None:
        """Close the idle connections. Those under way close when they end."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
