"""Every row of the outcome tables: what each answer on the way means, and above all the last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.adapters import (
    Accepted,
    Effect,
    Exchange,
    Fact,
    Outcome,
    Payment,
    Recall,
    RecallAccepted,
    RecallRejected,
    RecallUnknown,
    Rejected,
    Response,
    Unknown,
    converse,
)
from settle.errors import BadInput, DocumentError, RailDown, SettleError
from settle.money import plain
from settle_wise import Wise, wire
from settle_wise.statuses import FACTS, MOVING, UNFUNDED

QUOTE = "11144c35-9fe8-4c32-b7fd-d05c2a7734bf"
Answers = dict[str, tuple[int, Any]]


def transfer(payment: Payment, **changes: Any) -> dict[str, Any]:
    value = plain(payment.amount_minor, payment.currency)
    return {
        "id": 16521632,
        "status": "incoming_payment_waiting",
        "targetAccount": 40000000,
        "sourceCurrency": payment.currency,
        "sourceValue": value,
        "targetCurrency": payment.currency,
        "targetValue": value,
        "customerTransactionId": payment.uetr,
        "created": "2024-12-18 10:47:49",
    } | changes


def form(*fields: dict[str, Any], kind: str = "sort_code") -> list[dict[str, Any]]:
    return [{"type": kind, "fields": [{"group": [field]} for field in fields]}]


def asked(key: str, **changes: Any) -> dict[str, Any]:
    return {"key": key, "required": True} | changes


def usual(payment: Payment) -> Answers:
    quote = {
        "id": QUOTE,
        "sourceCurrency": payment.currency,
        "targetCurrency": payment.currency,
        "targetAmount": plain(payment.amount_minor, payment.currency),
    }
    account = form(asked("legalType"), asked("sortCode"), asked("accountNumber"))
    return {
        "quote": (200, quote),
        "forms": (200, account),
        "recipient": (200, {"id": 40000000}),
        "attach": (200, quote),
        "asks": (200, form({"key": "reference", "maxLength": 18}, kind="transfer")),
        "transfer": (200, transfer(payment)),
        "fund": (201, {"type": "BALANCE", "status": "COMPLETED", "errorCode": None}),
        "list": (200, []),
        "paid": (200, []),
        "cancel": (200, transfer(payment, status="cancelled")),
    }


def step(exchange: Exchange) -> str:
    method, path = exchange.request.method, exchange.request.path
    if path.endswith("/payments"):
        return "fund" if method == "POST" else "paid"
    names = {
        "/quotes": "quote", "account-requirements": "forms", "/v1/accounts": "recipient",
        "transfer-requirements": "asks", "/cancel": "cancel",
    }  # fmt: skip
    for end, name in names.items():
        if path.endswith(end):
            return name
    if method == "PATCH":
        return "attach"
    return "transfer" if method == "POST" else "list"


def answering(answers: Answers) -> Callable[[Exchange], Response]:
    def answer(exchange: Exchange) -> Response:
        status, body = answers[step(exchange)]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(status=status, content=content)

    return answer


def submitted(adapter: Wise, payment: Payment, **changes: tuple[int, Any]) -> tuple[Outcome, Any]:
    return converse(adapter.submit(payment), answering(usual(payment) | changes))


def funded(adapter: Wise, payment: Payment, status: int, body: Any) -> Outcome:
    outcome, exchanges = submitted(adapter, payment, fund=(status, body))
    committed = [step(x) for x in exchanges if x.effect is Effect.COMMITS]
    assert committed == ["fund"]
    assert step(exchanges[-1]) == "fund"
    return outcome


@pytest.mark.parametrize("status", [200, 201])
def test_a_completed_funding_is_accepted(adapter: Wise, payment: Payment, status: int) -> None:
    """The rail has the money, under its own id of the transfer."""
    body = {"type": "BALANCE", "status": "COMPLETED", "errorCode": None, "surprise": [1.5]}
    outcome = funded(adapter, payment, status, body)
    assert outcome == Accepted(rail_reference="16521632", status="COMPLETED")


@pytest.mark.parametrize("status", [200, 201, 422])
@pytest.mark.parametrize("code", sorted(UNFUNDED))
def test_want_of_funds_is_rejected(adapter: Wise, payment: Payment, status: int, code: str) -> None:
    """A documented refusal debits nothing, and is about our account."""
    body = {"type": "BALANCE", "status": "REJECTED", "errorCode": code}
    outcome = funded(adapter, payment, status, body)
    assert isinstance(outcome, Rejected)
    assert outcome.code == code
    assert code in adapter.profile.own_rejections


INVALID_STATE = {"errors": [{"code": "transfer.invalid-state", "path": "transfer"}]}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, INVALID_STATE),
        (201, {"type": "BALANCE", "status": "REJECTED", "errorCode": "payment.exists"}),
        (201, {"type": "BALANCE", "status": "REJECTED", "errorCode": None}),
        (201, {"type": "BALANCE", "status": "PENDING", "errorCode": None}),
        (201, {"type": "BALANCE", "status": "COMPLETED", "errorCode": "odd"}),
        (201, {"type": "BANK_TRANSFER", "status": "COMPLETED", "errorCode": None}),
        (422, {"type": "BALANCE", "status": "COMPLETED", "errorCode": None}),
        (201, {"status": None}),
        (200, b"<!doctype html>"),
        (200, b"{"),
        (200, b"[]"),
        (200, b""),
        (204, b""),
        (302, b""),
        (400, INVALID_STATE),
        (401, {"error": "invalid_token"}),
        (403, {"status": 403, "error": "unauthorized"}),
        (404, {"errors": [{"code": "transfer.not-found"}]}),
        (408, b""),
        (409, INVALID_STATE),
        (429, b""),
        (500, {"type": "BALANCE", "status": "COMPLETED", "errorCode": None}),
        (502, b""),
    ],
)
def test_every_other_answer_to_the_funding_is_unknown(
    adapter: Wise, payment: Payment, status: int, body: Any
) -> None:
    """A transfer already funded, one refused for another reason and noise leave it open."""
    assert isinstance(funded(adapter, payment, status, body), Unknown)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
noise = st.dictionaries(st.sampled_from(["type", "status", "errorCode", "errors"]), scalars)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(status=st.integers(100, 599), body=noise | scalars)
def test_noise_is_never_taken_for_an_answer(
    adapter: Wise, payment: Payment, status: int, body: Any
) -> None:
    """A body of the wrong shape raises nothing, and decides nothing it does not state."""
    assert isinstance(funded(adapter, payment, status, body), Unknown)


@pytest.mark.parametrize("status", sorted(MOVING))
def test_a_transfer_that_moves_already_is_accepted_and_not_funded(
    adapter: Wise, payment: Payment, status: int
) -> None:
    """After a backup was put back, the transfer made before it stands for the payment."""
    made = (200, transfer(payment, status=status))
    outcome, exchanges = submitted(adapter, payment, transfer=made)
    assert outcome == Accepted(rail_reference="16521632", status=str(status))
    assert Effect.COMMITS not in [x.effect for x in exchanges]


@pytest.mark.parametrize(
    "status", ["cancelled", "bounced_back", "funds_refunded", "charged_back", "unknown", "new"]
)
def test_a_transfer_in_any_other_state_is_left_to_find(
    adapter: Wise, payment: Payment, status: str
) -> None:
    """What became of it only `find` can say, and nothing is funded."""
    made = (200, transfer(payment, status=status))
    outcome, exchanges = submitted(adapter, payment, transfer=made)
    assert isinstance(outcome, Unknown)
    assert Effect.COMMITS not in [x.effect for x in exchanges]


@pytest.mark.parametrize(
    "changes",
    [
        {"targetValue": "1250.49"},
        {"targetValue": "1250.505"},
        {"targetValue": True},
        {"targetValue": "NaN"},
        {"targetValue": "1E+900"},
        {"targetCurrency": "EUR"},
        {"sourceCurrency": "EUR"},
        {"customerTransactionId": None},
        {"customerTransactionId": "6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0002"},
        {"id": "16521632"},
        {"id": -1},
        {"status": None},
        {"targetAccount": None},
    ],
)
def test_a_transfer_that_is_not_what_was_asked_is_never_funded(
    adapter: Wise, payment: Payment, changes: dict[str, Any]
) -> None:
    """Amount, currency and reference are checked before the money moves."""
    conversation = adapter.submit(payment)
    exchanges: list[Exchange] = []

    def answer(exchange: Exchange) -> Response:
        exchanges.append(exchange)
        made = (200, transfer(payment, **changes))
        return answering(usual(payment) | {"transfer": made})(exchange)

    with pytest.raises(DocumentError):
        converse(conversation, answer)
    assert Effect.COMMITS not in [x.effect for x in exchanges]


REFUSAL = {"errors": [{"code": "NOT_VALID", "path": "x", "message": "m", "arguments": ["secret"]}]}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("quote", "quote_refused"),
        ("attach", "quote_refused"),
        ("recipient", "recipient_refused"),
        ("transfer", "transfer_refused"),
    ],
)
def test_a_documented_refusal_on_the_way_is_rejected_without_its_values(
    adapter: Wise, payment: Payment, name: str, code: str, status: int
) -> None:
    """Nothing was made that moves money, and the rail lists no transfer of an earlier try."""
    outcome, exchanges = submitted(adapter, payment, **{name: (status, REFUSAL)})
    assert outcome == Rejected(code=code, reason="x: NOT_VALID")
    assert step(exchanges[-1]) == "list"


def test_a_refusal_beside_a_transfer_of_an_earlier_try_is_unknown(
    adapter: Wise, payment: Payment
) -> None:
    """What is there may have been funded, whatever the rail refuses now."""
    there = (200, [transfer(payment, status="processing")])
    outcome, _ = submitted(adapter, payment, recipient=(422, REFUSAL), list=there)
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "answer",
    [
        (409, REFUSAL),
        (422, {"errors": [{"code": "NOT_UNIQUE", "path": "customerTransactionId"}]}),
    ],
)
def test_a_conflict_about_our_reference_is_never_a_rejection(
    adapter: Wise, payment: Payment, answer: tuple[int, Any]
) -> None:
    """A transfer may be there under it."""
    outcome, _ = submitted(adapter, payment, transfer=answer)
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("name", ["quote", "forms", "recipient", "attach", "asks", "transfer"])
@pytest.mark.parametrize(
    "answer", [(500, b""), (429, b""), (401, b""), (403, b""), (422, b"<html>"), (200, b"<html>")]
)
def test_an_answer_on_the_way_that_says_nothing_ends_it_before_money_moves(
    adapter: Wise, payment: Payment, name: str, answer: tuple[int, Any]
) -> None:
    """The sender reads the error as: nothing left, it may be done again."""
    with pytest.raises(SettleError) as raised:
        submitted(adapter, payment, **{name: answer})
    assert isinstance(raised.value, (RailDown, DocumentError))


@pytest.mark.parametrize(
    "changes",
    [
        {"targetAmount": "1250.49"},
        {"targetCurrency": "EUR"},
        {"id": "../../transfers"},
        {"paymentOptions": [{"payIn": "BALANCE", "targetAmount": "1"}]},
    ],
)
def test_a_quote_of_something_else_is_not_used(
    adapter: Wise, payment: Payment, changes: dict[str, Any]
) -> None:
    """What was quoted is what was asked for, or the way ends."""
    quote = usual(payment)["quote"][1] | changes
    with pytest.raises(DocumentError):
        submitted(adapter, payment, quote=(200, quote))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"notices": [{"type": "BLOCKED", "text": "no"}]}, "the quote is blocked"),
        (
            {"paymentOptions": [{"payIn": "BALANCE", "disabled": True, "disabledReason": None}]},
            "not from the balance: not said why",
        ),
    ],
)
def test_a_quote_that_may_not_be_used_is_rejected(
    adapter: Wise, payment: Payment, changes: dict[str, Any], reason: str
) -> None:
    """The rail says so itself, and another rail may take the payment."""
    quote = usual(payment)["quote"][1] | changes
    outcome, _ = submitted(adapter, payment, quote=(200, quote))
    assert outcome == Rejected(code="quote_refused", reason=reason)


@pytest.mark.parametrize(
    ("forms", "code"),
    [
        (form(asked("email")), "requirements_unmet"),
        (form(asked("sortCode"), kind="fijian"), "requirements_unmet"),
        ([], "requirements_unmet"),
        (form(asked("accountNumber", maxLength=7)), "recipient_refused"),
        (form(asked("legalType", valuesAllowed=[{"key": "PRIVATE"}])), "recipient_refused"),
    ],
)
def test_a_form_that_cannot_be_answered_is_rejected(
    adapter: Wise, payment: Payment, forms: Any, code: str
) -> None:
    """Where the rail asks for what nobody knows, nothing is made."""
    outcome, _ = submitted(adapter, payment, forms=(200, forms))
    assert isinstance(outcome, Rejected)
    assert outcome.code == code


def test_what_a_transfer_is_asked_is_answered_from_the_settings(
    adapter: Wise, payment: Payment
) -> None:
    """A required answer that the settings have goes out; the reference is cut to the route."""
    asks = form({"key": "reference", "maxLength": 10}, asked("sourceOfFunds"), kind="transfer")
    knowing = Wise(adapter.settings.model_copy(update={"answers": {"sourceOfFunds": "trade"}}))
    outcome, exchanges = submitted(knowing, payment, asks=(200, asks))
    (sent,) = [json.loads(x.request.content) for x in exchanges if step(x) == "transfer"]
    assert isinstance(outcome, Accepted)
    assert sent["details"] == {"reference": "Settlement", "sourceOfFunds": "trade"}
    refused, _ = submitted(adapter, payment, asks=(200, asks))
    assert isinstance(refused, Rejected)


def test_the_requests_carry_our_reference_and_the_exact_amount(
    adapter: Wise, payment: Payment
) -> None:
    """The amount is a number of the quote, the reference our own, the funding says its kind."""
    _, exchanges = submitted(adapter, payment)
    sent = {step(x): x.request for x in exchanges}
    assert b'"targetAmount":1250.50' in sent["quote"].content
    assert json.loads(sent["transfer"].content)["customerTransactionId"] == payment.uetr
    assert sent["fund"].content == b'{"type":"BALANCE"}'
    assert sent["fund"].path == "/v3/profiles/30000001/transfers/16521632/payments"
    assert [x.effect.value for x in exchanges] == [
        "prepares", "reads", "prepares", "prepares", "reads", "prepares", "commits",
    ]  # fmt: skip


def test_the_same_payment_makes_the_same_bytes(adapter: Wise, payment: Payment) -> None:
    """A replayed submission asks for exactly what was asked before."""
    _, first = submitted(adapter, payment)
    _, again = submitted(adapter, payment)
    assert [x.request.fingerprint for x in first] == [x.request.fingerprint for x in again]


def test_a_payment_with_something_against_it_is_never_sent(adapter: Wise, payment: Payment) -> None:
    """What `check` refuses is refused again before the first request."""
    with pytest.raises(BadInput, match="currency: no balance in SEK"):
        next(adapter.submit(replace(payment, currency="SEK")))


def found(adapter: Wise, payment: Payment, status: str, paid: Any) -> tuple[Any, int]:
    answers = usual(payment) | {
        "list": (200, [transfer(payment, status=status)]),
        "paid": (200, paid),
    }
    (proof,), exchanges = converse(adapter.find(payment), answering(answers))
    assert {x.effect for x in exchanges} == {Effect.READS}
    return proof, len(exchanges)


@pytest.mark.parametrize(
    ("status", "paid", "meaning"),
    [
        ("incoming_payment_waiting", [], (Fact.NOT_FOUND, "")),
        ("incoming_payment_waiting", [{"method": "BALANCE"}], (Fact.ACCEPTED, "")),
        ("cancelled", [], (Fact.REJECTED, "never_funded")),
        ("cancelled", [{"method": "BALANCE"}], (Fact.ACCEPTED, "cancelled")),
        *((x, None, (Fact.ACCEPTED, "")) for x in sorted(MOVING)),
        *((x, None, (Fact.ACCEPTED, x)) for x in ("bounced_back", "charged_back", "unknown")),
        ("funds_refunded", None, (Fact.RETURNED, "funds_refunded")),
        ("something_new", None, (Fact.ACCEPTED, "unmapped:something_new")),
    ],
)
def test_every_status_has_one_meaning(
    adapter: Wise, payment: Payment, status: str, paid: Any, meaning: tuple[Fact, str]
) -> None:
    """Only waiting and cancelled are asked about twice, for they are said of two things."""
    proof, exchanges = found(adapter, payment, status, paid)
    assert ((proof.fact, proof.code), proof.reference) == (meaning, "E2E-0001")
    assert proof.occurred_at == datetime(2024, 12, 18, 10, 47, 49, tzinfo=UTC)
    assert exchanges == (1 if paid is None else 2)


def test_no_status_is_mapped_that_is_not_documented() -> None:
    """The table is the documentation's ten, less the one that says nothing by itself."""
    documented = set(MOVING) | {"bounced_back", "cancelled", "charged_back", "unknown"}
    assert set(FACTS) == documented | {"funds_refunded"}


