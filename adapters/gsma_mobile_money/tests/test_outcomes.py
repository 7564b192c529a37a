"""Every row of the outcome tables, by canned answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.adapters import (
    Accepted,
    Batch,
    Effect,
    Exchange,
    Fact,
    Outcome,
    Payment,
    PaymentKind,
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Rejected,
    Response,
    Unknown,
    converse,
)
from settle.adapters.registry import installed
from settle.errors import BadInput, DocumentError, RailDown, Unsupported
from settle_gsma_mobile_money import GsmaMobileMoney
from settle_gsma_mobile_money.statuses import MADE_NOTHING, OF_THE_RAIL
from settle_gsma_mobile_money.wire import (
    AMOUNT_WIRE,
    Transaction,
    amount_text,
    correlation,
    minor,
    read,
)

from .conftest import KEY, Opened

SERVER = "11111111-2222-4333-8444-555555555555"
PENDING = {"serverCorrelationId": SERVER, "status": "pending", "notificationMethod": "polling"}
HTTP = {"businessRule": 400, "validation": 400, "identification": 404}


def made(**changes: Any) -> dict[str, Any]:
    return {
        "amount": "52.50",
        "currency": "USD",
        "requestingOrganisationTransactionReference": "E2E-0001",
        "transactionReference": "REF1",
        "transactionStatus": "completed",
        "type": "disbursement",
    } | changes


def problem(category: str, code: str) -> dict[str, Any]:
    return {"errorCategory": category, "errorCode": code, "errordescription": "+254700000001"}


def said(status: int, body: Any) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, content=content)


def submitted(adapter: GsmaMobileMoney, payment: Payment, status: int, body: Any) -> Outcome:
    outcome, asked = converse(adapter.submit(payment), lambda _: said(status, body))
    assert [x.effect for x in asked] == [Effect.COMMITS]
    return outcome


def found(adapter: GsmaMobileMoney, payment: Payment, answers: dict[str, Response]) -> Any:
    finding, asked = converse(adapter.find(payment), lambda x: answers[x.request.path])
    assert {x.effect for x in asked} == {Effect.READS}
    return finding


def test_the_plug_in_is_found_by_its_name() -> None:
    """The entry point leads to the adapter."""
    assert installed()["gsma_mobile_money"] is GsmaMobileMoney


@pytest.mark.parametrize("status", ["completed", "Completed"])
def test_a_completed_transaction_is_accepted(
    adapter: GsmaMobileMoney, payment: Payment, status: str
) -> None:
    """The official cases write it in both ways; unknown fields change nothing."""
    outcome = submitted(adapter, payment, 201, made(transactionStatus=status, x={"y": 1.5}))
    assert Accepted(rail_reference="REF1", status=status) == outcome


@pytest.mark.parametrize("amount", [b"52.50", b"52.5", b'"52.500"'])
def test_an_amount_may_be_written_otherwise_and_stays_exact(
    adapter: GsmaMobileMoney, payment: Payment, amount: bytes
) -> None:
    """A JSON number is read as a decimal, and zeros at the end are no finer unit."""
    body = json.dumps(made()).encode().replace(b'"52.50"', amount)
    assert isinstance(submitted(adapter, payment, 201, body), Accepted)


def test_a_pending_request_is_accepted(adapter: GsmaMobileMoney, payment: Payment) -> None:
    """A request that is carried out later is the rail's; its id is the reference."""
    outcome = submitted(adapter, payment, 202, PENDING)
    assert Accepted(rail_reference=SERVER, status="pending") == outcome


