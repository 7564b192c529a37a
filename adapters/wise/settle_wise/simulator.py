"""A simulator of the rail: an ASGI app that behaves as its documentation says.

A transfer is made once for a `customerTransactionId`, funded once, and moves by the clock. The
sandbox's own `/v1/simulation` calls move it, too. A recipient whose name holds
`SANDBOX REJECT <code>` is refused with that code; `SANDBOX RETURN <code> SHORT <n>` bounces back.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from settle.adapters.simulator import ASGI, Clock, Execution, Memory, OutsideLine
from settle.errors import MoneyError
from settle.money import to_minor
from settle_wise import posting, rules, views
from settle_wise.asking import (
    Answer,
    Refusal,
    asked_of,
    json_of,
    moment,
    not_found,
    refusal,
    refuse_if,
)
from settle_wise.books import Books
from settle_wise.pricing import RATES, priced
from settle_wise.records import QUOTE_LIVES, SIMULATED, UNSENT, Quote, Transfer

REJECT = re.compile(r"SANDBOX REJECT (\w+)")
PROFILE = 30_000_000


def open_simulator(
    *,
    memory: Memory,
    clock: Clock,
    accounts: Mapping[str, str],
    outside: Sequence[OutsideLine],
    secrets: Mapping[str, str],
) -> WiseSimulator:
    """The entry point. `secrets`: `api_token`; `webhook_private_key` (PEM) to sign webhooks."""
    books = Books(memory=memory, clock=clock, accounts=accounts, outside=outside)
    return WiseSimulator(books, secrets=secrets)


class WiseSimulator:
    """The rail's HTTP face over its books. Any profile's id is its one profile's."""

    def __init__(self, books: Books, *, secrets: Mapping[str, str]) -> None:
        self._books, self._secrets = books, dict(secrets)
        quotes, accounts, transfers = "/v3/profiles/{p:int}/quotes", "/v1/accounts", "/v1/transfers"
        of_balance = "/v1/profiles/{p:int}/balance-statements/{b:int}"
        self._app = Starlette(
            routes=[
                *(self._route("POST", x, self._quote) for x in ("/v2/quotes", quotes)),
                *(
                    self._route(method, f"{x}/{{q}}", answer)
                    for x in ("/v2/quotes", quotes)
                    for method, answer in (("GET", self._quoted), ("PATCH", self._attach))
                ),
                self._route("GET", "/v1/quotes/{q}/account-requirements", self._forms),
                self._route("POST", "/v1/quotes/{q}/account-requirements", self._forms),
                self._route("POST", accounts, self._recipient),
                self._route("GET", f"{accounts}/{{r:int}}", self._received),
                self._route("POST", "/v1/transfer-requirements", self._transfer_forms),
                self._route("POST", transfers, self._transfer),
                self._route("GET", transfers, self._transfers),
                self._route("GET", f"{transfers}/{{t:int}}", self._shown),
                self._route("GET", f"{transfers}/{{t:int}}/payments", self._payments),
                self._route("PUT", f"{transfers}/{{t:int}}/cancel", self._cancel),
                self._route("POST", "/v3/profiles/{p:int}/transfers/{t:int}/payments", self._fund),
                self._route("GET", "/v1/delivery-estimates/{t:int}", self._estimate),
                self._route("GET", "/v1/simulation/transfers/{t:int}/{state}", self._simulate),
                self._route("POST", "/v1/simulation/balance/topup", self._top_up),
                *(
                    self._route("GET", f"/v{n}/profiles/{{p:int}}/balances", self._balances)
                    for n in (3, 4)
                ),
                *(
                    self._route("GET", f"{of_balance}/{name}", self._statement)
                    for name in ("statement", "statement.json")
                ),
            ]
        )

    @property
    def app(self) -> ASGI:
        """The rail's HTTP face."""
        return self._app

    def executions(self) -> Sequence[Execution]:
        """Every transfer funded, in order; a reference standing twice was paid twice."""
        return tuple(self._books.executed)

    def webhooks(self, *, profile: int = PROFILE) -> Iterator[tuple[Mapping[str, str], bytes]]:
        """A signed delivery for each change of each transfer up to now: headers and body."""
        for content in posting.changes(self._books, profile=profile):
            yield self.signed(content)

    def signed(self, content: bytes) -> tuple[Mapping[str, str], bytes]:
        """A body with the headers of its delivery."""
        return posting.signed(content, key=self._secrets["webhook_private_key"]), content

    def _route(
        self, method: str, path: str, answer: Callable[[Request], Awaitable[Answer]]
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self._secrets['api_token']}".encode()):
                return json_of(401, {"error": "invalid_token", "error_description": "not a token"})
            self._books.arrive()
            try:
                return json_of(*await answer(request))
            except Refusal as why:
                return json_of(why.status, why.view)

        return Route(path, endpoint, methods=[method])

    async def _quote(self, request: Request) -> Answer:
        asked = await asked_of(request)
        refuse_if(list(rules.of_quote(asked, currencies=RATES)), status=400)
        try:
            price = priced(asked)
        except MoneyError:
            raise refusal("targetAmount", "error.amount", status=400) from None
        if min(price.source_minor, price.target_minor) <= 0:
            raise refusal("sourceAmount", "error.greaterThanZero", status=400)
        return 200, self._view(self._books.quote(asked), request, asked)

    async def _quoted(self, request: Request) -> Answer:
        return 200, self._view(self._of_quote(request.path_params["q"]), request)

    async def _attach(self, request: Request) -> Answer:
        if request.headers.get("content-type") != "application/merge-patch+json":
            return 415, {"error": "unsupported_media_type"}
        quote, asked = self._of_quote(request.path_params["q"]), await asked_of(request)
        recipient = self._of_recipient(asked.get("targetAccount"), currency=quote.price.target)
        self._books.attach(quote, recipient)
        return 200, self._view(quote, request)

    async def _forms(self, request: Request) -> Answer:
        price = self._of_quote(request.path_params["q"]).price
        return 200, rules.account_forms(price.source, price.target)

    async def _recipient(self, request: Request) -> Answer:
        asked = await asked_of(request)
        refuse_if(list(rules.of_account(asked)))
        if magic := REJECT.search(asked["accountHolderName"]):
            raise refusal("accountNumber", magic[1])
        return 200, views.recipient(self._books.recipient(asked))

    async def _received(self, request: Request) -> Answer:
        kept = self._books.recipients.get(request.path_params["r"])
        return (200, views.recipient(kept)) if kept else not_found("recipient")

    async def _transfer_forms(self, request: Request) -> Answer:
        asked = await asked_of(request)
        quote = self._of_quote(asked.get("quoteUuid"))
        self._of_recipient(asked.get("targetAccount"), currency=quote.price.target)
        return 200, rules.transfer_forms(quote.price.target)

    async def _transfer(self, request: Request) -> Answer:
        asked = await asked_of(request)
        there = self._books.by_reference.get(str(asked.get("customerTransactionId", "")).lower())
        if there is not None:  # a repeat message, whatever else it says
            return 200, views.transfer(there, now=self._books.now)
        quote = self._of_quote(asked.get("quoteUuid"))
        recipient = self._of_recipient(asked.get("targetAccount"), currency=quote.price.target)
        refuse_if(list(rules.of_transfer(asked, currency=quote.price.target)))
        if quote.used:
            raise refusal("quoteUuid", "quote.already-used", status=409)
        if self._books.now > quote.at + QUOTE_LIVES:
            raise refusal("quoteUuid", "quote.expired")
        return 200, views.transfer(
            self._books.transfer(asked | {"targetAccount": recipient}), now=self._books.now
        )

    async def _transfers(self, request: Request) -> Answer:
        query = request.query_params
        try:
            limit, offset = int(query.get("limit", "10")), int(query.get("offset", "0"))
            since, until = (moment(query.get(f"createdDate{x}")) for x in ("Start", "End"))
        except ValueError:
            raise refusal("query", "NOT_VALID", status=400) from None
        if not 0 < limit <= 100 or offset < 0 or offset % limit:
            raise refusal("offset", "inconsistent pagination", status=400)
        now, states = self._books.now, query.get("status")
        found = [
            x
            for x in reversed(self._books.transfers.values())
            if query.get("sourceCurrency") in (None, x.price.source)
            and query.get("targetCurrency") in (None, x.price.target)
            and (states is None or x.status(now) in states.split(","))
            and (since is None or since <= x.at)
            and (until is None or x.at <= until)
        ]
        return 200, [views.transfer(x, now=now) for x in found[offset : offset + limit]]

    async def _shown(self, request: Request) -> Answer:
        return 200, views.transfer(self._of_transfer(request), now=self._books.now)

    async def _payments(self, request: Request) -> Answer:
        return 200, views.payments(self._of_transfer(request))

    async def _fund(self, request: Request) -> Answer:
        made, asked = self._of_transfer(request), await asked_of(request)
        if asked.get("type") != "BALANCE":
            raise refusal("type", "NOT_VALID")
        if made.status(self._books.now) != "incoming_payment_waiting":
            raise refusal("transfer", "transfer.invalid-state")
        funding = {"type": "BALANCE", "status": "COMPLETED", "errorCode": None}
        if self._books.fund(made):
            return 201, funding
        code = "balance.payment-option-unavailable"
        return 422, funding | {"status": "REJECTED", "errorCode": code, "errorMessage": None}

    async def _cancel(self, request: Request) -> Answer:
        made = self._of_transfer(request)
        if made.status(self._books.now) not in UNSENT:
            raise refusal("", "transfer.cancellation.not.allowed", status=409)
        self._books.cancel(made)
        return 200, views.transfer(made, now=self._books.now)

    async def _estimate(self, request: Request) -> Answer:
        made = self._of_transfer(request)
        return 200, {"estimatedDeliveryDate": views.stamp(made.at + timedelta(days=1))}

    async def _simulate(self, request: Request) -> Answer:
        made, state = self._of_transfer(request), request.path_params["state"]
        now = made.status(self._books.now)
        if state not in SIMULATED or made.funded_at is None:
            raise refusal("status", "NOT_VALID", status=400)
        place = SIMULATED.index(state)
        if now not in (state, *SIMULATED[max(place - 1, 0) : place]):
            raise refusal("status", "transfer.invalid-state")
        self._books.move(made, state)
        return 200, views.transfer(made, now=self._books.now)

    async def _top_up(self, request: Request) -> Answer:
        asked = await asked_of(request)
        currency = asked.get("currency")
        if self._books.balances.get(str(currency)) != str(asked.get("balanceId")):
            return not_found("balance")
        self._books.top_up(str(currency), to_minor(asked["amount"], str(currency)))
        value = views.money(self._books.held[str(currency)], str(currency))
        after = [{"id": asked["balanceId"], "value": value, "currency": currency}]
        return 200, {"transactionId": 1, "state": "COMPLETED", "balancesAfter": after}

    async def _balances(self, request: Request) -> Answer:
        if request.query_params.get("types") != "STANDARD":
            raise refusal("types", "NotNull", status=400)
        held = self._books.held
        return 200, [views.balance(b, c, held[c]) for c, b in self._books.balances.items()]

    async def _statement(self, request: Request) -> Answer:
        query, name = request.query_params, str(request.path_params["b"])
        currency = next((c for c, b in self._books.balances.items() if b == name), None)
        if currency is None or query.get("currency", currency) != currency:
            return not_found("balance")
        try:
            since, until = moment(query["intervalStart"]), moment(query["intervalEnd"])
        except (KeyError, ValueError):
            raise refusal("intervalStart", "NOT_VALID", status=400) from None
        assert since is not None
        assert until is not None
        mine = [x for x in self._books.bookings if x.currency == currency]
        view = views.statement(mine, name=name, currency=currency, since=since, until=until)
        return 200, view

    def _view(self, quote: Quote, request: Request, asked: Mapping[str, Any] | None = None) -> Any:
        given = request.path_params.get("p") or (asked or {}).get("profile")
        return views.quote(quote, profile=given or PROFILE, now=self._books.now)

    def _of_quote(self, name: object) -> Quote:
        quote = self._books.quotes.get(str(name).lower())
        if quote is None:
            raise Refusal(*not_found("quote"))
        return quote

    def _of_recipient(self, number: object, *, currency: str) -> int:
        # The collections write the number as a string, too.
        known = int(str(number)) if re.fullmatch(r"\d{1,18}", str(number)) else 0
        if self._books.recipients.get(known, {}).get("currency") != currency:
            raise refusal("targetAccount", "NOT_VALID")
        return known

    def _of_transfer(self, request: Request) -> Transfer:
        made = self._books.transfers.get(request.path_params["t"])
        if made is None:
            raise Refusal(*not_found("transfer"))
        return made