def test_a_list_that_goes_round_in_a_circle_ends(adapter: Wise, payment: Payment) -> None:
    """A rail that ignores the offset is noticed."""
    page = [transfer(payment, id=n + 1, customerTransactionId=None) for n in range(100)]
    with pytest.raises(DocumentError, match="circle"):
        converse(adapter.find(payment), answering(usual(payment) | {"list": (200, page)}))


def test_the_offset_is_a_multiple_of_the_limit(adapter: Wise, payment: Payment) -> None:
    """Pages are asked for as the rail wants them, and strangers' transfers need not fit."""
    pages = [
        [{"id": 1 + n + 100 * page, "targetValue": None} for n in range(100)] for page in range(2)
    ]

    def answer(exchange: Exchange) -> Response:
        page = int(exchange.request.query["offset"]) // 100
        assert exchange.request.query["limit"] == "100"
        rows = pages[page] if page < 2 else [transfer(payment, id=999, status="processing")]
        return Response(status=200, content=json.dumps(rows).encode())

    (proof,), exchanges = converse(adapter.find(payment), answer)
    assert [x.request.query["offset"] for x in exchanges] == ["0", "100", "200"]
    assert proof.fact is Fact.ACCEPTED


@pytest.mark.parametrize("answer", [(500, b""), (401, b""), (200, b"{}"), (200, b"<html>")])
def test_a_list_that_is_not_one_proves_nothing(
    adapter: Wise, payment: Payment, answer: tuple[int, Any]
) -> None:
    """An unread answer is no finding at all."""
    with pytest.raises(SettleError):
        converse(adapter.find(payment), answering(usual(payment) | {"list": answer}))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {"status": "cancelled"}), RecallAccepted),
        ((200, {"status": "processing"}), RecallUnknown),
        ((200, {"status": "cancelled", "id": 7}), RecallUnknown),
        ((409, {"errors": [{"code": "transfer.cancellation.not.allowed"}]}), RecallRejected),
        ((409, {"errors": [{"code": "other"}]}), RecallUnknown),
        ((409, b"<html>"), RecallUnknown),
        ((200, b"<html>"), RecallUnknown),
        ((404, b""), RecallUnknown),
        ((500, b""), RecallUnknown),
    ],
)
def test_every_answer_to_a_cancellation_has_one_meaning(
    adapter: Wise, payment: Payment, answer: tuple[int, Any], kind: type
) -> None:
    """Only the rail's own word about this transfer is final."""
    status, body = answer
    if status == 200 and isinstance(body, dict):
        body = transfer(payment) | body
    there = (200, [transfer(payment, status="processing")])
    recall = Recall(
        recall_id="R1", payment=payment, batch_id=None, code="DUPL", asked_on=payment.value_date
    )
    answers = usual(payment) | {"list": there, "cancel": (status, body)}
    said, exchanges = converse(adapter.cancel(recall), answering(answers))
    assert isinstance(said, kind)
    assert [step(x) for x in exchanges if x.effect is Effect.COMMITS] == ["cancel"]