@pytest.mark.parametrize("code", sorted(MADE_NOTHING))
def test_a_breach_of_a_rule_is_rejected(
    adapter: GsmaMobileMoney, payment: Payment, code: str
) -> None:
    """At once by its own status, or later by the request state; the description is not kept."""
    error = problem(MADE_NOTHING[code], code)
    at_once = submitted(adapter, payment, HTTP[MADE_NOTHING[code]], error)
    later = submitted(adapter, payment, 202, PENDING | {"status": "failed", "error": error})
    assert isinstance(at_once, Rejected)
    assert isinstance(later, Rejected)
    assert (code, code) == (at_once.code, later.code)
    assert "+254" not in at_once.reason + later.reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, made(transactionStatus="onhold")),
        (201, made(transactionStatus="failed")),
        (201, made(amount="52.51")),
        (201, made(amount="52.501")),
        (201, made(amount=None)),
        (201, made(amount="52,50")),
        (201, made(amount="5_2.50")),
        (201, made(currency="JPY")),
        (201, made(requestingOrganisationTransactionReference="E2E-0002")),
        (201, made(type="merchantpay")),
        (201, {"transactionReference": "REF1"}),
        (201, b"<html>"),
        (201, []),
        (200, made()),
        (204, b""),
        (202, PENDING | {"status": "queued"}),
        (202, PENDING | {"status": "failed"}),
        (202, PENDING | {"status": "failed", "error": problem("internal", "genericError")}),
        (202, {"status": "pending"}),
        (302, b""),
        (400, problem("businessRule", "duplicateRequest")),
        (400, problem("businessRule", "incorrectState")),
        (400, problem("businessRule", "rateLimitError")),
        (400, problem("businessRule", "genericError")),
        (400, problem("businessRule", "brandNew")),
        (400, problem("validation", "insufficientFunds")),
        (400, problem("identification", "identifierError")),
        (400, b"<html>"),
        (401, problem("authorisation", "clientAuthorisationError")),
        (401, problem("authorisation", "requestDeclined")),
        (404, b"not found"),
        (404, problem("businessRule", "insufficientFunds")),
        (409, problem("businessRule", "insufficientFunds")),
        (429, b""),
        (500, problem("validation", "formatError")),
        (500, problem("Validation", "GenericError")),
        (503, made()),
    ],
)
def test_every_other_answer_is_unknown(
    adapter: GsmaMobileMoney, payment: Payment, status: int, body: Any
) -> None:
    """Duplicates, refused credentials, failures, noise and what fits badly decide nothing."""
    assert isinstance(submitted(adapter, payment, status, body), Unknown)


def test_a_providers_own_words_are_explained_in_the_settings(
    opened: Opened, payment: Payment
) -> None:
    """What the specification leaves to providers is settled by data, not by guessing."""
    adapter = opened(statuses={"Successful": "completed", "Ambiguous": "pending", "Dead": "failed"})
    words = {"SUCCESSFUL": Accepted, "ambiguous": Accepted, "dead": Unknown, "other": Unknown}
    for word, kind in words.items():
        outcome = submitted(adapter, payment, 201, made(transactionStatus=word))
        assert isinstance(outcome, kind), word


def test_what_is_asked(adapter: GsmaMobileMoney, payment: Payment) -> None:
    """The key as a UUID, our reference, the exact amount without zeros, both parties."""
    request = next(adapter.submit(payment)).request
    body = json.loads(request.content)
    assert "01234567-89ab-cdef-0123-456789abcdef" == request.headers["X-CorrelationID"]
    assert "SETTLE" == request.headers["X-Client-Id"]
    assert "X-Callback-URL" not in request.headers
    assert ("52.5", "USD", "disbursement", "E2E-0001") == (
        body["amount"],
        body["currency"],
        body["type"],
        body["requestingOrganisationTransactionReference"],
    )
    assert [{"key": "organisationid", "value": "HUB1"}] == body["debitParty"]
    assert [{"key": "msisdn", "value": "+254700000001"}] == body["creditParty"]
    again = next(adapter.submit(payment)).request
    assert request.fingerprint == again.fingerprint


def test_it_pays_from_the_account_that_the_payment_names(
    adapter: GsmaMobileMoney, payment: Payment
) -> None:
    """One that names none pays from the currency's first."""
    other = replace(payment, account="walletid@5")
    body = json.loads(next(adapter.submit(other)).request.content)
    assert [{"key": "walletid", "value": "5"}] == body["debitParty"]


def test_a_remittance_says_where_it_comes_from(opened: Opened, payment: Payment) -> None:
    """Without a country of origin there are none, and with one the rail is told."""
    sent = replace(payment, kind=PaymentKind.REMITTANCE)
    assert "kind" in " ".join(opened().check(sent))
    body = json.loads(next(opened(origin_country="SG").submit(sent)).request.content)
    assert "inttransfer" == body["type"]
    assert {"originCountry": "SG", "receivingCountry": "KE", "remittancePurpose": "SUPP"} == body[
        "internationalTransferInformation"
    ]


