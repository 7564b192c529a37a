"""A proxy between us and a rail: used only where the endpoint says so, and blind to what passes.

It is asked for a tunnel (CONNECT; RFC 9110, 9.3.6), and TLS with the rail goes through that. So a
proxy sees the rail's name and nothing of a request; a rail over plain HTTP goes by none.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never
from urllib.parse import SplitResult, unquote, urlsplit

from settle.adapters.answer import ProxyRefused
from settle.adapters.auth import BasicAuth, Endpoint, Proxy, ProxyFromEnvironment
from settle.adapters.origin import Origin
from settle.errors import ConfigError

HEAD_BYTES_MAX = 16 * 1024

_OPENED = re.compile(rb"HTTP/1\.[01] 2[0-9][0-9][ \r]")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """Where a proxy listens. `user` gives user and password, joined by a colon, when it is used."""

    host: str
    port: int
    user: Callable[[], str] | None = field(repr=False)

    def ask(self, origin: Origin) -> bytes:
        """What is said to the proxy.

        Raises:
            ConfigError: the password cannot be found.
        """
        name = f"[{origin.host}]" if ":" in origin.host else origin.host
        place = f"{name}:{origin.port}"
        pair = "" if self.user is None else base64.b64encode(self.user().encode()).decode()
        proof = f"proxy-authorization: Basic {pair}\r\n" if pair else ""
        return f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{proof}\r\n".encode("ascii")


def tunnel_of(endpoint: Endpoint, origin: Origin) -> Tunnel | None:
    """The proxy that an endpoint is reached by; None for none.

    Raises:
        ConfigError: it is not `http://host:port`, or the rail is not reached over TLS.
    """
    match endpoint.proxy:
        case None:
            return None
        case Proxy() as proxy:
            if origin.tls is None:
                raise ConfigError("a proxy carries https only", key="proxy")
            return _at(_split(proxy.url), None if proxy.auth is None else _revealed(proxy.auth))
        case ProxyFromEnvironment():
            return None if origin.tls is None else _of_environment(origin)
        case _:
            assert_never(endpoint.proxy)


def _of_environment(origin: Origin) -> Tunnel | None:
    from urllib.request import getproxies_environment, proxy_bypass

    url = getproxies_environment().get("https")
    if not url or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    parts = _split(url if "://" in url else f"http://{url}")
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return _at(parts._replace(netloc=parts.netloc.rpartition("@")[2]), _given(pair))


def _revealed(auth: BasicAuth) -> Callable[[], str]:
    return lambda: f"{auth.user}:{auth.password.reveal()}"


def _given(pair: str) -> Callable[[], str] | None:
    return None if pair == ":" else lambda: pair


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ConfigError("a proxy is http://host:port", key="proxy") from None


def _at(parts: SplitResult, user: Callable[[], str] | None) -> Tunnel:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme != "http" or not host or not port or parts.path not in ("", "/"):
        raise ConfigError("a proxy is http://host:port", key="proxy")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("a proxy's url holds more than host and port", key="proxy")
    return Tunnel(host=host, port=port, user=user)


async def open_tunnel(connected: socket.socket, asked: bytes) -> None:
    """Have the proxy at the other end connect us. What it says before TLS is its own.

    Raises:
        ProxyRefused: it did not, or it said more than that.
        OSError: the connection broke.
    """
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connected, asked)
    head = b""
    while b"\r\n\r\n" not in head:
        some = await loop.sock_recv(connected, 4096)
        if not some or len(head) > HEAD_BYTES_MAX:
            raise ProxyRefused("no answer")
        head += some
    if not _OPENED.match(head):
        status = _STATUS.match(head)
        raise ProxyRefused(f"status {status[1].decode()}" if status else "not HTTP")
    if head.partition(b"\r\n\r\n")[2]:
        raise ProxyRefused("it speaks in the rail's place")