@given(
    amount_minor=st.integers(1, 10**15),
    currency=st.sampled_from(["GBP", "JPY", "KRW", "THB"]),
)
def test_amounts_come_back_as_they_went(amount_minor: int, currency: str) -> None:
    """Whatever is written as a number is read as the same minor units, and never as a float."""
    written = plain(amount_minor, currency)
    content = f'{{"value":{written},"currency":"{currency}"}}'.encode()
    read = wire.read(wire.Amount, Response(status=200, content=content).json(), what="amount")
    assert read.minor == amount_minor


@given(value=st.floats() | st.booleans() | st.none() | st.text(max_size=5))
def test_nothing_but_an_exact_number_is_an_amount(value: Any) -> None:
    """A float, a flag and a word are refused; a fraction too fine is, too."""
    try:
        amount = wire.read(wire.Amount, {"value": value, "currency": "JPY"}, what="amount")
        assert isinstance(value, str)
        assert amount.minor == int(amount.value)
    except DocumentError:
        pass


@pytest.mark.parametrize("value", ["1E+30", "1E-30", "Infinity", "NaN", "1e99999999999"])
def test_a_number_that_is_no_amount_of_money_is_not_even_computed_with(value: str) -> None:
    """A rail that sends an absurd exponent costs us nothing."""
    with pytest.raises(DocumentError, match="value"):
        wire.read(wire.Amount, {"value": value, "currency": "GBP"}, what="amount")