def test_callbacks_are_asked_for_where_they_are_configured(
    opened: Opened, payment: Payment
) -> None:
    """The URL travels with every request that makes something."""
    adapter = opened(callback_url="https://hub.test/gsma")
    assert (
        "https://hub.test/gsma" == next(adapter.submit(payment)).request.headers["X-Callback-URL"]
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "SEK"}, "currency"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -1}, "amount_minor"),
        ({"amount_minor": 2**63}, "amount_minor"),
        ({"currency": "JPY", "amount_minor": 10**18}, "amount_minor"),
        ({"idempotency_key": "k-1"}, "idempotency_key"),
        ({"end_to_end_id": ""}, "end_to_end_id"),
        ({"account": "wallet five"}, "account"),
        ({"beneficiary.account": "12 34"}, "beneficiary.account"),
        ({"beneficiary.account": "msisdn@abc"}, "beneficiary.account"),
        ({"beneficiary.account": "colour@red"}, "beneficiary.account"),
        ({"beneficiary.name": " "}, "beneficiary.name"),
        ({"beneficiary.name": "x" * 257}, "beneficiary.name"),
        ({"beneficiary.town": "x" * 257}, "beneficiary.town"),
        ({"beneficiary.country": "ke"}, "beneficiary.country"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_never_sent(
    adapter: GsmaMobileMoney, payment: Payment, change: dict[str, Any], field: str
) -> None:
    """`check` names the field, and `submit` sends nothing."""
    of_payee = {k.split(".")[1]: v for k, v in change.items() if "." in k}
    plain = {k: v for k, v in change.items() if "." not in k}
    bad = replace(payment, beneficiary=replace(payment.beneficiary, **of_payee), **plain)
    assert [field] == [x.split(":")[0] for x in adapter.check(bad)]
    with pytest.raises(BadInput, match=field):
        next(adapter.submit(bad))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"accounts": {"USD": "HUB1"}}, "identifier@value"),
        ({"further_accounts": {"USD": ("HUB1",)}}, "identifier@value"),
        ({"api_key": "in-clear"}, "never in clear"),
        ({"callback_url": "https://a.test", "callback_key": None}, "callback_key"),
        ({"origin_country": "Kenya"}, "origin_country"),
        ({"client_id": "a\nb"}, "header"),
        ({"statuses": {"x": "perhaps"}}, "statuses"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    opened: Opened, settings: dict[str, Any], why: str
) -> None:
    """Unknown keys, secrets in clear and wallets in another form are told at the start."""
    with pytest.raises(ValueError, match=why):
        opened(**settings)


RESPONSES = f"/responses/{correlation(KEY)}"
NOT_THERE = said(404, problem("identification", "identifierError"))


def link(to: str) -> Response:
    return said(200, {"link": to})


@pytest.mark.parametrize(
    "to",
    ["/transactions/REF1", "https://elsewhere.test/v1.1/mm/transactions/REF1", "transactions/REF1"],
)
def test_find_follows_the_path_of_the_link_on_our_own_rail(
    adapter: GsmaMobileMoney, payment: Payment, to: str
) -> None:
    """The transaction proves the booking; the host of a link is never asked."""
    answers = {RESPONSES: link(to), "/transactions/REF1": said(200, made())}
    (proof,) = found(adapter, payment, answers)
    assert (Fact.BOOKED, 5_250, "USD", "E2E-0001", "REF1") == (
        proof.fact, proof.amount_minor, proof.currency, proof.reference, proof.rail_reference,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        ({"status": "pending"}, [Fact.ACCEPTED]),
        ({"status": "completed"}, [Fact.ACCEPTED]),
        ({"status": "completed", "objectReference": "REF1"}, [Fact.BOOKED]),
        ({"status": "completed", "objectReference": "/mm/transactions/REF1"}, [Fact.BOOKED]),
        ({"status": "queued"}, [Fact.ACCEPTED]),
        ({"status": "failed"}, [Fact.FAILED]),
        (
            {"status": "failed", "error": problem("businessRule", "insufficientFunds")},
            [Fact.REJECTED],
        ),
        ({"status": "failed", "error": problem("internal", "genericError")}, [Fact.FAILED]),
        ({"status": "failed", "error": problem("businessRule", "duplicateRequest")}, []),
    ],
)
def test_find_polls_the_request_state(
    adapter: GsmaMobileMoney, payment: Payment, state: dict[str, Any], facts: list[Fact]
) -> None:
    """A request under way, over or failed says what it documents; of a duplicate, nothing."""
    answers = {
        RESPONSES: link(f"/requeststates/{SERVER}"),
        f"/requeststates/{SERVER}": said(200, PENDING | state),
        "/transactions/REF1": said(200, made()),
    }
    assert facts == [x.fact for x in found(adapter, payment, answers)]


