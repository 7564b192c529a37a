"""One adapter, one simulator and one payment, as every test of this rail begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from settle.adapters import Beneficiary, Conversation, Exchange, Payment, PaymentKind, Response
from settle.adapters.credentials import credentials
from settle.adapters.simulator import Memory, OutsideLine
from settle_adyen_transfers import AdyenTransfers, AdyenTransfersSettings
from settle_adyen_transfers.simulator import AdyenSimulator, open_simulator

HMAC_KEY = "D7" * 32
ACCOUNTS = {
    currency: f"BA{currency}00000000000000000001" for currency in ("AUD", "SGD", "NOK", "JPY")
}
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


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> AdyenTransfers:
    monkeypatch.setenv("ADYEN_API_KEY", "a-key-for-tests")
    monkeypatch.setenv("ADYEN_HMAC_KEY", HMAC_KEY)
    settings = AdyenTransfersSettings(
        base_url="http://rail.test",
        accounts=ACCOUNTS,
        api_key="env:ADYEN_API_KEY",
        hmac_key="env:ADYEN_HMAC_KEY",
        amount_minor_max={"AUD": 10_000_000},
    )
    return AdyenTransfers(settings)


@pytest.fixture
def payment() -> Payment:
    return Payment(
        payment_id="01939c5e-0000-7000-8000-000000000001",
        kind=PaymentKind.PAYOUT,
        amount_minor=125_050,
        currency="AUD",
        beneficiary=Beneficiary(
            name="Koala Café Pty Ltd",
            country="AU",
            town="Sydney",
            account="12345678",
            bank_code="062-000",
        ),
        value_date=date(2024, 12, 19),
        idempotency_key="k-0001",
        end_to_end_id="E2E-0001",
        uetr="6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001",
        remittance_information="Settlement 2024-12-18",
    )


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
        for currency in ("AUD", "SGD")
    ]


@pytest.fixture
def open_rail(clock: Wall, tmp_path: Path) -> Callable[[], AdyenSimulator]:
    def opened() -> AdyenSimulator:
        return open_simulator(
            memory=Memory(tmp_path / "adyen.jsonl"),
            clock=clock,
            accounts=ACCOUNTS,
            outside=deposits(),
            secrets={"api_key": "a-key-for-tests", "hmac_key": HMAC_KEY},
        )

    return opened


@pytest.fixture
def rail(open_rail: Callable[[], AdyenSimulator]) -> AdyenSimulator:
    return open_rail()


@pytest.fixture
def talk_to(adapter: AdyenTransfers) -> Callable[[AdyenSimulator, Conversation[Any]], Any]:
    """Run a conversation against the app in process, with credentials as the sender adds them."""

    async def talked(rail: AdyenSimulator, conversation: Conversation[Any]) -> Any:
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
def talk(rail: AdyenSimulator, talk_to: Callable[..., Any]) -> Talk:
    return lambda conversation: talk_to(rail, conversation)


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


@pytest.fixture
def named(payment: Payment) -> Callable[[str, str], Payment]:
    """The payment under another number and another beneficiary's name."""

    def made(number: str, name: str) -> Payment:
        return replace(
            payment,
            idempotency_key=f"k-{number}",
            end_to_end_id=f"E2E-{number}",
            beneficiary=replace(payment.beneficiary, name=name),
        )

    return made
