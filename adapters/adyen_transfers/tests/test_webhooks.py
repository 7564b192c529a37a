"""Webhooks: who is believed, and what a believed one proves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from settle.adapters import Fact, Forged, Notification, Payment
from settle.errors import DocumentError
from settle_adyen_transfers import AdyenTransfers, webhook
from settle_adyen_transfers.simulator import AdyenSimulator

AT = datetime(2024, 12, 18, 17, 0, tzinfo=UTC)
HMAC_KEY = "D7" * 32
Talk = Callable[[Any], Awaitable[Any]]
Named = Callable[[str, str], Payment]


def delivery(*, kind: str = "balancePlatform.transfer.updated", **data: Any) -> bytes:
    transfer = {
        "id": "T1",
        "amount": {"currency": "AUD", "value": 125_050},
        "category": "bank",
        "direction": "outgoing",
        "reference": "E2E-0001",
        "sequenceNumber": 2,
        "status": "authorised",
    }
    return json.dumps({"data": transfer | data, "environment": "test", "type": kind}).encode()


def received(adapter: AdyenTransfers, content: bytes) -> Notification:
    headers = {"hmacsignature": webhook.signature(content, key=HMAC_KEY)}
    notification = adapter.notification(headers, content, AT)
    assert isinstance(notification, Notification)
    return notification


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"hmacsignature": ""},
        {"hmacsignature": "bm90IGl0"},
        {"hmacsignature": "é"},
        {"hmacsignature": webhook.signature(delivery(), key="AB" * 32)},
        {"hmacsignature": webhook.signature(delivery(id="T2"), key=HMAC_KEY)},
    ],
)
def test_a_delivery_that_does_not_verify_is_forged(
    adapter: AdyenTransfers, headers: dict[str, str]
) -> None:
    """A missing signature, another key's and another body's change nothing."""
    assert isinstance(adapter.notification(headers, delivery(), AT), Forged)


async def test_the_simulators_deliveries_prove_the_booking(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """A signed delivery of a booked payout carries the same evidence as `find`."""
    await talk(adapter.submit(payment))
    found = await talk(adapter.find(payment))
    told = [adapter.notification(h, c, AT) for h, c in rail.webhooks()]
    ours = [x for x in told if isinstance(x, Notification) and x.evidence]
    assert [x.evidence_id for x in found] == [x.evidence_id for x in ours[0].evidence]
    assert ours[0].find_first == ()


async def test_a_return_only_makes_us_ask(
    adapter: AdyenTransfers, named: Named, rail: AdyenSimulator, talk: Talk
) -> None:
    """Notice of a return proves the booking before it and triggers `find` for the rest."""
    await talk(adapter.submit(named("9", "SANDBOX RETURN AC04 SHORT 1")))
    told = [adapter.notification(h, c, AT) for h, c in rail.webhooks()]
    ours = [x for x in told if isinstance(x, Notification) and x.find_first]
    assert [x.find_first for x in ours] == [("E2E-9",)]
    assert Fact.RETURNED not in [x.fact for x in ours[0].evidence]


@pytest.mark.parametrize("status", ["failed", "refused", "cancelled", "returned", "brandNew"])
def test_bad_news_and_news_we_do_not_understand_only_make_us_ask(
    adapter: AdyenTransfers, status: str
) -> None:
    """A failure or an unknown status is no evidence of its own."""
    notification = received(adapter, delivery(status=status, reason="notEnoughBalance"))
    assert (list(notification.evidence), notification.find_first) == ([], ("E2E-0001",))


def test_fields_that_nobody_announced_are_ignored(adapter: AdyenTransfers) -> None:
    """A delivery may carry more than the published schema allows."""
    content = delivery(
        tracing={"x": 1}, eventId="E", events=[{"networkReason": {}, "status": None}]
    )
    assert [x.fact for x in received(adapter, content).evidence] == [Fact.ACCEPTED]


def test_a_confirmation_by_the_beneficiarys_bank_is_credited(adapter: AdyenTransfers) -> None:
    """Tracking that says credited proves the credit."""
    tracking = {"status": "credited", "type": "confirmation"}
    notification = received(adapter, delivery(status="booked", tracking=tracking))
    assert [x.fact for x in notification.evidence] == [Fact.BOOKED, Fact.CREDITED]


@pytest.mark.parametrize(
    "content",
    [
        delivery(direction="incoming"),
        delivery(reference=None),
        delivery(kind="balancePlatform.transaction.created"),
    ],
)
def test_what_is_not_about_our_payments_proves_nothing(
    adapter: AdyenTransfers, content: bytes
) -> None:
    """Deposits and other kinds of delivery are taken and change nothing."""
    notification = received(adapter, content)
    assert (tuple(notification.evidence), tuple(notification.find_first)) == ((), ())


@pytest.mark.parametrize("content", [b"", b"[]", b"{", delivery(amount=None)])
def test_an_authentic_delivery_that_cannot_be_read_is_said_so(
    adapter: AdyenTransfers, content: bytes
) -> None:
    """What is signed and not understood is refused by name, never dropped."""
    with pytest.raises(DocumentError, match="webhook"):
        received(adapter, content)