def test_what_the_rail_does_not_know_is_not_found(
    adapter: GsmaMobileMoney, payment: Payment
) -> None:
    """That is evidence, and never final."""
    (proof,) = found(adapter, payment, {RESPONSES: NOT_THERE})
    assert Fact.NOT_FOUND is proof.fact
    assert not adapter.profile.late_execution_impossible


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({RESPONSES: said(404, b"<html>")}, RailDown),
        ({RESPONSES: said(404, problem("internal", "genericError"))}, RailDown),
        ({RESPONSES: said(500, b"")}, RailDown),
        ({RESPONSES: link("/accounts/1")}, DocumentError),
        ({RESPONSES: link("http://[")}, DocumentError),
        ({RESPONSES: link("/batchtransactions/B1")}, DocumentError),
        ({RESPONSES: said(200, b"<html>")}, DocumentError),
        ({RESPONSES: link("/transactions/REF1"), "/transactions/REF1": NOT_THERE}, RailDown),
        (
            {
                RESPONSES: link("/transactions/REF1"),
                "/transactions/REF1": said(
                    200, made(requestingOrganisationTransactionReference="E2E-9")
                ),
            },
            DocumentError,
        ),
    ],
)
def test_an_answer_to_find_that_cannot_be_trusted_is_no_finding(
    adapter: GsmaMobileMoney, payment: Payment, answers: dict[str, Response], error: type[Exception]
) -> None:
    """A proxy's page, a link to nowhere and another's transaction are refused by name."""
    with pytest.raises(error):
        found(adapter, payment, answers)


def test_a_status_that_nobody_explained_says_that_it_exists(
    adapter: GsmaMobileMoney, payment: Payment
) -> None:
    """Which is the reading that never pays twice."""
    answers = {
        RESPONSES: link("/transactions/REF1"),
        "/transactions/REF1": said(200, made(transactionStatus="onhold")),
    }
    (proof,) = found(adapter, payment, answers)
    assert (Fact.ACCEPTED, "unmapped:onhold") == (proof.fact, proof.code)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (201, made(type="reversal", originalTransactionReference="REF1"), RecallAccepted),
        (201, made(type="reversal", originalTransactionReference="REF2"), RecallUnknown),
        (201, made(), RecallUnknown),
        (201, made(type="reversal", transactionStatus="onhold"), RecallUnknown),
        (202, PENDING, RecallPending),
        (400, problem("businessRule", "insufficientFunds"), RecallRejected),
        (400, problem("validation", "formatError"), RecallNotTaken),
        (404, problem("identification", "identifierError"), RecallNotTaken),
        (400, problem("businessRule", "incorrectState"), RecallUnknown),
        (400, problem("businessRule", "duplicateRequest"), RecallUnknown),
        (500, b"", RecallUnknown),
        (400, b"<html>", RecallUnknown),
    ],
)
def test_what_a_reversal_is_answered(
    adapter: GsmaMobileMoney, payment: Payment, status: int, body: Any, kind: type[RecallAnswer]
) -> None:
    """The transaction is looked up, then its reversal is asked for, once."""
    recall = Recall(
        recall_id="A" * 32, payment=payment, batch_id=None, code="DUPL", asked_on=date(2024, 12, 20)
    )

    def answer(exchange: Exchange) -> Response:
        if exchange.effect is Effect.COMMITS:
            assert "/transactions/REF1/reversals" == exchange.request.path
            assert correlation("A" * 32) == exchange.request.headers["X-CorrelationID"]
            return said(status, body)
        return link("/transactions/REF1")

    answered, asked = converse(adapter.cancel(recall), answer)
    assert isinstance(answered, kind)
    assert [Effect.READS, Effect.COMMITS] == [x.effect for x in asked]
    nothing, asked = converse(adapter.cancel(recall), lambda _: NOT_THERE)
    assert isinstance(nothing, RecallNotTaken)
    assert [Effect.READS] == [x.effect for x in asked]


