"""What each status of a transfer means to us. `MAPPING.md` carries the same table in words."""

from __future__ import annotations

from collections.abc import Iterator
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
from settle_adyen_transfers.wire import Event, Problem, SubmitAnswer, Transfer, read

FACTS: dict[str, Fact] = {
    "received": Fact.ACCEPTED,
    "pending": Fact.ACCEPTED,
    "approvalPending": Fact.ACCEPTED,
    "pendingApproval": Fact.ACCEPTED,
    "pendingExecution": Fact.ACCEPTED,
    "authorised": Fact.ACCEPTED,
    "bookingPending": Fact.ACCEPTED,
    "bankTransferPending": Fact.ACCEPTED,
    "bankTransfer": Fact.ACCEPTED,
    "booked": Fact.BOOKED,
    "credited": Fact.CREDITED,
    "returned": Fact.RETURNED,
    "cancelled": Fact.FAILED,
    "error": Fact.FAILED,
    "expired": Fact.FAILED,
    "failed": Fact.FAILED,
    "refused": Fact.FAILED,  # or REJECTED, see REFUSED_BY_ADYEN
    "rejected": Fact.FAILED,
    "reversed": Fact.FAILED,
}
"""The statuses an outgoing bank transfer can have. The other 53 of the enumeration belong to
cards, captures, disputes and fees: met here, they are unmapped and so `Unknown`."""

TAKEN = {Fact.ACCEPTED, Fact.BOOKED, Fact.CREDITED}

MOVED = {Fact.BOOKED, Fact.CREDITED, Fact.RETURNED}

REFUSED_BY_ADYEN = {
    "accountHierarchyNotActive",
    "amountLimitExceeded",
    "balanceAccountTemporarilyBlockedByTransactionRule",
    "declinedByTransactionRule",
    "notEnoughBalance",
    "routeNotFound",
}
"""Reasons with which `refused` is Adyen's own decision before any money left the account, as
the description of `status` says. Any other reason may mean a duplicate or a time-out."""

OF_THE_RAIL = frozenset(REFUSED_BY_ADYEN - {"declinedByTransactionRule"})
"""Reasons that speak of our account or of Adyen's ways. A rule may be about the payee."""

CONFLICTS = {"409", "704"}
"""Error codes for a key that is in use or already processed: never a rejection."""


def outcome(response: Response, *, payment: Payment) -> Outcome:
    """The outcome table of POST /transfers."""
    try:
        if response.status in (200, 202):
            answer = read(SubmitAnswer, response.json(), what="POST /transfers")
            return _of_answer(answer, payment=payment)
        if response.status == 422:
            return _of_refusal(response)
    except DocumentError as error:
        return Unknown(reason=str(error))
    return Unknown(reason=f"POST /transfers answered {response.status}")


def _of_answer(answer: SubmitAnswer, *, payment: Payment) -> Outcome:
    asked = (payment.amount_minor, payment.currency)
    if (answer.amount.value, answer.amount.currency) != asked:
        return Unknown(reason="the answer states another amount than was asked")
    if answer.reference not in (None, payment.end_to_end_id):
        return Unknown(reason="the answer states another reference than was asked")
    if FACTS.get(answer.status) in TAKEN:
        return Accepted(rail_reference=answer.id, status=answer.status)
    reason = answer.reason or ""
    if answer.status == "refused" and reason in REFUSED_BY_ADYEN:
        return Rejected(code=reason, reason=f"refused: {reason}")
    return Unknown(reason=f"status {answer.status}, reason {reason or 'not given'}")


def _of_refusal(response: Response) -> Outcome:
    problem = read(Problem, response.json(), what="POST /transfers with 422")
    about_key = any(x.name.lower() == "idempotency-key" for x in problem.invalid_fields)
    transient = response.headers.get("transient-error", "").lower() == "true"
    validated = bool(problem.invalid_fields) and problem.error_code not in CONFLICTS
    if not validated or about_key or transient:
        return Unknown(reason=f"422 with error code {problem.error_code}")
    fields = "; ".join(f"{x.name}: {x.message}" for x in problem.invalid_fields)
    return Rejected(code=problem.error_code, reason=fields)


def evidence(
    transfer: Transfer, *, source: Source, rail: str, otherwise_at: datetime
) -> Iterator[Evidence]:
    """What a transfer proves, one for each event with a status, then its present state.

    `otherwise_at` stands where the rail states no time. Ids are those of the rail's own
    events, so that the same step is the same evidence whenever it is read.
    """
    for step in _steps(transfer):
        at = step.booking_date or transfer.happened_at or otherwise_at
        yield Evidence(
            evidence_id=f"{rail}:{transfer.id}:{step.id or transfer.sequence_number}:{step.status}",
            source=source,
            fact=_fact(step, transfer=transfer),
            reference=transfer.reference or "",
            occurred_at=at,
            rail=rail,
            account=transfer.balance_account.id if transfer.balance_account else None,
            rail_reference=transfer.id,
            amount_minor=_amount(step, transfer=transfer),
            currency=transfer.amount.currency,
            code=_code(step, transfer=transfer),
            detail={"status": step.status or ""},
        )


def is_mapped(found: Evidence) -> bool:
    """Whether the status behind a piece of evidence is one we know."""
    return found.detail.get("status") in FACTS


def _steps(transfer: Transfer) -> list[Event]:
    steps = [x for x in transfer.events if x.status]
    if transfer.status not in [x.status for x in steps]:
        steps.append(_now(transfer))
    if transfer.tracking and transfer.tracking.status == "credited":
        steps.append(Event(id="tracking", status="credited"))
    # A request that Adyen itself refused was never taken: its `received` proves nothing. Whatever
    # says that money moved does: then the rail contradicts itself, and all of it is told.
    facts = [_fact(x, transfer=transfer) for x in steps]
    refused = [x for x, fact in zip(steps, facts, strict=True) if fact is Fact.REJECTED]
    return steps if not refused or MOVED.intersection(facts) else refused


def _now(transfer: Transfer) -> Event:
    return Event(
        status=transfer.status,
        reason=transfer.reason,
        external_reason=transfer.external_reason,
        booking_date=transfer.happened_at,
    )


def _fact(step: Event, *, transfer: Transfer) -> Fact:
    if step.status == "refused" and (step.reason or transfer.reason) in REFUSED_BY_ADYEN:
        return Fact.REJECTED
    # The rail knows the transfer, whatever an unmapped status means: that much is evidence,
    # and it is the reading that never pays a second time.
    return FACTS.get(step.status or "", Fact.ACCEPTED)


def _amount(step: Event, *, transfer: Transfer) -> int | None:
    moved = abs(step.moved(transfer.amount.currency))
    if moved or step.status != "booked":
        return moved or None
    return abs(transfer.amount.value)


def _code(step: Event, *, transfer: Transfer) -> str:
    if FACTS.get(step.status or "") in TAKEN:
        return ""
    if step.status not in FACTS:
        return f"unmapped:{step.status}"
    external = step.external_reason or transfer.external_reason
    return (external.code if external else None) or step.reason or transfer.reason or ""
