"""The rail's official request collections, where present, against simulator and adapter."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest

from settle.adapters import Exchange, Payment, Response
from settle_wise import Wise, rules, views, wire
from settle_wise.simulator import WiseSimulator

from .collection import ALL, BALANCES, BANKS, CONNECTED, FOLDER, PAYOUTS, Item, Variables, items
from .conftest import ACCOUNTS, PROFILE

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the official collections are absent")

Call = Callable[..., Awaitable[httpx.Response]]
Talk = Callable[[Any], Awaitable[Any]]
HOST = "http://rail.test"
NEW_RECIPIENT = [f"2b. Create new recipient account/{n}." for n in (1, 2, 3)]
ADD = "/3. Add payments"


def variables(**more: Any) -> Variables:
    profiles = dict.fromkeys(("business-profile-id", "personal-profile-id", "profile"), PROFILE)
    return Variables(values={"host": HOST, "balance-id": ACCOUNTS["GBP"], **profiles, **more})


async def run(call: Call, wanted: Iterable[Item], known: Variables) -> list[tuple[str, int]]:
    """Each request as the collection has it, in its order; what it keeps is used further on."""
    told = []
    for item in wanted:
        url = known.fill(item.url)
        assert url.startswith(HOST), item.name
        content = known.fill(item.body).encode() if item.body else b""
        headers = {k: v for k, v in item.headers.items() if k != "authorization"}
        answer = await call(item.method, url, content=content, headers=headers)
        assert answer.text != "Not Found", f"{item.name}: {url}"
        told.append((item.name, answer.status_code))
        known.keep(item, answer.json())
    return told


def chosen(collection: str, *names: str) -> list[Item]:
    """The requests whose names begin so, in the order of the collection."""
    return [x for x in items(collection) if x.name.startswith(names)]


async def moving(call: Call, clock: Any) -> None:
    """Money to pay from, brought by the sandbox's own way."""
    for currency, amount in (("GBP", "1000.00"), ("SGD", 1000)):
        body = {"profileId": PROFILE, "balanceId": int(ACCOUNTS[currency]), "currency": currency}
        asked = json.dumps(body | {"amount": amount}).encode()
        answer = await call("POST", "/v1/simulation/balance/topup", content=asked)
        assert answer.status_code == 200


async def test_the_payout_flow_runs_as_the_rail_published_it(
    call: Call, clock: Any, rail: WiseSimulator
) -> None:
    """Quote, form, recipient, transfer, funding, status, and each simulated state in turn."""
    await moving(call, clock)
    flow = chosen(
        PAYOUTS,
        "/2. Transfer Flow/1. Create quote",
        *(f"/2. Transfer Flow/2. Choose/create recipient/{x}" for x in NEW_RECIPIENT),
        "/2. Transfer Flow/3. Create transfer/1.",
        "/2. Transfer Flow/3. Create transfer/2.",
        "/2. Transfer Flow/3. Create transfer/3.",
        "/2. Transfer Flow/3. Create transfer/5a.",
        "/3. Fund transfer/Fund transfer",
        "/4. Get updated transfer status",
        "/7. Transfer state simulation",
    )  # fmt: skip
    told = await run(call, flow, variables())
    assert [x for x in told if x[1] not in (200, 201)] == []
    assert len(told) == 18
    assert len(rail.executions()) == 1


async def test_the_banks_transfer_flow_runs_as_the_rail_published_it(call: Call) -> None:
    """The same way under another collection's names, up to the unfunded transfer."""
    flow = [
        x
        for x in chosen(BANKS, "/3. Transfer Flow/", "/5. Get updated")
        if x.url.startswith("{{host}}") and "/v2/accounts" not in x.url
    ]  # fmt: skip
    told = await run(call, flow, variables())
    assert [x for x in told if x[1] != 200] == []
    assert len(told) == 10


async def test_balances_and_a_payment_from_one_run_as_published(
    call: Call, clock: Any, rail: WiseSimulator
) -> None:
    """Balances, a statement, and money sent from Singapore dollars."""
    await moving(call, clock)
    flow = chosen(
        BALANCES, "/Account and Balance/List Balances", "/Account and Balance/Get Statement",
        "/Send Money/Create account (USD)", "/Send Money/Create quote",
        "/Send Money/Create transfer", "/Send Money/Get transfer", "/Send Money/Fund",
    )  # fmt: skip
    told = await run(call, flow, variables())
    assert [x for x in told if x[1] not in (200, 201)] == []
    assert len(told) == 7
    assert len(rail.executions()) == 1


