"""One adapter, one simulator and one payment, as every test of this rail begins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from settle.adapters import (
    Beneficiary,
    Conversation,
    Finished,
    Payment,
    PaymentKind,
    Sender,
)
from settle.adapters.simulator import Memory, OutsideLine
from settle.simulation.serve import serving
from settle_gsma_mobile_money import GsmaMobileMoney, GsmaMobileMoneySettings
from settle_gsma_mobile_money.books import Books
from settle_gsma_mobile_money.simulator import GsmaSimulator

ACCOUNTS = {"USD": "organisationid@HUB1", "JPY": "walletid@77$organisationid@HUB2"}
SECRETS = {"api_key": "a-key-for-tests", "callback_key": "a-key-for-callbacks"}
KEY = "0123456789abcdef0123456789abcdef"
Talk = Callable[[Conversation[Any]], Awaitable[Any]]
Opened = Callable[..., GsmaMobileMoney]
Rail = Callable[..., GsmaSimulator]


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
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The adapter with the settings a test wants."""
    monkeypatch.setenv("GSMA_API_KEY", SECRETS["api_key"])
    monkeypatch.setenv("GSMA_CALLBACK_KEY", SECRETS["callback_key"])

    def made(**settings: Any) -> GsmaMobileMoney:
        plain = {
            "base_url": "http://rail.test",
            "accounts": ACCOUNTS,
            "api_key": "env:GSMA_API_KEY",
            "callback_key": "env:GSMA_CALLBACK_KEY",
            "client_id": "SETTLE",
        }
        return GsmaMobileMoney(GsmaMobileMoneySettings.model_validate(plain | settings))

    return made


@pytest.fixture
def adapter(opened: Opened) -> GsmaMobileMoney:
    return opened()


@pytest.fixture
def payment() -> Payment:
    return Payment(
        payment_id="01939c5e-0000-7000-8000-000000000001",
        kind=PaymentKind.PAYOUT,
        amount_minor=5_250,
        currency="USD",
        beneficiary=Beneficiary(
            name="Amina Wanjirũ", country="KE", town="Nairobi", account="+254700000001"
        ),
        value_date=date(2024, 12, 19),
        idempotency_key=KEY,
        end_to_end_id="E2E-0001",
        uetr="6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001",
        remittance_information="Settlement 2024-12-18",
    )


def deposits() -> list[OutsideLine]:
    """What others bring: enough to pay from."""
    return [
        OutsideLine(
            day=date(2024, 12, day), currency=currency, amount_minor=1_000_000,
            reference=f"DEPOSIT {currency}", counterparty="Partner Ltd",
        )
        for day in (18, 19)
        for currency in ("USD", "JPY", "SEK")
    ]  # fmt: skip


@pytest.fixture
def open_rail(clock: Wall, tmp_path: Path) -> Rail:
    def made(
        *, accounts: dict[str, str] | None = None, outside: list[OutsideLine] | None = None,
        flow: str = "sync", file: str = "gsma.jsonl",
    ) -> GsmaSimulator:  # fmt: skip
        books = Books(
            memory=Memory(tmp_path / file),
            clock=clock,
            accounts=ACCOUNTS if accounts is None else accounts,
            outside=deposits() if outside is None else outside,
        )
        return GsmaSimulator(books, secrets=SECRETS, flow=flow)

    return made


@pytest.fixture
def rail(open_rail: Rail) -> GsmaSimulator:
    return open_rail()


@pytest.fixture
async def base_url(rail: GsmaSimulator) -> AsyncIterator[str]:
    """Where the simulated rail answers, on loopback."""
    async with serving(rail.app) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
async def talk(base_url: str, opened: Opened) -> AsyncIterator[Talk]:
    """Run a conversation to its end with the real sender."""
    endpoint = opened(base_url=base_url).endpoint
    async with Sender(endpoint, connections=2) as sender:

        async def talked(conversation: Conversation[Any]) -> Any:
            ending = await sender.run(conversation, conversation_id="c")
            return ending.value if isinstance(ending, Finished) else ending

        yield talked