def test_what_the_profile_denies_is_refused_before_anything_is_sent(
    opened: Opened, payment: Payment
) -> None:
    """Payments leave one by one or as batches, never both."""
    batch = Batch(
        batch_id="B" * 32, currency="USD", value_date=payment.value_date,
        created_on=payment.value_date, payments=[payment],
    )  # fmt: skip
    with pytest.raises(Unsupported):
        next(opened().submit_batch(batch))
    with pytest.raises(Unsupported):
        next(opened(batches=True).submit(payment))
    assert OF_THE_RAIL <= MADE_NOTHING.keys()


@pytest.mark.parametrize(
    ("reason", "facts"),
    [
        ("insufficientFunds", [(Fact.REJECTED, "insufficientFunds")]),
        ("compte inconnu", [(Fact.REJECTED, "rejected")]),
        ("duplicateRequest", []),
        ("Duplicate of another batch", []),
        (None, [(Fact.ACCEPTED, "")]),
    ],
)
def test_a_listed_rejection_ends_a_payment_unless_it_is_of_a_duplicate(
    opened: Opened, payment: Payment, reason: str | None, facts: list[tuple[Fact, str]]
) -> None:
    """Of a duplicate the other one may have paid; what is not listed at all is the rail's."""
    batch = Batch(
        batch_id="B" * 32, currency="USD", value_date=payment.value_date,
        created_on=payment.value_date, payments=[payment],
    )  # fmt: skip
    item = {"requestingOrganisationTransactionReference": "E2E-0001", "rejectionReason": reason}
    answers = {
        f"/responses/{correlation('B' * 32)}": link("/batchtransactions/BID1"),
        "/batchtransactions/BID1": said(200, {"batchId": "BID1", "batchStatus": "completed"}),
        "/batchtransactions/BID1/completions": said(200, []),
        "/batchtransactions/BID1/rejections": said(200, [] if reason is None else [item]),
    }
    adapter = opened(batches=True)

    def answer(exchange: Exchange) -> Response:
        # A provider without counts ends its lists by an empty page.
        over = exchange.request.query.get("offset", "0") != "0"
        return said(200, []) if over else answers[exchange.request.path]

    finding, _ = converse(adapter.find_batch(batch), answer)
    assert facts == [(x.fact, x.code) for x in finding]


@given(amount_minor=st.integers(1, 2**63 - 1), currency=st.sampled_from(["USD", "JPY", "THB"]))
def test_amounts_are_exact_both_ways(amount_minor: int, currency: str) -> None:
    """What is written is read back to the unit, also with zeros at its end."""
    text = amount_text(amount_minor, currency)
    told = made(amount=text, currency=currency)
    if AMOUNT_WIRE.fullmatch(text):
        amount = read(Transaction, told, what="x").amount
        assert amount_minor == minor(amount, currency, what="x")
    else:
        assert amount_minor >= 10**18  # more than 18 digits: `check` refuses it


@given(st.text("0123456789abcdefABCDEF", min_size=32, max_size=32))
def test_a_key_is_its_uuids_very_digits(key: str) -> None:
    """Two keys never share a correlation, and a UUID is its own."""
    assert key.lower() == correlation(key).replace("-", "")
    assert correlation(correlation(key)) == correlation(key)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
noise = st.dictionaries(st.sampled_from(sorted(made() | PENDING)), scalars) | scalars


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(status=st.integers(100, 599), changes=noise)
def test_noise_is_never_taken_for_an_answer(
    adapter: GsmaMobileMoney, payment: Payment, status: int, changes: Any
) -> None:
    """A body of the wrong shape raises nothing, and decides nothing it does not state."""
    body = {"type": "disbursement"} | changes if isinstance(changes, dict) else changes
    assert isinstance(submitted(adapter, payment, status, body), Unknown)
