"""The banks' side of the wire: a bank in memory, or a real plug-in's simulator in process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from settle.adapters import Response
from settle.adapters.simulator import ASGI, Execution, Simulator
from settle.adapters.wire import Composed
from settle.simulation.trial.bank import Bank

Delivery = tuple[Mapping[str, str], bytes]
"""Headers and body of a notification."""


class Door(Protocol):
    """Where requests arrive at a rail, and where its truth can be read."""

    async def answer(self, asked: Composed, *, stale: timedelta = ...) -> Response:
        """What the rail does and says."""
        ...

    def executions(self) -> Sequence[Execution]:
        """What it truly executed."""
        ...

    def notifications(self) -> Iterator[Delivery]:
        """What it tells unasked."""
        ...


class MemoryDoor:
    """A bank in memory."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    async def answer(self, asked: Composed, *, stale: timedelta = timedelta()) -> Response:
        """What the bank does and says."""
        return self.bank.answer(
            asked.request.method, asked.path, asked.request.content, stale=stale
        )

    def executions(self) -> Sequence[Execution]:
        """What it truly executed."""
        return self.bank.executed

    def notifications(self) -> Iterator[Delivery]:
        """What it tells unasked."""
        return self.bank.notifications()


class SimulatorDoor:
    """A plug-in's simulator, called as an ASGI server calls it, with no socket between.

    A stale read is the rail's former answer to the same question.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._answers: dict[str, Response] = {}

    async def answer(self, asked: Composed, *, stale: timedelta = timedelta()) -> Response:
        """What the simulator does and says."""
        reads = asked.request.method == "GET"
        former = self._answers.get(asked.target) if reads and stale else None
        answer = former or await call(self._simulator.app, asked)
        self._answers[asked.target] = answer
        return answer

    def executions(self) -> Sequence[Execution]:
        """What it truly executed."""
        return self._simulator.executions()

    def notifications(self) -> Iterator[Delivery]:
        """What it tells unasked, where it does."""
        webhooks = getattr(self._simulator, "webhooks", None)
        return iter(()) if webhooks is None else webhooks()


async def call(app: ASGI, asked: Composed) -> Response:
    """One request to an ASGI app, and its whole answer."""
    status, headers, content = 500, {}, bytearray()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": asked.request.content, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {k.decode().lower(): v.decode() for k, v in message.get("headers", ())}
        content.extend(message.get("body", b""))

    await app(_scope(asked), receive, send)
    return Response(status=status, headers=headers, content=bytes(content))


def _scope(asked: Composed) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.request.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.target.partition("?")[0].encode(),
        "query_string": asked.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in asked.headers.items()],
        "server": (asked.headers["host"], 80),
        "client": ("127.0.0.1", 1),
    }
