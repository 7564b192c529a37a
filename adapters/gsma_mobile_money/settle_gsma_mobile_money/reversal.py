"""Reversals: the rail's way of giving a payment back, and what its answers mean. All pure."""

from __future__ import annotations

from typing import Any

from settle.adapters import (
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Rejected,
    Response,
)
from settle.errors import DocumentError
from settle_gsma_mobile_money.settings import Standing
from settle_gsma_mobile_money.statuses import (
    ANOTHER_REQUEST,
    MADE_NOTHING,
    Statuses,
    made_nothing,
    refusal,
    standing,
)
from settle_gsma_mobile_money.wire import RequestState, Transaction, amount_text, read

NOTHING_YET = RecallNotTaken(
    code="noTransaction", reason="the rail has made no transaction that could be reversed"
)


def request(recall: Recall) -> dict[str, Any]:
    """`requestReversal`, of the whole amount."""
    payment = recall.payment
    return {
        "amount": amount_text(payment.amount_minor, payment.currency),
        "currency": payment.currency,
        "requestingOrganisationTransactionReference": recall.recall_id,
        "type": "reversal",
    }


def answer(response: Response, *, original: str, statuses: Statuses) -> RecallAnswer:
    """The table of POST /transactions/{transactionReference}/reversals."""
    what = f"POST reversals with {response.status}"
    try:
        if response.status == 201:
            made = read(Transaction, response.json(), what=what)
            return of_transaction(made, original=original, statuses=statuses)
        if response.status == 202:
            return of_state(read(RequestState, response.json(), what=what))
        refused = refusal(response, what=what)
    except DocumentError as error:
        return RecallUnknown(reason=str(error))
    if isinstance(refused, Rejected):
        return _refused(refused.code, refused.reason)
    return RecallUnknown(reason=getattr(refused, "reason", what))


def of_transaction(made: Transaction, *, original: str | None, statuses: Statuses) -> RecallAnswer:
    """What a reversal's own transaction says. Back is what a statement shows."""
    told = made.original_transaction_reference
    if original is not None and told not in (None, original):
        return RecallUnknown(reason="the answer speaks of another transaction's reversal")
    if made.type != "reversal":
        return RecallUnknown(reason=f"what was made is no reversal but a {made.type}")
    match standing(made.transaction_status, statuses):
        case Standing.COMPLETED:
            return RecallAccepted(code=made.transaction_status)
        case Standing.PENDING:
            return RecallPending(reason=made.transaction_status)
        case Standing.FAILED:
            return RecallRejected(code=made.transaction_status)
        case None:
            return RecallUnknown(reason=f"the reversal has the status {made.transaction_status}")


def of_state(state: RequestState) -> RecallAnswer:
    """What the state of a request for a reversal says."""
    if state.status in ("pending", "completed"):
        return RecallPending(reason=f"the request is {state.status}")
    if state.status != "failed" or state.error is None:
        return RecallUnknown(reason=f"the request is {state.status}")
    code = state.error.error_code
    if made_nothing(state.error):
        return _refused(code, state.error.error_category)
    if code in ANOTHER_REQUEST:
        return RecallUnknown(reason=f"failed with {code}: another request may have reversed it")
    return RecallRejected(code=code, reason=state.error.error_category)


def _refused(code: str, reason: str) -> RecallAnswer:
    """A rule of business is an answer; what was wrong with the request itself is none."""
    if MADE_NOTHING[code] == "businessRule":
        return RecallRejected(code=code, reason=reason)
    return RecallNotTaken(code=code, reason=reason)
