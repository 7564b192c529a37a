"""The world's own HTTP face: set its clock, read its ground truth."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from settle.adapters.simulator import ASGI

if TYPE_CHECKING:
    from settle.simulation.world import World


def control(world: World) -> ASGI:
    """The control app. Routes: `/clock` (GET, PUT), `/executions`, `/journal` (GET)."""

    def clock(_: Request) -> Response:
        return JSONResponse({"now": world.clock().isoformat()})

    async def set_clock(request: Request) -> Response:
        try:
            world.clock.set(datetime.fromisoformat((await request.json())["now"]))
        except (ValueError, TypeError, KeyError):
            reason = "give {'now': ISO 8601 with its offset}"
            return JSONResponse({"error": reason}, status_code=422)
        return clock(request)

    async def now(request: Request) -> Response:
        return clock(request)

    async def executions(_: Request) -> Response:
        return JSONResponse(world.executions())

    async def journal(_: Request) -> Response:
        return JSONResponse(world.journal())

    app = Starlette(
        routes=[
            Route("/clock", now, methods=["GET"]),
            Route("/clock", set_clock, methods=["PUT"]),
            Route("/executions", executions),
            Route("/journal", journal),
        ]
    )
    return cast("ASGI", app)
