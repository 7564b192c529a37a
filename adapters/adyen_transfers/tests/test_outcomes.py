"""Every row of the outcome table of POST /transfers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.adapters import (
    Accepted,
    Effect,
    Exchange,
    Outcome,
    Payment,
    Rejected,
    Response,
    Unknown,
    converse,
)
from settle.errors import BadInput
from settle_adyen_transfers import AdyenTransfers
from settle_adyen_transfers.statuses import FACTS, REFUSED_BY_ADYEN, TAKEN


def transfer(**changes: Any) -> dict[str, Any]:
    return {
        "amount": {"currency": "AUD", "value": 125_050},
        "category": "bank",
        "counterparty": {},
        "id": "T1",
        "reference": "E2E-0001",
        "status": "received",
    } | changes


def problem(**changes: Any) -> dict[str, Any]:
    fields = [{"name": "amount.value", "message": "too small", "value": "secret"}]
    return {
        "detail": "d",
        "errorCode": "29_001",
        "invalidFields": fields,
        "status": 422,
        "title": "t",
        "type": "about:blank",
    } | changes


def submitted(
    adapter: AdyenTransfers, payment: Payment, status: int, body: Any, **headers: str
) -> Outcome:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(exchange: Exchange) -> Response:
        return Response(status=status, headers=headers, content=content)

    outcome, asked = converse(adapter.submit(payment), answer)
    assert [x.effect for x in asked] == [Effect.COMMITS]
    return outcome


@pytest.mark.parametrize("http", [200, 202])
@pytest.mark.parametrize("status", sorted(s for s, fact in FACTS.items() if fact in TAKEN))
def test_a_status_that_says_the_rail_has_it_is_accepted(
    adapter: AdyenTransfers, payment: Payment, http: int, status: str
) -> None:
    """A known status short of failure is an acceptance, with the rail's own id."""
    outcome = submitted(adapter, payment, http, transfer(status=status))
    assert Accepted(rail_reference="T1", status=status) == outcome


@pytest.mark.parametrize("reason", sorted(REFUSED_BY_ADYEN))
def test_refused_by_adyens_own_decision_is_rejected(
    adapter: AdyenTransfers, payment: Payment, reason: str
) -> None:
    """A refusal for a reason that only Adyen decides frees the obligation."""
    outcome = submitted(adapter, payment, 202, transfer(status="refused", reason=reason))
    assert Rejected(code=reason, reason=f"refused: {reason}") == outcome


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "refused"},
        {"status": "refused", "reason": "duplicateTransmissionDetected"},
        {"status": "refused", "reason": "internalTimeout"},
        *({"status": s} for s, fact in sorted(FACTS.items()) if fact not in TAKEN),
        {"status": "chargeback"},
        {"status": "somethingNew"},
        {"amount": {"currency": "AUD", "value": 1}},
        {"amount": {"currency": "SGD", "value": 125_050}},
        {"amount": {"currency": "AUD", "value": 125_050.5}},
        {"amount": {"currency": "AUD", "value": "125050"}},
        {"reference": "E2E-0002"},
        {"status": None},
    ],
)
def test_an_answer_that_cannot_be_trusted_is_unknown(
    adapter: AdyenTransfers, payment: Payment, changes: dict[str, Any]
) -> None:
    """A status, amount or reference that is not what was asked for leaves the outcome open."""
    outcome = submitted(adapter, payment, 202, transfer(**changes))
    assert isinstance(outcome, Unknown)


def test_an_acceptance_without_an_id_is_accepted(adapter: AdyenTransfers, payment: Payment) -> None:
    """The published schema does not require the id, so its absence changes nothing."""
    outcome = submitted(adapter, payment, 202, transfer(id=None))
    assert Accepted(rail_reference=None, status="received") == outcome


def test_fields_that_nobody_announced_are_ignored(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """A field outside the published schema does not turn an acceptance into doubt."""
    outcome = submitted(adapter, payment, 202, transfer(eventId="E", tracing={"a": [1.5]}))
    assert isinstance(outcome, Accepted)


def test_a_validation_error_is_rejected_without_its_values(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """A 422 that names invalid fields created nothing, and its values are not repeated."""
    outcome = submitted(adapter, payment, 422, problem())
    assert Rejected(code="29_001", reason="amount.value: too small") == outcome


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (422, problem(invalidFields=[]), {}),
        (422, problem(errorCode="704"), {}),
        (422, problem(invalidFields=[{"name": "Idempotency-Key", "message": "in use"}]), {}),
        (422, problem(), {"transient-error": "true"}),
        (422, {"message": "other shape"}, {}),
        (422, b"<html>", {}),
        (202, b"", {}),
        (202, b"{", {}),
        (202, b"[]", {}),
        (202, b"NaN", {}),
        (204, b"", {}),
        (302, b"", {}),
        (400, problem(status=400), {}),
        (401, problem(status=401), {}),
        (403, problem(status=403), {}),
        (404, b"", {}),
        (409, problem(status=409), {}),
        (429, b"", {}),
        (500, problem(status=500), {}),
        (502, b"", {}),
        (503, transfer(), {}),
    ],
)
def test_every_other_answer_is_unknown(
    adapter: AdyenTransfers,
    payment: Payment,
    status: int,
    body: Any,
    headers: dict[str, str],
) -> None:
    """Conflicts, refused credentials, throttling, failures and noise leave the outcome open."""
    assert isinstance(submitted(adapter, payment, status, body, **headers), Unknown)


def test_the_key_travels_in_the_header_and_the_reference_in_the_body(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """The request carries the stored key, our reference and the exact minor units."""
    request = next(adapter.submit(payment)).request
    body = json.loads(request.content)
    assert request.headers["Idempotency-Key"] == "k-0001"
    assert body["reference"] == "E2E-0001"
    assert body["amount"] == {"currency": "AUD", "value": 125_050}


def test_the_same_payment_makes_the_same_bytes(adapter: AdyenTransfers, payment: Payment) -> None:
    """A replayed submission asks for exactly what was asked before."""
    first, again = next(adapter.submit(payment)), next(adapter.submit(payment))
    assert first.request.fingerprint == again.request.fingerprint


def test_it_pays_from_the_account_that_the_payment_names(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """Two that differ in nothing else ask for two things; one that names none pays as ever."""
    asked = [
        json.loads(next(adapter.submit(replace(payment, account=account))).request.content)
        for account in ("", "BA-ONE", "BA-TWO")
    ]
    first = adapter.settings.accounts["AUD"]
    assert [first, "BA-ONE", "BA-TWO"] == [each.pop("balanceAccountId") for each in asked]
    assert asked[0] == asked[1] == asked[2]


def test_a_payment_with_something_against_it_is_never_sent(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """What `check` refuses is refused again before the first request."""
    bad = replace(payment, currency="EUR")
    with pytest.raises(BadInput, match="currency: no balance account for EUR"):
        next(adapter.submit(bad))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
noise = st.dictionaries(st.sampled_from(sorted(transfer() | problem())), scalars) | scalars


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=st.integers(100, 599), changes=noise)
def test_noise_is_never_taken_for_an_answer(
    adapter: AdyenTransfers, payment: Payment, status: int, changes: Any
) -> None:
    """A body of the wrong shape raises nothing, and decides nothing it does not state."""
    body = {"reference": "E2E-0001"} | changes if isinstance(changes, dict) else changes
    outcome = submitted(adapter, payment, status, body)
    assert isinstance(outcome, Unknown)
