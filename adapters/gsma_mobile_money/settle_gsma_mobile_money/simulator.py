"""A simulator of the rail: an ASGI app that behaves as version 1.1.2 says.

What is asked with a callback URL is carried out later and told by a callback; what is asked
without one, at once (`flow="sync"`) or later and by polling (`flow="polling"`). A correlation id
that came before is a duplicate, whatever stands in the request. Magic words in the payee's full
name: see `MAPPING.md`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from settle.adapters.simulator import ASGI, Clock, Execution, Memory, OutsideLine
from settle_gsma_mobile_money import rules, views
from settle_gsma_mobile_money.books import Books
from settle_gsma_mobile_money.deeds import Ask
from settle_gsma_mobile_money.parties import KINDS
from settle_gsma_mobile_money.wire import canonical

LIMIT = 50
Callback = tuple[str, Mapping[str, str], bytes]


def open_simulator(
    *,
    memory: Memory,
    clock: Clock,
    accounts: Mapping[str, str],
    outside: Sequence[OutsideLine],
    secrets: Mapping[str, str],
) -> GsmaSimulator:
    """The entry point. `secrets` holds `api_key`, and `callback_key` where callbacks are wanted."""
    books = Books(memory=memory, clock=clock, accounts=accounts, outside=outside)
    return GsmaSimulator(books, secrets=secrets)


class GsmaSimulator:
    """The rail's HTTP face over its books."""

    def __init__(self, books: Books, *, secrets: Mapping[str, str], flow: str = "sync") -> None:
        self._books, self._secrets, self._flow = books, dict(secrets), flow
        batch = "/batchtransactions/{reference}"
        self._app = Starlette(
            routes=[
                self._route("/heartbeat", self._heartbeat),
                self._route("/transactions", self._submit, method="POST"),
                self._route("/transactions/type/{type}", self._submit, method="POST"),
                self._route("/transactions/{reference}", self._transaction),
                self._route("/transactions/{reference}/reversals", self._reverse, method="POST"),
                self._route("/batchtransactions", self._batch, method="POST"),
                self._route(batch, self._approve, method="PATCH"),
                self._route(batch, self._batch_part),
                self._route(f"{batch}/{{part}}", self._batch_part),
                self._route("/requeststates/{reference}", self._state),
                self._route("/responses/{reference}", self._response),
                self._route("/accounts/{kind}/{value}/balance", self._balance),
                self._route("/accounts/{account}/balance", self._balance),
                self._route("/accounts/{kind}/{value}/transactions", self._transactions),
                self._route("/accounts/{account}/transactions", self._transactions),
            ]
        )

    @property
    def app(self) -> ASGI:
        """The rail's HTTP face."""
        return self._app

    def executions(self) -> Sequence[Execution]:
        """Every payment executed, in order; a reference standing twice was paid twice."""
        self._books.advance()
        return tuple(self._books.executed)

    def callbacks(self) -> Iterator[Callback]:
        """The callback of every request that is over: URL, headers and body."""
        self._books.advance()
        for ask in self._books.asks:
            if not ask.callback or ask.state == "pending":
                continue
            content = canonical(views.result(ask, self._books))
            headers = {
                "content-type": "application/json",
                "x-api-key": self._secrets["callback_key"],
                "x-content-hash": hashlib.sha256(content).hexdigest(),
                "x-correlationid": ask.correlation,
                "x-date": views.instant(ask.due),
            }
            yield ask.callback, headers, content

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
                return self._refused("clientAuthorisationError")
            self._books.advance()
            return await answer(request)

        return Route(path, endpoint, methods=[method])

    async def _heartbeat(self, _: Request) -> Response:
        return self._said({"serviceStatus": "available"})

    async def _submit(self, request: Request) -> Response:
        return await self._taken(request, "transaction", type_=request.path_params.get("type"))

    async def _reverse(self, request: Request) -> Response:
        return await self._taken(request, "reversal")

    async def _batch(self, request: Request) -> Response:
        return await self._taken(request, "batch")

    async def _approve(self, request: Request) -> Response:
        if self._batch_of(request.path_params["reference"]) is None:
            return self._refused("identifierError")
        return await self._taken(request, "patch")

    async def _taken(self, request: Request, kind: str, *, type_: str | None = None) -> Response:
        content, headers = await request.body(), request.headers
        correlation = headers.get("x-correlationid", "").lower()
        told = headers.get("x-content-hash")
        if correlation and not rules.UUID.fullmatch(correlation):
            return self._refused("formatError")
        if told is not None and told.lower() != hashlib.sha256(content).hexdigest():
            return self._refused("formatError")
        if correlation in self._books.by_correlation:
            return self._refused("duplicateRequest")
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return self._refused("formatError")
        if type_ is not None and isinstance(body, dict):
            if body.get("type", type_) != type_:
                return self._refused("formatError")
            body = body | {"type": type_}
        callback = headers.get("x-callback-url", "")
        ask = self._books.take(
            kind, body, correlation=correlation, callback=callback,
            client=headers.get("x-client-id", ""),
            target=request.path_params.get("reference", ""),
            later=bool(callback) or self._flow == "polling" or kind == "batch",
        )  # fmt: skip
        return self._answer(ask)

    def _answer(self, ask: Ask) -> Response:
        if ask.state == "pending":
            return self._said(views.state(ask), 202)
        if ask.error:
            return self._refused(ask.error)
        if ask.kind == "patch":
            return Response(status_code=204)
        return self._said(views.transaction(self._books.deeds[ask.made]), 201)

    async def _transaction(self, request: Request) -> Response:
        deed = self._books.deeds.get(request.path_params["reference"])
        return (
            self._refused("identifierError")
            if deed is None
            else self._said(views.transaction(deed))
        )

    async def _batch_part(self, request: Request) -> Response:
        ask = self._batch_of(request.path_params["reference"])
        part = request.path_params.get("part")
        if ask is None or part not in (None, "completions", "rejections"):
            return self._refused("identifierError")
        if part is None:
            return self._said(views.batch(ask))
        views_of = views.completions(ask, self._books)
        return self._page(request, views_of if part == "completions" else views.rejections(ask))

    async def _state(self, request: Request) -> Response:
        reference = request.path_params["reference"].lower()
        ask = next((x for x in self._books.asks if x.server_id == reference), None)
        return self._refused("identifierError") if ask is None else self._said(views.state(ask))

    async def _response(self, request: Request) -> Response:
        ask = self._books.by_correlation.get(request.path_params["reference"].lower())
        if ask is None:
            return self._refused("identifierError")
        folder = "batchtransactions" if ask.kind in ("batch", "patch") else "transactions"
        link = f"/{folder}/{ask.made}" if ask.made else f"/requeststates/{ask.server_id}"
        return self._said({"link": link})

    async def _balance(self, request: Request) -> Response:
        wallet = self._wallet(request)
        if not isinstance(wallet, str):
            return wallet
        return self._said(views.balance(self._books, wallet))

    async def _transactions(self, request: Request) -> Response:
        wallet = self._wallet(request)
        if not isinstance(wallet, str):
            return wallet
        query = request.query_params
        try:
            since, until = (_moment(query.get(x)) for x in ("fromDateTime", "toDateTime"))
        except ValueError:
            return self._refused("formatError")
        wanted = query.get("transactionStatus"), query.get("transactionType")
        found = [
            x
            for x in self._books.deeds.values()
            if wallet in (self._books.wallet_of(x.debit), self._books.wallet_of(x.credit))
            and (since is None or since <= x.at)
            and (until is None or x.at <= until)
            and wanted[0] in (None, x.status)
            and wanted[1] in (None, x.type)
        ]
        found.sort(key=lambda x: (x.at, x.reference))
        return self._page(request, [views.transaction(x) for x in found])

    def _wallet(self, request: Request) -> str | Response:
        path = request.path_params
        account = path.get("account") or f"{path['kind']}@{path['value']}"
        parts = [x.partition("@") for x in account.split("$")]
        if not all(sign and value and kind in KINDS for kind, sign, value in parts):
            return self._refused("formatError")
        told = [{"key": kind, "value": value} for kind, _, value in parts]
        return self._books.wallet_of(told) or self._refused("identifierError")

    def _page(self, request: Request, items: Sequence[dict[str, Any]]) -> Response:
        asked = [request.query_params.get(x) for x in ("offset", "limit")]
        if not all(x is None or (x.isascii() and x.isdigit() and len(x) < 10) for x in asked):
            return self._refused("invalidOffset")
        offset, limit = int(asked[0] or 0), int(asked[1] or LIMIT)
        page = list(items[offset : offset + limit])
        counts = {
            "X-Records-Available-Count": str(len(items)),
            "X-Records-Returned-Count": str(len(page)),
        }
        return self._said(page, headers=counts)

    def _batch_of(self, reference: str) -> Ask | None:
        asks = self._books.asks
        return next((x for x in asks if x.kind == "batch" and x.made == reference), None)

    def _refused(self, code: str) -> Response:
        view = views.problem(code, at=self._books.now())
        return self._said(view, rules.STATUS[rules.CATEGORY[code]])

    def _said(
        self, body: Any, status: int = 200, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        date = {"X-Date": views.instant(self._books.now())}
        return JSONResponse(body, status, headers={**date, **(headers or {})})


def _moment(text: str | None) -> datetime | None:
    """A bound as the rail was given it; a day alone is its first moment."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
