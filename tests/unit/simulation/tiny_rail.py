"""The smallest rail there can be: it executes whatever is posted, again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from settle.adapters.simulator import Clock, Execution, Memory, OutsideLine


class TinyRail:
    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._executed = [
            Execution(
                reference=entry["reference"],
                amount_minor=1,
                currency="EUR",
                executed_at=self._clock(),
            )
            for entry in memory.entries()
        ]
        self.app: Any = Starlette(routes=[Route("/payments", self.pay, methods=["POST"])])

    async def pay(self, request: Request) -> JSONResponse:
        reference = (await request.body()).decode()
        self._memory.append({"reference": reference})
        now = self._clock()
        self._executed.append(
            Execution(reference=reference, amount_minor=1, currency="EUR", executed_at=now)
        )
        return JSONResponse({"at": now.isoformat()})

    def executions(self) -> Sequence[Execution]:
        return self._executed


def open_simulator(
    *,
    memory: Memory,
    clock: Clock,
    accounts: Mapping[str, str],
    outside: Sequence[OutsideLine],
    secrets: Mapping[str, str],
) -> TinyRail:
    assert accounts == {"EUR": "DE00"}
    assert secrets == {"key": "made up"}
    assert [x.reference for x in outside] == ["OWN FUNDS"]
    return TinyRail(memory, clock)