async def test_the_connected_apps_recipients_and_quotes_run_with_their_own_data(
    call: Call,
) -> None:
    """Each row of the published table makes its recipient and its quote, to the exact amount."""
    with (FOLDER / "connected-apps-flow" / "Connected Apps Payment Flow.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        recipient = f"3.1. Add recipient (one per payment)/Create {row['targetCurrency']}"
        wanted = [
            *chosen(CONNECTED, f"{ADD}/{recipient}"),
            *chosen(CONNECTED, f"{ADD}/3.2. Add transfer/Create quote"),
        ]
        told = await run(call, wanted, variables(addressState="NY", **row))
        assert [x[1] for x in told] == [200, 200]
    assert len(rows) == 3


def test_the_published_answer_of_a_recipient_is_ours_and_is_read() -> None:
    """The one example of this kind has every field that the simulated rail answers with."""
    examples = [x for item in items(PAYOUTS) for x in item.answers]
    (example,) = [x for x in examples if '"accountHolderName"' in x]
    published = json.loads(re.sub(r"<[^>]*>", "1", example))
    kept = {"id": 1, "accountHolderName": "A", "currency": "GBP", "type": "SORT_CODE"}
    ours = views.recipient(kept | {"details": {"sortCode": "1"}})
    assert ours.keys() == published.keys()
    assert ours["details"].keys() <= published["details"].keys()
    assert wire.read(wire.Recipient, published, what="example").id == 14076196


async def test_every_recipient_of_a_form_we_know_is_taken(call: Call) -> None:
    """Of the published recipients, those of known forms are taken and the rest refused by name."""
    wanted = [
        *chosen(ALL, "/accounts/POST"),
        *chosen(PAYOUTS, "/2. Transfer Flow/2. Choose/create recipient/2b"),
        *chosen(BALANCES, "/Send Money/Create account"),
    ]
    taken, refused = 0, []
    for item in wanted:
        if item.method != "POST" or not item.url.endswith("/accounts"):
            continue
        try:
            asked = json.loads(item.body or "")
        except ValueError:
            refused.append("not JSON")
            continue
        answer = await call("POST", "/v1/accounts", json=asked)
        if str(asked["type"]).lower() in rules.TYPES:
            assert answer.status_code == 200, item.name
            taken += 1
        else:
            assert answer.json()["errors"][0]["path"] == "type"
            refused.append(asked["type"])
    assert (taken, sorted(refused)) == (
        10,
        ["HUNGARIAN", "POLISH", "not JSON", "not JSON", "privatbank"],
    )


MOVED = {
    ("POST", "/v3/profiles/{}/quotes"): ("POST", "/v2/quotes"),
    ("PATCH", "/v3/profiles/{}/quotes/{}"): ("PATCH", "/v2/quotes/{}"),
    ("GET", "/v4/profiles/{}/balances"): ("GET", "/v3/profiles/{}/balances"),
    ("GET", "/v1/profiles/{}/balance-statements/{}/statement.json"): (
        "GET", "/v1/profiles/{}/balance-statements/{}/statement",
    ),
}  # fmt: skip
"""Where the documentation has a newer place than the collections."""
UNPUBLISHED = {
    ("GET", "/v1/transfers/{}/payments"), ("PUT", "/v1/transfers/{}/cancel"),
}  # fmt: skip
"""Calls that are documented and in no collection."""


def place(method: str, url: str) -> tuple[str, str]:
    path = re.sub(r"^(\{\{host\}\}|https?://[^/]+)", "", url).partition("?")[0]
    path = re.sub(r"\{\{?[\w-]+\}?\}|<\w+>|(?<=/)\d+(?=/|$)|[0-9a-f-]{36}", "{}", path)
    return method, path.rstrip("/")


def keys(value: Any, above: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {above}
    return {key for k, v in value.items() for key in keys(v, f"{above}.{k}")}


async def test_every_request_of_ours_is_one_of_theirs(
    adapter: Wise, payment: Payment, talk: Talk, rail: WiseSimulator
) -> None:
    """Each call's place and each key of its body stand in an official collection."""
    published: dict[tuple[str, str], set[str]] = {}
    for collection in (PAYOUTS, BANKS, BALANCES, CONNECTED, ALL):
        for item in items(collection):
            known = published.setdefault(place(item.method, item.url), set())
            body = re.sub(r"\{\{[^}]*\}\}|<[^>]*>", "0", item.body or "")
            try:
                known |= keys(json.loads(body))
            except ValueError:
                continue
    # A form is asked with what the recipient will hold.
    form = ("POST", "/v1/quotes/{}/account-requirements")
    published[form] |= published["POST", "/v1/accounts"]
    asked = await exchanged(adapter, payment, talk)
    for exchange in asked:
        request = exchange.request
        here = place(request.method, request.path)
        there = MOVED.get(here, here)
        assert there in published or here in UNPUBLISHED, here
        if request.content:
            assert keys(json.loads(request.content)) <= published[there], here
    assert len({place(x.request.method, x.request.path) for x in asked}) == 14


async def exchanged(adapter: Wise, payment: Payment, talk: Talk) -> list[Exchange]:
    """Everything the adapter asks for, about one payment."""
    heard: list[Exchange] = []

    def listening(conversation: Any) -> Any:
        exchange = next(conversation)
        try:
            while True:
                heard.append(exchange)
                answer: Response = yield exchange
                exchange = conversation.send(answer)
        except StopIteration as end:
            return end.value

    from settle.adapters import Recall

    recall = Recall(
        recall_id="R1", payment=payment, batch_id=None, code="DUPL", asked_on=payment.value_date
    )
    account = next(x for x in adapter.accounts() if x.currency == "GBP")
    await talk(cut_off(listening(adapter.submit(payment))))
    for conversation in (
        adapter.submit(payment),
        adapter.find(payment),
        adapter.balances(),
        adapter.statement(account, payment.value_date),
        adapter.cancel(recall),
        adapter.find(payment),
    ):
        await talk(listening(conversation))
    return heard


def cut_off(conversation: Any) -> Any:
    """A first try that ends before its funding, so that the second reads the recipient back."""
    exchange = next(conversation)
    for _ in range(7):
        exchange = conversation.send((yield exchange))
