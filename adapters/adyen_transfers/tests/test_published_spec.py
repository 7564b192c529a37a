"""Adapter and simulator against Adyen's published specification and mocks, where present."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from settle.adapters import Beneficiary, Notification, Payment, Response, converse
from settle_adyen_transfers import AdyenTransfers, payee, statuses, webhook
from settle_adyen_transfers.simulator import AdyenSimulator
from settle_adyen_transfers.wire import Page, Transaction, Transfer, read

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SPECS = SHARED / "adyen_openapi" / "json"
MOCKS = SHARED / "adyen_mocks" / "src" / "test" / "resources" / "mocks"
AT = datetime(2024, 12, 18, 17, 0, tzinfo=UTC)
HMAC_KEY = "D7" * 32
KINDS = {
    "array": list, "boolean": bool, "integer": int, "object": dict, "string": str,
}  # fmt: skip

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the published specification is absent")

Talk = Callable[[Any], Awaitable[Any]]


def spec(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SPECS / f"{name}.json").read_bytes())
    return loaded


TRANSFER_SERVICE = "TransferService-v4"
NOTIFICATIONS = "BalancePlatformTransferNotification-v4"


def misfits(value: Any, schema: dict[str, Any], schemas: dict[str, Any], at: str) -> Iterator[str]:
    """Where a value breaks a schema: type, enum, length, required, unknown field, alternatives."""
    if "$ref" in schema:
        yield from misfits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    elif "oneOf" in schema:
        chosen = schema["discriminator"]["mapping"].get(value.get("type"))
        yield from misfits(value, {"$ref": chosen}, schemas, at) if chosen else [f"{at}: type"]
    elif not isinstance(value, KINDS[schema.get("type", "object")]):
        yield f"{at}: {value!r} is not {schema.get('type')}"
    elif isinstance(value, dict):
        yield from _misfits_of_object(value, schema, schemas, at)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from misfits(item, schema["items"], schemas, f"{at}[{number}]")
    elif isinstance(value, str):
        if value not in schema.get("enum", [value]):
            yield f"{at}: {value} is not in the enumeration"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6):
            yield f"{at}: {value} has a wrong length"


def _misfits_of_object(
    value: dict[str, Any], schema: dict[str, Any], schemas: dict[str, Any], at: str
) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}.{name} is required"
    for name, item in value.items():
        if name in properties:
            yield from misfits(item, properties[name], schemas, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}.{name} is unknown"


def against(name: str, value: Any, *, of: str = TRANSFER_SERVICE) -> list[str]:
    schemas = spec(of)["components"]["schemas"]
    return list(misfits(value, schemas[name], schemas, name))


def party(country: str, account: str, bank_code: str | None, bic: str | None) -> Beneficiary:
    return Beneficiary(
        name="A Name", country=country, town="Town", account=account, bank_code=bank_code, bic=bic
    )


PARTIES = [
    ("AUD", party("AU", "12345678", "062000", None)),
    ("NOK", party("NO", "NO9386011117947", None, None)),
    ("NOK", party("NO", "86011117947", None, None)),
    ("SGD", party("SG", "1234567890", None, "DBSSSGSG")),
    ("JPY", party("JP", "1234567", None, "BOTKJPJT")),
]


@pytest.mark.parametrize(("currency", "beneficiary"), PARTIES)
def test_every_request_fits_the_published_schema(
    adapter: AdyenTransfers, payment: Payment, currency: str, beneficiary: Beneficiary
) -> None:
    """What we send is a `TransferInfo`."""
    sent = replace(payment, currency=currency, beneficiary=beneficiary)
    body = json.loads(next(adapter.submit(sent)).request.content)
    assert against("TransferInfo", body) == []


def test_every_form_of_account_is_the_published_one() -> None:
    """The forms of accounts we know are among those of `BankAccountV3`, names included."""
    schemas = spec(TRANSFER_SERVICE)["components"]["schemas"]
    published = schemas["BankAccountV3"]["properties"]["accountIdentification"]["discriminator"]
    kinds = {x.kind for x in [*payee.LOCAL.values(), payee.IBAN, payee.NUMBER_AND_BIC]}
    assert set() == kinds - published["mapping"].keys()


async def test_every_answer_of_the_simulator_fits_the_published_schema(
    adapter: AdyenTransfers,
    payment: Payment,
    named: Callable[[str, str], Payment],
    rail: AdyenSimulator,
    talk: Talk,
) -> None:
    """Acceptances, refusals, lists and errors have the published shapes."""
    poor = replace(payment, currency="NOK", idempotency_key="n", beneficiary=PARTIES[1][1])
    for sent in (payment, named("2", "SANDBOX RETURN AC04 SHORT 5"), poor):
        request = next(adapter.submit(sent)).request
        answer = await _asked(rail, "POST", request.path, content=request.content)
        assert against("Transfer", answer.json()) == []
    bounds = {"createdSince": "2024-12-01T00:00:00Z", "createdUntil": "2024-12-31T00:00:00Z"}
    query = {"balanceAccountId": adapter.accounts()[0].account, "limit": "2", **bounds}
    transfers = await _asked(rail, "GET", "/btl/v4/transfers", query=query)
    one = await _asked(rail, "GET", f"/btl/v4/transfers/{transfers.json()['data'][0]['id']}")
    transactions = await _asked(rail, "GET", "/btl/v4/transactions", query=query)
    refused = await _asked(rail, "POST", "/btl/v4/transfers", content=b"{}")
    closed = await _asked(rail, "GET", "/btl/v4/transfers", key="wrong")
    assert against("FindTransfersResponse", transfers.json()) == []
    assert against("TransferData", one.json()) == []
    assert against("TransactionSearchResponse", transactions.json()) == []
    assert against("TransferServiceRestServiceError", refused.json()) == []
    assert against("ServiceError", closed.json()) == []
    assert "next" in transactions.json()["_links"]


async def test_every_delivery_of_the_simulator_fits_the_published_schema(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """What the simulator notifies is a `TransferNotificationRequest`."""
    await talk(adapter.submit(payment))
    bodies = [json.loads(content) for _, content in rail.webhooks()]
    misfit = [
        x for b in bodies for x in against("TransferNotificationRequest", b, of=NOTIFICATIONS)
    ]
    assert misfit == []
    assert bodies != []


def test_the_check_itself_bites() -> None:
    """A wrong type, an unknown field and a missing one are all seen."""
    found = against("Transaction", {"id": 1, "surprise": 2})
    assert {"Transaction.id: 1 is not string", "Transaction.surprise is unknown"} <= set(found)
    assert "Transaction.amount is required" in found


def test_every_status_we_map_is_published_and_the_rest_are_unmapped() -> None:
    """Our table knows 19 of the 72 published statuses and invents none."""
    schema = spec(TRANSFER_SERVICE)["components"]["schemas"]["TransferData"]["properties"]
    published = set(schema["status"]["enum"])
    assert len(published) == 72
    assert (19, set()) == (len(statuses.FACTS), statuses.FACTS.keys() - published)
    assert set() == statuses.REFUSED_BY_ADYEN - set(schema["reason"]["enum"])


def test_every_published_answer_to_a_transfer_is_understood(payment: Payment) -> None:
    """The 202 examples of POST /transfers are acceptances of what they state."""
    examples = spec(TRANSFER_SERVICE)["components"]["examples"]
    found = {k: v["value"] for k, v in examples.items() if k.startswith("post-transfers-payout")}
    answers = [v for k, v in found.items() if k.endswith("-202")]
    for answer in answers:
        asked = replace(
            payment,
            amount_minor=answer["amount"]["value"],
            currency=answer["amount"]["currency"],
            end_to_end_id=answer["reference"],
        )
        response = Response(status=202, content=json.dumps(answer).encode())
        outcome = statuses.outcome(response, payment=asked)
        assert answer["id"] == getattr(outcome, "rail_reference", outcome)
    assert len(answers) == 8


def test_every_published_list_is_read() -> None:
    """The examples of both lists and their links are read."""
    examples = spec(TRANSFER_SERVICE)["components"]["examples"]
    transfers = read(Page, examples["get-transfers-success-200"]["value"], what="example")
    transactions = read(Page, examples["get-transactions-success-200"]["value"], what="example")
    assert all(read(Transfer, x, what="example").id for x in transfers.data)
    assert all(read(Transaction, x, what="example").id for x in transactions.data)
    assert transactions.cursor


def deliveries() -> dict[str, bytes]:
    found = {}
    if SPECS.is_dir():
        examples = spec(NOTIFICATIONS)["components"]["examples"]
        found = {k: json.dumps(v["value"]).encode() for k, v in examples.items()}
    mock = MOCKS / "balancePlatform-webhooks" / "transfer-created.json"
    return found | ({"mock": mock.read_bytes()} if mock.is_file() else {})


@pytest.mark.parametrize("name", sorted(deliveries()))
def test_every_published_delivery_is_understood(adapter: AdyenTransfers, name: str) -> None:
    """Real deliveries verify and translate, and only outgoing ones speak of our payments."""
    content = deliveries()[name]
    headers = {webhook.HEADER: webhook.signature(content, key=HMAC_KEY)}
    notification = adapter.notification(headers, content, AT)
    assert isinstance(notification, Notification)
    outgoing = json.loads(content)["data"]["direction"] == "outgoing"
    assert outgoing == bool([*notification.evidence, *notification.find_first])


def test_other_kinds_of_delivery_are_taken_without_effect(adapter: AdyenTransfers) -> None:
    """Whatever else the platform notifies is acknowledged and proves nothing."""
    folder = MOCKS / "balancePlatform-webhooks"
    if not folder.is_dir():
        pytest.skip("the published mocks are absent")
    others = [p for p in sorted(folder.iterdir()) if "transfer" not in p.name]
    for path in others:
        content = path.read_bytes()
        headers = {webhook.HEADER: webhook.signature(content, key=HMAC_KEY)}
        told = adapter.notification(headers, content, AT)
        assert isinstance(told, Notification), path.name
        assert tuple(told.evidence) == ()


def test_the_mocked_balance_account_is_read(adapter: AdyenTransfers) -> None:
    """The mock of GET /balanceAccounts/{id} has the balance we take."""
    path = MOCKS / "balancePlatform" / "BalanceAccount.json"
    if not path.is_file():
        pytest.skip("the published mocks are absent")
    answer = Response(status=200, content=path.read_bytes())
    held, _ = converse(adapter.balances(), lambda _: answer)
    assert [x.amount_minor for x in held] == [0, 0, 0, 0]


async def _asked(
    rail: AdyenSimulator,
    method: str,
    path: str,
    *,
    content: bytes = b"",
    query: dict[str, str] | None = None,
    key: str = "a-key-for-tests",
) -> httpx.Response:
    transport = httpx.ASGITransport(app=rail.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rail.test") as client:
        headers = {"X-API-Key": key}
        return await client.request(method, path, content=content, params=query, headers=headers)
