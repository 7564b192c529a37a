"""The official compliance cases, where present: run against the simulator and the adapter."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from settle.adapters import (
    Accepted,
    Batch,
    Fact,
    Notification,
    Payment,
    Response,
    Unknown,
    converse,
)
from settle.adapters.simulator import OutsideLine
from settle.errors import RailDown
from settle.money import to_minor
from settle_gsma_mobile_money import GsmaMobileMoney
from settle_gsma_mobile_money.simulator import GsmaSimulator
from settle_gsma_mobile_money.wire import correlation

from .conftest import KEY, SECRETS, Opened, Rail, Wall
from .official import Headers, broken, cases, rendered, why_not
from .published import CASES, absent

pytestmark = absent

NAMES = sorted(cases()) if CASES.is_dir() else []
OURS = [x for x in NAMES if not why_not(x)]
SENT = [
    x
    for x in NAMES
    if x.startswith("Compliance/Disbursements/Indivudual")
    or why_not(x) == "against the specification"
]
PAID = {"type": "disbursement", "amount": "1", "currency": "USD"}


def test_every_case_is_ours_or_has_a_reason() -> None:
    """The count is a fact of the published set that is kept; a new case must be looked at."""
    reasons = Counter(why_not(x) or "ours" for x in NAMES)
    assert {
        "ours": 36,
        "another scheme's protocol": 26,
        "a resource that no sender of disbursements uses": 13,
        "collects from a payer, or moves between linked accounts": 28,
        "against the specification": 2,
    } == dict(reasons)


class World:
    """A provider as a case's preconditions have it, and what its steps have said so far."""

    def __init__(self, name: str, open_rail: Rail, clock: Wall) -> None:
        self.steps = cases()[name]["test_steps"]
        self.clock = clock
        self.said: dict[int, Any] = {}
        self.env: dict[str, str] = {}
        first = self.asked(self.steps[0])
        answer = self.steps[0]["response"]
        code = str(answer.get("body"))
        self.poor = "insufficientFunds" in str(self.steps)
        stranger = "identifierError" in code and "/accounts/" in first["uri"]
        wallet = "msisdn@+33555999999" if stranger else _wallet(first)
        polled = answer["status"] == 202 and "X-Callback-URL" not in first["headers"]
        line = OutsideLine(
            day=date(2024, 12, 18), currency="USD", amount_minor=100_000, reference="D",
            counterparty="P",
        )  # fmt: skip
        self.rail: GsmaSimulator = open_rail(
            accounts={"USD": wallet}, outside=[] if self.poor else [line],
            flow="polling" if polled else "sync",
        )  # fmt: skip
        kind, _, value = wallet.partition("@")
        self.wallet = [{"key": kind, "value": value}]
        if "formatError" in code and "/accounts/" in first["uri"]:
            self.env["IDENTIFIER_TYPE"] = "msisdns"

    @property
    def context(self) -> dict[str, Any]:
        return {"env": self.env, "steps": self.said}

    def asked(self, step: Any) -> Any:
        return rendered({"headers": {}, **step["request"]}, self.context)

    def prepare(self) -> None:
        """What the preconditions ask to be there: transactions, and a batch with both endings."""
        if self.poor:
            return
        body = {
            **PAID,
            "debitParty": self.wallet,
            "creditParty": [{"key": "walletid", "value": "9"}],
        }
        books = self.rail._books
        books.advance()
        plain = {"correlation": "", "callback": "", "client": "", "target": ""}
        for _ in range(15):
            made = books.take("transaction", body, later=False, **plain)
        wrong = {
            **body,
            "recipientKyc": {"subjectName": {"fullName": "SANDBOX REJECT formatError"}},
        }
        batch = books.take("batch", {"transactions": [body, wrong]}, later=True, **plain)
        self.clock.now += timedelta(minutes=1)
        books.advance()
        self.env |= {"BATCH_ID": batch.made}
        if "identifierError" not in str(self.steps[0]["response"].get("body")):
            self.env |= {"TRANSACTION_REFERENCE": made.made}


def _wallet(request: Any) -> str:
    body = request.get("body") or {}
    items = body.get("transactions") if isinstance(body, dict) else None
    one = items[0] if isinstance(items, list) else body
    if isinstance(one, dict) and "debitParty" in one:
        party = one["debitParty"][0]
        return f"{party['key']}@{party['value']}"
    parts = request["uri"].strip("/").split("/")
    return f"{parts[1]}@{parts[2]}" if parts[0] == "accounts" else "msisdn@+33555123456"


