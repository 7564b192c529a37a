"""A bank's customer, its batches, and the simulated bank played without a network."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from settle.adapters import (
    Batch,
    Beneficiary,
    Exchange,
    Payment,
    PaymentKind,
    Response,
)
from settle.adapters.simulator import Memory, OutsideLine, Simulator
from settle_iso20022_bank import Iso20022Bank, Iso20022BankSettings
from settle_iso20022_bank.simulator import open_simulator

ACCOUNTS = {"EUR": "DE89370400440532013000", "SEK": "SE4550000000058398257466", "USD": "7000012345"}
NIGHT = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
Play = Callable[[Simulator], Callable[[Exchange], Response]]


@pytest.fixture
def bank() -> Iso20022Bank:
    return Iso20022Bank(
        Iso20022BankSettings(
            base_url="https://bank.invalid",
            accounts=ACCOUNTS,
            bic="COBADEFFXXX",
            debtor_name="Hub Settlement Ltd",
            debtor_country="DE",
            debtor_town="Berlin",
            user="hub",
            password="env:BANK_PASSWORD",
            batch_booking=frozenset({"SEK"}),
            part_inherits=True,
        )
    )


@pytest.fixture
def payment() -> Callable[..., Payment]:
    def make(
        number: int = 1, *, currency: str = "EUR", minor: int = 12345, name: str = "Zoë Ærlig AS"
    ) -> Payment:
        payee = Beneficiary(
            name=name,
            country="NO",
            town="Tromsø",
            account="NO9386011117947",
            bic="DNBANOKK",
        )
        return Payment(
            payment_id=f"00000000-0000-7000-8000-{number:012d}",
            kind=PaymentKind.PAYOUT,
            amount_minor=minor,
            currency=currency,
            beneficiary=payee,
            value_date=date(2024, 12, 19),
            idempotency_key=f"key-{number}",
            end_to_end_id=f"E2E-{number}",
            uetr=f"00000000-0000-4000-8000-{number:012d}",
            remittance_information=f"Settlement 2024-12-18 / {number}",
        )

    return make


@pytest.fixture
def batch(payment: Callable[..., Payment]) -> Callable[..., Batch]:
    def make(
        *names: str, currency: str = "EUR", batch_id: str = "BATCH-1", minor: int = 12345
    ) -> Batch:
        payments: Sequence[Payment] = [
            payment(number, currency=currency, minor=minor, name=name)
            for number, name in enumerate(names or ("Zoë Ærlig AS", "Bo & Co"), start=1)
        ]
        return Batch(
            batch_id=batch_id,
            currency=currency,
            value_date=date(2024, 12, 19),
            created_on=date(2024, 12, 18),
            payments=payments,
        )

    return make


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Simulator]:
    def make(*outside: OutsideLine, now: datetime = NIGHT, file: str = "bank.jsonl") -> Simulator:
        return open_simulator(
            memory=Memory(tmp_path / file),
            clock=lambda: now,
            accounts=ACCOUNTS,
            outside=outside,
            secrets={"user": "hub", "password": "hush"},
        )

    return make


@pytest.fixture
def play() -> Play:
    """Answers exchanges out of the simulated bank, in this process."""

    def answers(simulator: Simulator, password: str = "hush") -> Callable[[Exchange], Response]:
        pair = base64.b64encode(f"hub:{password}".encode()).decode()

        async def ask(exchange: Exchange) -> Response:
            transport = httpx.ASGITransport(app=simulator.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bank") as client:
                request = exchange.request
                headers = {**request.headers, "Authorization": f"Basic {pair}"}
                answer = await client.request(
                    request.method, request.target, content=request.content, headers=headers
                )
            return Response(
                status=answer.status_code, headers=dict(answer.headers), content=answer.content
            )

        return lambda exchange: asyncio.run(ask(exchange))

    return answers
