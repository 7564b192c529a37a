"""Callbacks: who is believed, and what a believed one proves."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from settle.adapters import Fact, Forged, Notification
from settle.errors import DocumentError
from settle_gsma_mobile_money import GsmaMobileMoney
from settle_gsma_mobile_money.wire import correlation

from .conftest import KEY, SECRETS, Opened
from .test_outcomes import made, problem

AT = datetime(2024, 12, 18, 17, 0, tzinfo=UTC)
SIGNED = {"x-api-key": SECRETS["callback_key"], "x-correlationid": correlation(KEY)}


def told(adapter: GsmaMobileMoney, body: Any, headers: dict[str, str] = SIGNED) -> Notification:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    notification = adapter.notification(headers, content, AT)
    assert isinstance(notification, Notification)
    return notification


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "é"},
        {"x-api-key": SECRETS["api_key"]},
        SIGNED | {"x-content-hash": hashlib.sha256(b"other").hexdigest()},
        SIGNED | {"x-content-hash": ""},
    ],
)
def test_a_callback_that_does_not_verify_is_forged(
    adapter: GsmaMobileMoney, headers: dict[str, str]
) -> None:
    """A missing key, our own key for the rail, and another content's digest change nothing."""
    assert isinstance(adapter.notification(headers, json.dumps(made()).encode(), AT), Forged)


def test_without_a_key_nothing_is_believed(opened: Opened) -> None:
    """No key agreed upon, no callbacks, and the profile says so."""
    adapter = opened(callback_key=None)
    assert isinstance(adapter.notification(SIGNED, b"{}", AT), Forged)


def test_a_completed_transaction_proves_the_booking(adapter: GsmaMobileMoney) -> None:
    """Fields that nobody announced are ignored, and the digest may be in capitals."""
    content = json.dumps(made(surprise=[1.5])).encode()
    digest = hashlib.sha256(content).hexdigest().upper()
    notification = told(adapter, content, SIGNED | {"x-content-hash": digest})
    (proof,) = notification.evidence
    assert (Fact.BOOKED, "E2E-0001", 5_250) == (proof.fact, proof.reference, proof.amount_minor)
    assert told(adapter, content) == notification  # a copy is known again


@pytest.mark.parametrize(
    "body",
    [
        problem("businessRule", "insufficientFunds"),
        {"errorCategory": "Validation", "errorCode": "GenericError"},
        made(requestingOrganisationTransactionReference=None),
    ],
)
def test_bad_news_and_news_without_a_reference_make_us_ask(
    adapter: GsmaMobileMoney, body: Any
) -> None:
    """An error names no transaction: what it is about is in the correlation, if it is ours."""
    notification = told(adapter, body)
    assert ((), (KEY,)) == (tuple(notification.evidence), tuple(notification.find_first))
    silent = told(adapter, body, {"x-api-key": SECRETS["callback_key"]})
    assert ((), ()) == (tuple(silent.evidence), tuple(silent.find_first))


@pytest.mark.parametrize("word", ["onhold", "failed"])
def test_a_status_that_decides_nothing_makes_us_ask(adapter: GsmaMobileMoney, word: str) -> None:
    """Unknown words are no evidence of their own."""
    notification = told(adapter, made(transactionStatus=word))
    assert ((), ("E2E-0001",)) == (tuple(notification.evidence), tuple(notification.find_first))


@pytest.mark.parametrize("body", [made(type="reversal"), {"result": "success"}, {"batchId": "B1"}])
def test_what_is_not_about_a_payment_proves_nothing(adapter: GsmaMobileMoney, body: Any) -> None:
    """Reversals, batches and approvals are taken without evidence."""
    assert () == tuple(told(adapter, body).evidence)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", {"a": 1}, made(amount="x"), {"errorCode": 1}])
def test_an_authentic_callback_that_cannot_be_read_is_said_so(
    adapter: GsmaMobileMoney, body: Any
) -> None:
    """What is believed and not understood is refused by name, never dropped."""
    with pytest.raises(DocumentError):
        told(adapter, body)
