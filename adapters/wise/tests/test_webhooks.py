"""Webhooks: who is believed, and that a believed one proves nothing by itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from settle.adapters import Forged, Notification, Payment
from settle.errors import ConfigError, DocumentError
from settle_wise import Wise
from settle_wise.simulator import WiseSimulator

from .conftest import PROFILE

AT = datetime(2024, 12, 18, 17, 0, tzinfo=UTC)
Talk = Callable[[Any], Awaitable[Any]]
RESOURCE = {"type": "transfer", "id": 111, "profile_id": PROFILE, "account_id": 333}


def change(**data: Any) -> dict[str, Any]:
    return {
        "data": {
            "resource": RESOURCE,
            "current_state": "processing",
            "previous_state": "incoming_payment_waiting",
            "occurred_at": "2020-01-01T12:34:56Z",
        }
        | data,
        "subscription_id": "01234567-89ab-cdef-0123-456789abcdef",
        "event_type": "transfers#state-change",
        "schema_version": "2.0.0",
        "sent_at": "2020-01-01T12:34:56Z",
    }


def told(adapter: Wise, rail: WiseSimulator, body: Any) -> Notification:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers, content = rail.signed(content)
    notification = adapter.notification(headers, content, AT)
    assert isinstance(notification, Notification)
    return notification


async def test_deliveries_in_any_order_only_make_us_ask(
    adapter: Wise, payment: Payment, rail: WiseSimulator, clock: Any, talk: Talk
) -> None:
    """Each change of state names the transfer to ask about, each by an id of its own."""
    outcome = await talk(adapter.submit(payment))
    clock.now += timedelta(hours=1)
    deliveries = list(rail.webhooks(profile=PROFILE))
    notes = [adapter.notification(h, c, AT) for h, c in reversed(deliveries)]
    assert len(notes) == 4
    assert all(isinstance(x, Notification) and not x.evidence for x in notes)
    assert {x.find_first for x in notes if isinstance(x, Notification)} == {
        (outcome.rail_reference,)
    }
    assert len({x.delivery_id for x in notes if isinstance(x, Notification)}) == 4


def test_a_replay_under_another_delivery_id_is_known_again(
    adapter: Wise, rail: WiseSimulator
) -> None:
    """The header with the delivery's id is not signed, so it makes nothing new."""
    headers, content = rail.signed(json.dumps(change()).encode())
    first = adapter.notification(headers, content, AT)
    again = adapter.notification(
        {**headers, "x-delivery-id": "another"}, content, AT + timedelta(days=9)
    )
    assert first == again


def test_a_state_that_comes_again_is_news(adapter: Wise, rail: WiseSimulator) -> None:
    """A transfer is rolled back, and is processing twice: the moment tells them apart."""
    first = told(adapter, rail, change())
    again = told(adapter, rail, change(occurred_at="2020-01-03T12:34:56Z"))
    same = told(adapter, rail, change(occurred_at="2020-01-01T13:34:56+01:00"))
    assert first.delivery_id == same.delivery_id != again.delivery_id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers, content: ({}, content),
        lambda headers, content: ({"x-signature-sha256": ""}, content),
        lambda headers, content: ({"x-signature-sha256": "bm90IGl0"}, content),
        lambda headers, content: ({"x-signature-sha256": "é"}, content),
        lambda headers, content: ({"x-signature-sha256": "%%%"}, content),
        lambda headers, content: (headers, content + b" "),
        lambda headers, content: (headers, content.replace(b"111", b"112")),
    ],
)
def test_a_delivery_that_does_not_verify_is_forged(
    adapter: Wise, rail: WiseSimulator, spoil: Any
) -> None:
    """A missing signature, a wrong one and another body change nothing."""
    headers, content = spoil(*rail.signed(json.dumps(change()).encode()))
    assert isinstance(adapter.notification(headers, content, AT), Forged)


def test_without_a_key_nothing_is_believed(adapter: Wise, rail: WiseSimulator) -> None:
    """Who configures no key gets no notifications, and no door either."""
    keyless = Wise(adapter.settings.model_copy(update={"webhook_key": None}))
    assert isinstance(keyless.notification(*rail.signed(b"{}"), AT), Forged)


def test_a_key_that_is_none_is_said_so(
    adapter: Wise, rail: WiseSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken key is a matter of configuration, not of the delivery."""
    monkeypatch.setenv("WISE_KEY", "not a key")
    with pytest.raises(ConfigError, match="PEM"):
        adapter.notification(*rail.signed(b"{}"), AT)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("transfers#refund", {"resource": RESOURCE | {"refund_amount": 5000.5}}),
        ("transfers#active-cases", {"resource": RESOURCE, "active_cases": ["x"]}),
        (
            "transfers#payout-failure",
            {"transfer_id": 111, "profile_id": PROFILE, "failure_reason_code": "BRAND_NEW"},
        ),
    ],
)
def test_refunds_failures_and_cases_make_us_ask(
    adapter: Wise, rail: WiseSimulator, kind: str, data: dict[str, Any]
) -> None:
    """What they tell is read from the rail itself."""
    body = change() | {"event_type": kind, "data": data, "unheard_of": {"a": 1}}
    notification = told(adapter, rail, body)
    assert (tuple(notification.evidence), notification.find_first) == ((), ("111",))


@pytest.mark.parametrize(
    "body",
    [
        change(resource=RESOURCE | {"profile_id": 7}),
        change() | {"event_type": "balances#update", "data": {"amount": 1.5}},
        {"event_type": "brand-new#event"},
    ],
)
def test_what_is_not_about_our_transfers_proves_nothing(
    adapter: Wise, rail: WiseSimulator, body: dict[str, Any]
) -> None:
    """Other profiles and other kinds of event are taken and change nothing."""
    notification = told(adapter, rail, body)
    assert (tuple(notification.evidence), tuple(notification.find_first)) == ((), ())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", change(resource=None)])
def test_an_authentic_delivery_that_cannot_be_read_is_said_so(
    adapter: Wise, rail: WiseSimulator, body: Any
) -> None:
    """What is signed and not understood is refused by name, never dropped."""
    with pytest.raises(DocumentError, match="webhook"):
        told(adapter, rail, body)
