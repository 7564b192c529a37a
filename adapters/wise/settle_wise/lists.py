"""The reads every conversation is made of: a transfer by our reference, by id, what funded it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from settle.adapters import Conversation, Payment, Request, Response, reads
from settle.errors import DocumentError, RailDown
from settle_wise.wire import Listed, Pay, Transfer, listed, read

TRANSFERS, ONE = "/v1/transfers", "GET /v1/transfers/{id}"
JSON = {"accept": "application/json"}
SENT = JSON | {"content-type": "application/json"}
PAGE = 100
FIND_DAYS = timedelta(days=45)
"""How far from its value date a transfer may have been created. The list has no filter for our
reference, so the bounds are what keeps a search short."""


def reference(payment: Payment) -> str:
    """`customerTransactionId`: the payment's UETR, the one of its derived names that is a UUID."""
    return payment.uetr.lower()


def transfer_of(payment: Payment, *, profile: int) -> Conversation[Transfer | None]:
    """The transfer with our reference, if the rail lists one.

    Raises:
        RailDown: a page was refused.
        DocumentError: a page cannot be read, or the pages go round in a circle.
    """
    midnight = datetime.combine(payment.value_date, time(), UTC)
    span = (midnight - FIND_DAYS, midnight + FIND_DAYS)
    ours = reference(payment)
    found = yield from transfers_in(payment.currency, profile=profile, span=span, until=ours)
    wanted = [raw for raw in found.values() if read(Listed, raw, what=ONE).reference == ours]
    return read(Transfer, wanted[0], what=ONE) if wanted else None


def transfers_in(
    currency: str, *, profile: int, span: tuple[datetime, datetime], until: str = ""
) -> Conversation[dict[int, dict[str, Any]]]:
    """Transfers created between two moments, by id, as they came.

    All of them, or page after page up to the one with the reference `until`.
    """
    found: dict[int, dict[str, Any]] = {}
    for page in itertools.count():
        # The offset is a multiple of the limit, or the rail refuses.
        request = _list(profile, currency, span=span, offset=page * PAGE)
        response = yield reads(request)
        raw = answered(response)
        items = listed(Listed, raw, what="GET /v1/transfers")
        if items and {x.id for x in items} <= found.keys():
            raise DocumentError("GET /v1/transfers: the pages go round in a circle")
        found |= {x.id: each for x, each in zip(items, raw, strict=True)}
        if len(items) < PAGE or (until and until in {x.reference for x in items}):
            break
    return found


def transfer(transfer_id: int) -> Conversation[dict[str, Any] | None]:
    """One transfer as it came; None where it is none of ours."""
    response = yield reads(get(f"{TRANSFERS}/{transfer_id}"))
    if response.status in (403, 404):
        return None
    raw: dict[str, Any] = answered(response)
    read(Listed, raw, what=ONE)
    return raw


def is_funded(transfer_id: int) -> Conversation[bool]:
    """Whether a completed payment funds the transfer."""
    response = yield reads(get(f"{TRANSFERS}/{transfer_id}/payments"))
    return bool(listed(Pay, answered(response), what="GET /v1/transfers/{id}/payments"))


def get(path: str, query: Mapping[str, str] | None = None) -> Request:
    """A GET of JSON."""
    return Request(method="GET", path=path, query=query or {}, headers=JSON)


def answered(response: Response) -> Any:
    """The body of an answered read.

    Raises:
        RailDown: the status is not 200.
    """
    if response.status != 200:
        raise RailDown(f"the rail answered a read with {response.status}", status=response.status)
    return response.json()


def instant(at: datetime) -> str:
    """A moment as the rail writes it in queries: UTC, to the millisecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _list(profile: int, currency: str, *, span: tuple[datetime, datetime], offset: int) -> Request:
    since, until = span
    query = {
        "createdDateEnd": instant(until),
        "createdDateStart": instant(since),
        "limit": str(PAGE),
        "offset": str(offset),
        "profile": str(profile),
        "sourceCurrency": currency,
        "targetCurrency": currency,
    }
    return get(TRANSFERS, query)
