"""A rail's real adapter over the real wire, against canned answers on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

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

from .raw_rail import Line, RawRail, Script

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

Opened = Callable[[str], Adapter[Any]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The rail's adapter at an address, opened as a configuration opens it."""
    monkeypatch.setenv("CANNED_API_KEY", "a-key-for-tests")

    def at(base_url: str) -> Adapter[Any]:
        settings = {
            "base_url": base_url,
            "accounts": {"AUD": "BAAUD00000000000000000001"},
            "api_key": "env:CANNED_API_KEY",
        }
        return open_adapter("adyen_transfers", settings, where="rails.adyen_transfers")

    return at


def canned(status: int, content: object = None) -> Script:
    """A rail that says the same to whatever it is asked."""
    body = b"" if content is None else json.dumps(content).encode()
    head = f"HTTP/1.1 {status} Canned\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def play(line: Line) -> None:
        while True:
            line.asked()
            line.say(head + body)

    return play


async def submitted(adapter: Adapter[Any]) -> Ending[Outcome]:
    async with Sender(adapter.endpoint, connections=1) as sender:
        return await sender.run(adapter.submit(PAYMENT), conversation_id="c")


async def test_an_authorised_transfer_is_accepted(opened: Opened) -> None:
    """One request with its key and credential, and the rail's own reference in the outcome."""
    with RawRail(canned(202, AUTHORISED)) as rail:
        ending = await submitted(opened(rail.base_url))
    assert isinstance(ending, Finished)
    assert isinstance(ending.value, Accepted)
    assert "48POO45ZVG11166J" == ending.value.rail_reference
    (request,) = rail.requests
    head, _, content = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST ")
    assert head.split(b" ")[1].endswith(b"/transfers")
    lines = head.split(b"\r\n")
    assert {b"idempotency-key: k-0001", b"x-api-key: a-key-for-tests"} < set(lines)
    assert {"currency": "AUD", "value": 125_050} == json.loads(content)["amount"]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_unknown_and_is_not_repeated(opened: Opened, status: int) -> None:
    """The rail may have paid before it failed, so one request has left and no other does."""
    with RawRail(canned(status)) as rail:
        ending = await submitted(opened(rail.base_url))
    assert isinstance(ending, Finished)
    assert isinstance(ending.value, Unknown)
    assert 1 == len(rail.requests)


async def test_a_connection_that_is_refused_moved_nothing(opened: Opened) -> None:
    """No byte left this machine, so the payment may be sent later."""
    with socket.socket() as taken:  # bound and not listening: refused, and nobody else's
        taken.bind(("127.0.0.1", 0))
        ending = await submitted(opened(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert isinstance(ending, NotMoved)
