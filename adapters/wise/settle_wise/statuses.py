"""What each status of a transfer means to us. `MAPPING.md` carries the same table in words."""

from __future__ import annotations

from datetime import datetime

from settle.adapters import (
    Accepted,
    Conversation,
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
from settle_wise import lists
from settle_wise.wire import Funding, Transfer, read

WAITING, CANCELLED = "incoming_payment_waiting", "cancelled"
MOVING = frozenset(
    {"incoming_payment_initiated", "processing", "funds_converted", "outgoing_payment_sent"}
)
"""The rail has our money and is on its way with it, or has paid it out. None of them is final:
`outgoing_payment_sent` may bounce back weeks later, and statuses are rolled back."""

TURNING = frozenset({"bounced_back", CANCELLED, "charged_back", "unknown"})
"""The rail still has our money, and nobody can say yet where it goes."""

FACTS: dict[str, Fact] = {
    **dict.fromkeys(MOVING, Fact.ACCEPTED),
    **dict.fromkeys(TURNING, Fact.ACCEPTED),
    "funds_refunded": Fact.RETURNED,
}
"""Of a transfer that was funded. One that was not has no fact of its own: see `evidence`."""

UNFUNDED = frozenset({"balance.payment-option-unavailable", "transfer.insufficient_funds"})
"""Codes with which funding is documented as refused for want of funds: nothing was debited, and
the transfer goes on waiting."""

NEVER_FUNDED = "never_funded"


def outcome(response: Response, *, transfer: Transfer) -> Outcome:
    """The outcome table of funding a transfer, the one request that moves money."""
    if response.status not in (200, 201, 422):
        return Unknown(reason=f"funding was answered with {response.status}")
    try:
        funding = read(Funding, response.json(), what="funding")
    except DocumentError as error:
        return Unknown(reason=str(error))
    code = funding.error_code or ""
    if funding.type not in (None, "BALANCE"):
        return Unknown(reason="the answer is about another way of funding")
    if funding.status == "COMPLETED" and not code and response.status != 422:
        return Accepted(rail_reference=str(transfer.id), status=funding.status)
    if funding.status == "REJECTED" and code in UNFUNDED:
        return Rejected(code=code, reason="the balance does not cover it; nothing was debited")
    return Unknown(reason=f"funding says {funding.status[:20]}, code {code[:60] or 'not given'}")


def evidence(
    transfer: Transfer, payment: Payment, *, rail: str, otherwise_at: datetime
) -> Conversation[Evidence]:
    """What a transfer found under our reference proves about its payment.

    A transfer moves nothing until it is funded, and `cancelled` is said both of one that never
    was and of one that bounced: for these two the rail is asked what funded it.
    """
    fact, code = FACTS.get(transfer.status, Fact.ACCEPTED), ""
    if transfer.status in (WAITING, CANCELLED):
        funded = yield from lists.is_funded(transfer.id)
        if not funded:
            fact = Fact.NOT_FOUND if transfer.status == WAITING else Fact.REJECTED
            code = "" if transfer.status == WAITING else NEVER_FUNDED
    if not code and transfer.status not in (*MOVING, WAITING):
        code = transfer.status if transfer.status in FACTS else f"unmapped:{transfer.status}"
    return Evidence(
        evidence_id=f"{rail}:{transfer.id}:{transfer.status}:{fact.value}",
        source=Source.FIND,
        fact=fact,
        reference=payment.end_to_end_id,
        occurred_at=transfer.created or otherwise_at,
        rail=rail,
        rail_reference=str(transfer.id),
        # What came back is told by the statement alone: it may be less, and fees with it.
        amount_minor=None if fact is Fact.RETURNED else transfer.target_minor,
        currency=transfer.target_currency,
        code=code,
        detail={"status": transfer.status},
    )


def not_found(payment: Payment, *, rail: str, at: datetime) -> Evidence:
    """The rail lists no transfer under our reference now. This proves nothing by itself."""
    return Evidence(
        evidence_id=f"{rail}:not_found:{payment.end_to_end_id}",
        source=Source.FIND,
        fact=Fact.NOT_FOUND,
        reference=payment.end_to_end_id,
        occurred_at=at,
        rail=rail,
    )
