"""Below the sender is httpx, without its client: respx answers for a rail where httpcore would."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
import respx

from settle.adapters import (
    Accepted,
    Adapter,
    Beneficiary,
    Ending,
    Finished,
    NotMoved,
    Outcome,
    Payment,
    PaymentKind,
    Sender,
    Unknown,
)
from settle.adapters.registry import open_adapter

RAIL = "http://rail.test"
PAYMENT = Payment(
    payment_id="01939c5e-0000-7000-8000-000000000001",
    kind=PaymentKind.PAYOUT,
    amount_minor=125_050,
    currency="AUD",
    beneficiary=Beneficiary(
        name="Koala Pty Ltd", country="AU", town="Sydney", account="12345678", bank_code="062-000"
    ),
    value_date=date(2024, 12, 19),
    idempotency_key="k-0001",
    end_to_end_id="E2E-0001",
    uetr="6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001",
    remittance_information="Settlement 2024-12-18",
)
AUTHORISED = {
    "id": "48POO45ZVG11166J",
    "amount": {"currency": "AUD", "value": 125_050},
    "category": "bank",
    "direction": "outgoing",
    "reference": "E2E-0001",
    "status": "authorised",
}


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Adapter[Any]:
    """The rail's adapter, opened as a configuration opens it."""
    monkeypatch.setenv("RESPX_API_KEY", "a-key-for-tests")
    settings = {
        "base_url": RAIL,
        "accounts": {"AUD": "BAAUD00000000000000000001"},
        "api_key": "env:RESPX_API_KEY",
    }
    return open_adapter("adyen_transfers", settings, where="rails.adyen_transfers")


async def submitted(adapter: Adapter[Any]) -> Ending[Outcome]:
    async with Sender(adapter.endpoint, connections=1) as sender:
        return await sender.run(adapter.submit(PAYMENT), conversation_id="c")


async def test_an_authorised_transfer_is_accepted(adapter: Adapter[Any]) -> None:
    """One request with its key and credential, and the rail's own reference in the outcome."""
    with respx.mock(base_url=RAIL) as rail:
        transfers = rail.post(path__regex="/transfers$").respond(202, json=AUTHORISED)
        ending = await submitted(adapter)
    assert isinstance(ending, Finished)
    assert isinstance(ending.value, Accepted)
    assert "48POO45ZVG11166J" == ending.value.rail_reference
    assert 1 == transfers.call_count  # expected before actual
    headers = transfers.calls.last.request.headers
    assert ("k-0001", "a-key-for-tests") == (headers["idempotency-key"], headers["x-api-key"])


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_unknown_and_is_not_repeated(
    adapter: Adapter[Any], status: int
) -> None:
    """The rail may have paid before it failed, so one request has left and no other does."""
    with respx.mock(base_url=RAIL) as rail:
        transfers = rail.post(path__regex="/transfers$").respond(status)
        ending = await submitted(adapter)
    assert isinstance(ending, Finished)
    assert isinstance(ending.value, Unknown)
    assert 1 == transfers.call_count  # expected before actual


async def test_a_connection_that_is_refused_moved_nothing(adapter: Adapter[Any]) -> None:
    """No byte left this machine, so the payment may be sent later."""
    with respx.mock(base_url=RAIL) as rail:
        transfers = rail.post(path__regex="/transfers$").mock(side_effect=httpx.ConnectError)
        ending = await submitted(adapter)
    assert isinstance(ending, NotMoved)
    assert 1 == transfers.call_count  # expected before actual
