"""Requests as the simulated rail takes them, and refusals as it gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from settle_wise import rules, views

Answer = tuple[int, Any]


class Refusal(Exception):
    """A request that is refused: the status and the body."""

    def __init__(self, status: int, view: Any) -> None:
        super().__init__(status)
        self.status, self.view = status, view


async def asked_of(request: Request) -> dict[str, Any]:
    """The body of a request, numbers with a fraction as `Decimal`."""
    try:
        asked = json.loads(await request.body(), parse_float=Decimal)
    except ValueError:
        raise refusal("body", "BAD_REQUEST", status=400) from None
    if not isinstance(asked, dict):
        raise refusal("body", "BAD_REQUEST", status=400)
    return asked


def moment(text: str | None) -> datetime | None:
    """A moment of a query, with its zone."""
    at = None if text is None else datetime.fromisoformat(text)
    if at is not None and at.tzinfo is None:
        raise ValueError(text)
    return at


def refuse_if(faults: Sequence[rules.Fault], *, status: int = 422) -> None:
    """Refuse a request that has faults."""
    if faults:
        raise Refusal(status, views.refused(faults))


def refusal(path: str, code: str, *, status: int = 422) -> Refusal:
    """A refusal for one reason."""
    return Refusal(status, views.refused([(path, code)]))


def not_found(what: str) -> Answer:
    """What is not there."""
    return 404, views.refused([(what, f"{what}.not-found")])


def json_of(status: int, view: Any) -> Response:
    """An answer."""
    return Response(views.written(view), status, media_type="application/json")
