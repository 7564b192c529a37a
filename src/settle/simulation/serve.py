"""Serve an ASGI app on loopback from within a running event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import uvicorn

from settle.adapters.simulator import ASGI


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the whole world's business, not one server's


@asynccontextmanager
async def serving(app: ASGI, *, port: int = 0) -> AsyncIterator[tuple[str, int]]:
    """Serve `app` until the context ends. This gives the address; port 0 chooses one."""
    listening = socket.create_server(("127.0.0.1", port))
    # asyncio sets this on its own sockets only; without it each answer waits some 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = _Server(_config(app))
    # The socket listens already: a request that comes before the server is up waits in it.
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        host, chosen = listening.getsockname()
        yield host, chosen
    finally:
        server.should_exit = True
        await task
        listening.close()


def _config(app: ASGI) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Any", app),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # Longer than any night: only the hostile network closes connections.
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=1,
    )
