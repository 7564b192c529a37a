"""What each answer of the rail means to us. `MAPPING.md` carries the same tables in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from settle.adapters import (
    Accepted,
    Evidence,
    Fact,
    Outcome,
    Payment,
    Rejected,
    Response,
    Source,
    Unknown,
)
from settle.errors import DocumentError
from settle_gsma_mobile_money.settings import Standing
from settle_gsma_mobile_money.wire import Problem, RequestState, Transaction, minor, read

HTTP = {"businessRule": 400, "validation": 400, "identification": 404}
"""The status that the specification gives each category of error that made nothing."""

MADE_NOTHING: Mapping[str, str] = {
    "accountMaxTotalValueExceeded": "businessRule",
    "accountMaxTotalVolumeExceeded": "businessRule",
    "countryofOriginNotPermitted": "businessRule",
    "currencyNotSupported": "validation",
    "dailyValueLimitExceeded": "businessRule",
    "dailyVolumeLimitExceeded": "businessRule",
    "formatError": "validation",
    "greaterThanTransactionMaxValue": "businessRule",
    "idDocumentNotSupported": "businessRule",
    "identifierError": "identification",
    "insufficientFunds": "businessRule",
    "issuingCountryNotSupported": "businessRule",
    "lengthError": "validation",
    "lessThanTransactionMinValue": "businessRule",
    "linkViolation": "businessRule",
    "mandatoryValueNotSupplied": "validation",
    "maxBalanceExceeded": "businessRule",
    "monthlyValueLimitExceeded": "businessRule",
    "monthlyVolumeLimitExceeded": "businessRule",
    "nationalityNotPermitted": "businessRule",
    "negativeValue": "validation",
    "noMandateAuthority": "businessRule",
    "overPaymentNotAllowed": "businessRule",
    "quoteHasExpired": "businessRule",
    "samePartiesError": "businessRule",
    "transactionTypeError": "businessRule",
    "underPaymentNotAllowed": "businessRule",
    "weeklyValueLimitExceeded": "businessRule",
    "weeklyVolumeLimitExceeded": "businessRule",
}
"""Harmonised codes of a rule that the request broke, so that nothing was made of it, with their
category. Not among them: `duplicateRequest` and `incorrectState`, which speak of another request,
`rateLimitError` and `genericError`, which say nothing, and whatever is about authorisation."""

OF_THE_RAIL = frozenset(
    {
        "countryofOriginNotPermitted", "currencyNotSupported", "greaterThanTransactionMaxValue",
        "insufficientFunds", "lessThanTransactionMinValue", "quoteHasExpired",
        "transactionTypeError",
    }
)  # fmt: skip
"""Codes that speak of our account or of the provider's bounds. The other limits may be the
payee's."""

ANOTHER_REQUEST = frozenset({"duplicateRequest", "incorrectState"})
"""Codes with which a failure says nothing about the payment: another request may have made it."""

COMPLETED = {"completed": Standing.COMPLETED}
"""The one status of a transaction that the official cases have; the specification lists none."""

Statuses = Mapping[str, Standing]


def standing(word: str, statuses: Statuses) -> Standing | None:
    """What a provider's word for a status means; None where nobody has said it."""
    folded = word.casefold()
    return statuses.get(folded) or COMPLETED.get(folded)


def outcome(response: Response, *, payment: Payment, kind: str, statuses: Statuses) -> Outcome:
    """The outcome table of POST /transactions."""
    what = f"POST /transactions with {response.status}"
    try:
        if response.status == 201:
            made = read(Transaction, response.json(), what=what)
            return _of_transaction(made, payment=payment, kind=kind, statuses=statuses)
        if response.status == 202:
            return of_state(read(RequestState, response.json(), what=what))
        return refusal(response, what=what)
    except DocumentError as error:
        return Unknown(reason=str(error))


def _of_transaction(
    made: Transaction, *, payment: Payment, kind: str, statuses: Statuses
) -> Outcome:
    check_ours(made, payment=payment, kind=kind)
    means = standing(made.transaction_status, statuses)
    if means in (Standing.COMPLETED, Standing.PENDING):
        return Accepted(rail_reference=made.transaction_reference, status=made.transaction_status)
    return Unknown(reason=f"a transaction was made with the status {made.transaction_status}")


