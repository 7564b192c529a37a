"""A simulator of the rail: an ASGI app that behaves as TransferService v4 says.

It executes at once, deduplicates by `Idempotency-Key` alone, and keeps every execution, so
that a payment sent twice under two keys stands twice in `executions()`. Names that contain
`SANDBOX REJECT <code>` are refused with 422, and `SANDBOX RETURN <code> SHORT <n>` come back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from settle.adapters.simulator import ASGI, Clock, Execution, Memory, OutsideLine
from settle_adyen_transfers import rules, views, webhook
from settle_adyen_transfers.books import Books, Move, Place, between
from settle_adyen_transfers.wire import canonical

REJECT = re.compile(r"SANDBOX REJECT (\w+)")
KEY_IN_USE = "704"


def open_simulator(
    *,
    memory: Memory,
    clock: Clock,
    accounts: Mapping[str, str],
    outside: Sequence[OutsideLine],
    secrets: Mapping[str, str],
) -> AdyenSimulator:
    """The entry point. `secrets` holds `api_key`, and `hmac_key` where webhooks are wanted."""
    books = Books(memory=memory, clock=clock, accounts=accounts, outside=outside)
    return AdyenSimulator(books, secrets=secrets)


class AdyenSimulator:
    """The rail's HTTP face over its books."""

    def __init__(self, books: Books, *, secrets: Mapping[str, str]) -> None:
        self._books, self._secrets = books, dict(secrets)
        self._app = Starlette(
            routes=[
                self._route("/btl/v4/transfers", self._submit, method="POST"),
                self._route("/btl/v4/transfers", self._transfers),
                self._route("/btl/v4/transfers/{id}", self._transfer),
                self._route("/btl/v4/transactions", self._transactions),
                self._route("/bcl/v2/balanceAccounts/{id}", self._balance_account),
            ]
        )

    @property
    def app(self) -> ASGI:
        """The rail's HTTP face."""
        return self._app

    def executions(self) -> Sequence[Execution]:
        """Every payment executed, in order; a reference standing twice was paid twice."""
        return tuple(self._books.executed)

    def webhooks(self) -> Iterator[tuple[Mapping[str, str], bytes]]:
        """A signed delivery for each transfer as it stands now: headers and body."""
        for move in list(self._books.moves.values()):
            body = {
                "data": views.transfer(move),
                "environment": "test",
                "timestamp": views.instant(move.at),
                "type": "balancePlatform.transfer.updated",
            }
            content = canonical(body)
            signed = webhook.signature(content, key=self._secrets["hmac_key"])
            yield {webhook.HEADER: signed, "content-type": "application/json"}, content

    def _route(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        *,
        method: str = "GET",
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("x-api-key", "").encode()
            if not hmac.compare_digest(given, self._secrets["api_key"].encode()):
                error = {"errorCode": "000", "errorType": "security", "status": 401}
                return JSONResponse(error | {"message": "HTTP Status Response - Unauthorized"}, 401)
            self._books.arrive()
            return await answer(request)

        return Route(path, endpoint, methods=[method])

    async def _submit(self, request: Request) -> Response:
        content = await request.body()
        key = request.headers.get("idempotency-key")
        headers = {} if key is None else {"Idempotency-Key": key}
        status, answer = self._executed(content, key=key)
        return JSONResponse(answer, status, headers=headers)

    def _executed(self, content: bytes, *, key: str | None) -> tuple[int, dict[str, Any]]:
        try:
            asked = json.loads(content)
        except ValueError:
            return _invalid([("body", "not JSON")])
        found = list(rules.faults(asked, currencies=self._books.currencies()))
        if key is not None and not 0 < len(key) <= 64:
            found.append(("Idempotency-Key", "not 1 to 64 characters"))
        if found:
            return _invalid(found)
        digest = hashlib.sha256(canonical(asked)).hexdigest()
        if key in self._books.by_key:
            return self._replayed(*self._books.by_key[key], digest=digest)
        name = asked["counterparty"]["bankAccount"]["accountHolder"]["fullName"]
        if magic := REJECT.search(name):
            return _invalid([("counterparty.bankAccount", magic[1])], code=magic[1])
        return 202, views.submitted(self._books.execute(asked, key=key, digest=digest))

    def _replayed(self, stored: str, move: str, *, digest: str) -> tuple[int, dict[str, Any]]:
        if stored == digest:
            return 202, views.submitted(self._books.moves[move])
        detail = "the idempotency key was used for another request"
        return 422, views.problem(422, code=KEY_IN_USE, detail=detail)

    async def _transfers(self, request: Request) -> Response:
        account = request.query_params.get("balanceAccountId", "")
        places = self._books.list_moves(account, request.query_params.get("reference"))
        return self._page(request, places, lambda x: views.transfer(self._books.moves[x]))

    async def _transactions(self, request: Request) -> Response:
        name = request.query_params.get("balanceAccountId", "")
        account = self._books.accounts.get(name)
        places = account.bookings if account else []
        return self._page(request, places, lambda x: views.transaction(self._books.bookings[x]))

    async def _transfer(self, request: Request) -> Response:
        move: Move | None = self._books.moves.get(request.path_params["id"])
        if move is None:
            return _refused([("id", "no such transfer")])
        return JSONResponse(views.transfer(move))

    async def _balance_account(self, request: Request) -> Response:
        name = request.path_params["id"]
        account = self._books.accounts.get(name)
        if account is None:
            return _refused([("id", "no such balance account")])
        return JSONResponse(views.balance_account(name, account))

    def _page(
        self, request: Request, places: Sequence[Place], view: Callable[[str], dict[str, Any]]
    ) -> Response:
        query = dict(request.query_params)
        if query.get("balanceAccountId") not in self._books.currencies():
            return _refused([("balanceAccountId", "no such balance account")])
        try:
            page, more = _cut(places, query)
        except (KeyError, ValueError, TypeError):
            return _refused([("query", "createdSince, createdUntil, cursor or limit")])
        answer: dict[str, Any] = {"data": [view(name) for _, name in page], "_links": {}}
        if more:
            following = urlencode(query | {"cursor": views.cursor(page[-1])})
            answer["_links"] = {"next": {"href": f"{request.url.replace(query=following)}"}}
        return JSONResponse(answer)


def _cut(places: Sequence[Place], query: Mapping[str, str]) -> tuple[Sequence[Place], bool]:
    limit = int(query.get("limit", "10"))
    if not 0 < limit <= 100 or query.get("sortOrder", "asc") != "asc":
        raise ValueError(limit)
    return between(
        places,
        since=datetime.fromisoformat(query["createdSince"]),
        until=datetime.fromisoformat(query["createdUntil"]),
        after=views.place(query["cursor"]) if "cursor" in query else None,
        limit=limit,
    )


def _refused(faults: Sequence[rules.Fault]) -> Response:
    status, answer = _invalid(faults)
    return JSONResponse(answer, status)


def _invalid(faults: Sequence[rules.Fault], *, code: str = "29_001") -> tuple[int, dict[str, Any]]:
    detail = "the request did not pass validation; nothing was created"
    return 422, views.problem(422, code=code, detail=detail, faults=faults)
