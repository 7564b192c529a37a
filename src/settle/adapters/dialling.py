"""Reaching a rail: its name, a TCP connection, TLS. Nothing of a request leaves here."""

from __future__ import annotations

import asyncio
import socket

from settle.adapters.connection import Connection
from settle.adapters.origin import Origin
from settle.adapters.proxy import Tunnel, open_tunnel


async def dial(
    origin: Origin,
    *,
    timeout_s: float,
    tls_timeout_s: float | None = None,
    tunnel: Tunnel | None = None,
) -> Connection:
    """A new connection. TCP takes `timeout_s` at most, and TLS as long or `tls_timeout_s`.

    With a `tunnel` the proxy is connected to, and asked within the time of TCP.

    However this ends without a connection, by cancellation too, its socket is closed.

    Raises:
        OSError: the name does not resolve, nobody listens, TLS fails, or it took too long.
        UnicodeError: the host's name cannot be one.
    """
    async with asyncio.timeout(timeout_s):
        connected = await _reached(origin, tunnel)
    async with asyncio.timeout(timeout_s if tls_timeout_s is None else tls_timeout_s):
        return await _spoken(connected, origin)


async def _reached(origin: Origin, tunnel: Tunnel | None) -> socket.socket:
    if tunnel is None:
        return await _connected(origin)
    asked = tunnel.ask(origin)
    connected = await _connected(tunnel)
    try:
        await open_tunnel(connected, asked)
    except BaseException:
        connected.close()
        raise
    return connected


async def _connected(origin: Origin | Tunnel) -> socket.socket:
    """A socket to the first of the host's addresses that takes one."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    refused: OSError | None = None
    for family, kind, protocol, _, address in found:
        try:
            return await _to(address, socket.socket(family, kind, protocol))
        except OSError as error:
            refused = error
    raise refused or OSError("the host has no address")


async def _to(address: tuple[object, ...], opened: socket.socket) -> socket.socket:
    opened.setblocking(False)  # noqa: FBT003
    try:
        await asyncio.get_running_loop().sock_connect(opened, address)
    except BaseException:
        opened.close()
        raise
    return opened


async def _spoken(connected: socket.socket, origin: Origin) -> Connection:
    """The connection on a socket, after TLS where the rail speaks it. asyncio owns the socket."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        Connection,
        sock=connected,
        ssl=origin.tls,
        server_hostname=origin.host if origin.tls else None,
    )
    return connection