def of_state(state: RequestState) -> Outcome:
    """What a request state says of what was asked for."""
    if state.status in ("pending", "completed"):
        made = state.object_reference or state.server_correlation_id
        return Accepted(rail_reference=made, status=state.status)
    if state.status == "failed" and state.error and made_nothing(state.error):
        return Rejected(code=state.error.error_code, reason=_reason(state.error))
    code = state.error.error_code if state.error else "no error"
    return Unknown(reason=f"the request state is {state.status}, with {code}")


def refusal(response: Response, *, what: str) -> Outcome:
    """An answer that made nothing, by its status, category and code together; else `Unknown`.

    Raises:
        DocumentError: there is no error object in it.
    """
    if response.status not in HTTP.values():
        return Unknown(reason=f"answered {what.rpartition(' ')[2]}")
    problem = read(Problem, response.json(), what=what)
    if made_nothing(problem) and HTTP[problem.error_category] == response.status:
        return Rejected(code=problem.error_code, reason=_reason(problem))
    return Unknown(reason=f"{response.status} with {_reason(problem)}")


def made_nothing(problem: Problem) -> bool:
    """Whether code and category together are a documented breach of a rule by the request."""
    return MADE_NOTHING.get(problem.error_code) == problem.error_category


def check_ours(made: Transaction, *, payment: Payment, kind: str) -> None:
    """Refuse a transaction that is not the one asked for.

    Raises:
        DocumentError: it has another amount, currency, reference or type.
    """
    what = f"transaction {made.transaction_reference}"
    if made.currency != payment.currency:
        raise DocumentError(f"{what} is not in {payment.currency}", field="currency")
    if minor(made.amount, payment.currency, what=what) != payment.amount_minor:
        raise DocumentError(f"{what} states another amount than was asked", field="amount")
    if made.type != kind:
        raise DocumentError(f"{what} is no {kind}", field="type")
    check_reference(made.our_reference, payment=payment, what=what)


def check_reference(told: str, *, payment: Payment, what: str) -> None:
    """Refuse what states another reference than ours. Nobody has to state any.

    Raises:
        DocumentError: it does.
    """
    if told not in ("", payment.end_to_end_id):
        raise DocumentError(f"{what} states another reference than ours", field="reference")


def of_transaction(
    made: Transaction, *, reference: str, currency: str, source: Source, rail: str,
    statuses: Statuses, otherwise_at: datetime,
) -> Evidence:  # fmt: skip
    """What a transaction of ours proves. A word that nobody has explained says that it exists.

    Raises:
        DocumentError: its amount cannot be read in `currency`.
    """
    word = made.transaction_status
    means = standing(word, statuses)
    amount_minor = minor(made.amount, made.currency or currency, what=made.transaction_reference)
    return Evidence(
        evidence_id=f"{rail}:{made.transaction_reference}:{word}",
        source=source,
        fact=FACTS[means],
        reference=reference,
        occurred_at=made.happened_at or otherwise_at,
        rail=rail,
        rail_reference=made.transaction_reference,
        amount_minor=amount_minor,
        currency=made.currency or currency,
        code=f"unmapped:{word}" if means is None else "",
        detail={"status": word},
    )


FACTS: Mapping[Standing | None, Fact] = {
    Standing.COMPLETED: Fact.BOOKED,
    Standing.PENDING: Fact.ACCEPTED,
    Standing.FAILED: Fact.FAILED,
    None: Fact.ACCEPTED,
}
"""What a status proves. A transaction exists, whatever its status means: that is evidence, and
the reading that never pays a second time."""


def of_request(
    state: RequestState, *, reference: str, rail: str, otherwise_at: datetime
) -> Iterator[Evidence]:
    """What a request state proves that leads to no transaction. This may be nothing."""
    code = state.error.error_code if state.error else ""
    if state.status != "failed":
        fact = Fact.ACCEPTED
    elif state.error and made_nothing(state.error):
        fact = Fact.REJECTED
    elif code in ANOTHER_REQUEST:
        return
    else:
        fact = Fact.FAILED
    known = state.status in ("pending", "completed", "failed")
    yield Evidence(
        evidence_id=f"{rail}:request:{state.server_correlation_id}:{state.status}",
        source=Source.FIND,
        fact=fact,
        reference=reference,
        occurred_at=otherwise_at,
        rail=rail,
        rail_reference=state.server_correlation_id,
        code=code if known else f"unmapped:{state.status}",
        detail={"status": state.status},
    )


def _reason(problem: Problem) -> str:
    return f"{problem.error_category}: {problem.error_code}"
