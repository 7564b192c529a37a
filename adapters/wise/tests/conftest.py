"""One adapter, one simulator and one payment, as every test of this rail begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from settle.adapters import Beneficiary, Conversation, Exchange, Payment, PaymentKind, Response
from settle.adapters.credentials import credentials
from settle.adapters.simulator import Memory, OutsideLine
from settle_wise import Wise, WiseSettings
from settle_wise.simulator import WiseSimulator, open_simulator

PROFILE = 30_000_001
ACCOUNTS = {"GBP": "200001", "EUR": "200002", "SGD": "200003", "JPY": "200004", "USD": "200005"}
TOKEN = "a-token-for-tests"
Talk = Callable[[Conversation[Any]], Awaitable[Any]]


class Wall:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture(scope="session")
def keys() -> tuple[str, str]:
    """The rail's private key and its public one, in PEM."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return written.decode(), public.decode()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str]) -> WiseSettings:
    monkeypatch.setenv("WISE_TOKEN", TOKEN)
    monkeypatch.setenv("WISE_KEY", keys[1])
    return WiseSettings(
        base_url="http://rail.test",
        accounts=ACCOUNTS,
        profile=PROFILE,
        api_token="env:WISE_TOKEN",
        webhook_key="env:WISE_KEY",
        amount_minor_max={"GBP": 10_000_000},
    )


@pytest.fixture
def adapter(settings: WiseSettings) -> Wise:
    return Wise(settings)


@pytest.fixture
def payment() -> Payment:
    return Payment(
        payment_id="01939c5e-0000-7000-8000-000000000001",
        kind=PaymentKind.PAYOUT,
        amount_minor=125_050,
        currency="GBP",
        beneficiary=Beneficiary(
            name="Robin Café Ltd",
            country="GB",
            town="London",
            account="37778842",
            bank_code="04-00-75",
        ),
        value_date=date(2024, 12, 18),
        idempotency_key="k-0001",
        end_to_end_id="E2E-0001",
        uetr="6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001",
        remittance_information="Settlement 2024-12-18",
    )


@pytest.fixture
def numbered(payment: Payment) -> Callable[..., Payment]:
    """The payment under another number, with whatever else is changed."""

    def made(number: int, *, name: str = "Robin Ltd", **changes: Any) -> Payment:
        return replace(
            payment,
            idempotency_key=f"k-{number}",
            end_to_end_id=f"E2E-{number}",
            uetr=f"6b1f7a3e-1c5b-4e39-9c1c-{number:012x}",
            beneficiary=replace(payment.beneficiary, name=name),
            **changes,
        )

    return made


def deposits() -> list[OutsideLine]:
    """What others bring: enough to pay from, on the first day and the second."""
    return [
        OutsideLine(
            day=date(2024, 12, day),
            currency=currency,
            amount_minor=10_000_000,
            reference=f"DEPOSIT P-{currency}",
            counterparty="Partner Ltd",
        )
        for day in (18, 19)
        for currency in ("GBP", "EUR", "SGD", "NOK")
    ]


@pytest.fixture
def open_rail(clock: Wall, tmp_path: Path, keys: tuple[str, str]) -> Callable[[], WiseSimulator]:
    def opened() -> WiseSimulator:
        return open_simulator(
            memory=Memory(tmp_path / "wise.jsonl"),
            clock=clock,
            accounts=ACCOUNTS,
            outside=deposits(),
            secrets={"api_token": TOKEN, "webhook_private_key": keys[0]},
        )

    return opened


@pytest.fixture
def rail(open_rail: Callable[[], WiseSimulator]) -> WiseSimulator:
    return open_rail()


@pytest.fixture
def talk_to(adapter: Wise) -> Callable[[WiseSimulator, Conversation[Any]], Any]:
    """Run a conversation against the app in process, with credentials as the sender adds them."""

    async def talked(rail: WiseSimulator, conversation: Conversation[Any]) -> Any:
        transport = httpx.ASGITransport(app=rail.app)
        endpoint = adapter.endpoint
        async with httpx.AsyncClient(transport=transport, base_url=endpoint.base_url) as client:
            try:
                exchange = next(conversation)
                while True:
                    sent = await _sent(client, exchange, credentials(endpoint.auth))
                    exchange = conversation.send(sent)
            except StopIteration as end:
                return end.value

    return talked


@pytest.fixture
def talk(rail: WiseSimulator, talk_to: Callable[..., Any]) -> Talk:
    return lambda conversation: talk_to(rail, conversation)


@pytest.fixture
def call(rail: WiseSimulator) -> Callable[..., Awaitable[httpx.Response]]:
    """One request to the rail as somebody else would make it."""

    async def called(method: str, path: str, **how: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=rail.app)
        headers = {"authorization": f"Bearer {TOKEN}"} | how.pop("headers", {})
        async with httpx.AsyncClient(transport=transport, base_url="http://rail.test") as client:
            return await client.request(method, path, headers=headers, **how)

    return called


async def _sent(
    client: httpx.AsyncClient, exchange: Exchange, extra: Mapping[str, str]
) -> Response:
    request = exchange.request
    headers = {**request.headers, **extra}
    answer = await client.request(
        request.method, request.target, headers=headers, content=request.content
    )
    return Response(
        status=answer.status_code,
        headers={k.lower(): v for k, v in answer.headers.items()},
        content=answer.content,
    )