@pytest.mark.parametrize("name", OURS)
async def test_the_simulator_is_a_provider_as_the_cases_have_it(
    name: str, open_rail: Rail, opened: Opened, clock: Wall
) -> None:
    """Each step's request is answered, or called back, as the case's own rules demand."""
    world, adapter = World(name, open_rail, clock), opened()
    world.prepare()
    transport = httpx.ASGITransport(app=world.rail.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rail.test") as client:
        for number, step in enumerate(world.steps, start=1):
            if step["method"] == "PUT":
                request, response = _called_back(world, adapter)
            else:
                request = world.asked(step)
                request["headers"] = Headers(request["headers"])
                response = await _answered(client, request)
                if "repeat" in step:
                    told = step["repeat"]["test_response_scripts"]
                    assert [] == broken(told, response, world.context)
                    world.clock.now += timedelta(minutes=1)
                    response = await _answered(client, request)
            world.said[number] = {"request": request, "response": response}
            assert [] == broken(step.get("test_request_scripts"), request, world.context)
            assert [] == broken(step.get("test_response_scripts"), response, world.context)


async def _answered(client: httpx.AsyncClient, request: Any) -> dict[str, Any]:
    body = request.get("body")
    headers = {k: v[0] for k, v in request["headers"].data.items()}
    path = request["uri"].replace(" ", "")
    answer = await client.request(
        request["method"], "/" + path.lstrip("/").replace("+", "%2B"),
        headers={**headers, "X-API-Key": SECRETS["api_key"]},
        content=None if body is None else json.dumps(body),
    )  # fmt: skip
    return {"status": answer.status_code, "body": answer.json() if answer.content else None}


def _called_back(world: World, adapter: GsmaMobileMoney) -> tuple[Any, Any]:
    world.clock.now += timedelta(minutes=1)
    url, headers, content = list(world.rail.callbacks())[-1]
    told = adapter.notification(headers, content, world.clock.now)
    status = 204 if isinstance(told, Notification) else 401
    headers_told = Headers(dict(headers))
    return {"uri": url, "headers": headers_told, "body": json.loads(content)}, {"status": status}


@pytest.mark.parametrize("name", SENT)
def test_the_adapter_is_a_service_provider_as_the_cases_have_it(
    name: str, opened: Opened, payment: Payment
) -> None:
    """Its request keeps the case's rules, and it takes what the case's provider answers."""
    steps = cases()[name]["test_steps"]
    context: dict[str, Any] = {"env": {}, "steps": {}}
    asked = rendered(steps[0]["request"], context)
    callback = "https://hub.test/callback" if "X-Callback-URL" in asked["headers"] else ""
    many = "batch" in asked["uri"]
    adapter = opened(callback_url=callback, client_id="DISORG1STEP12345", batches=many)
    if many:
        _takes_a_batch(adapter, payment, steps)
        return
    sent = replace(payment, amount_minor=to_minor(asked["body"]["amount"], "USD"))
    request = next(adapter.submit(sent)).request
    told = {"headers": Headers(request.headers), "body": json.loads(request.content)}
    assert [] == broken(steps[0]["test_request_scripts"], told, context)
    answer = rendered(steps[0]["response"], context)
    context["steps"][1] = {"request": told, "response": answer}
    outcome, _ = converse(adapter.submit(sent), lambda _: _canned(answer))
    assert isinstance(outcome, Accepted)
    if steps[1]["method"] == "PUT":
        body = rendered(steps[1]["request"]["body"], context)
        taken = _told(adapter, body)
        good = "success" in Path(name).stem
        assert good == bool(taken.evidence)
        assert good != bool(taken.find_first)
        return
    answers = {
        f"/responses/{correlation(KEY)}": {"link": f"/requeststates/{outcome.rail_reference}"}
    }
    replies = {k: Response(status=200, content=json.dumps(v).encode()) for k, v in answers.items()}
    state = rendered(steps[1]["response"], context)
    replies[f"/requeststates/{outcome.rail_reference}"] = _canned(state)
    if "failure" in Path(name).stem:
        with pytest.raises(RailDown):
            converse(adapter.find(sent), lambda x: replies[x.request.path])
        return
    context["steps"][2] = {"response": state}
    shown = _canned(rendered(steps[2]["response"], context))
    replies[f"/transactions/{state['body']['objectReference']}"] = shown
    finding, _ = converse(adapter.find(sent), lambda x: replies[x.request.path])
    assert [Fact.BOOKED] == [x.fact for x in finding]


def _takes_a_batch(adapter: GsmaMobileMoney, payment: Payment, steps: Any) -> None:
    batch = Batch(
        batch_id="B" * 32, currency="USD", value_date=payment.value_date,
        created_on=payment.value_date, payments=[payment],
    )  # fmt: skip
    answer = rendered(steps[0]["response"], {"env": {}, "steps": {}})
    outcomes, _ = converse(adapter.submit_batch(batch), lambda _: _canned(answer))
    kind = Accepted if answer["status"] == 202 else Unknown
    assert isinstance(outcomes[payment.payment_id], kind)
    for step in steps[1:]:
        assert not _told(adapter, step["request"]["body"]).evidence


def _told(adapter: GsmaMobileMoney, body: Any) -> Notification:
    headers = {"x-api-key": SECRETS["callback_key"], "x-correlationid": correlation(KEY)}
    taken = adapter.notification(headers, json.dumps(body).encode(), Wall()())
    assert isinstance(taken, Notification)
    return taken


def _canned(answer: Any) -> Response:
    return Response(status=answer["status"], content=json.dumps(answer["body"]).encode())
