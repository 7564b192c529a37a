"""Asking for a transfer back: it is cancelled at once, or it has been paid out."""

from __future__ import annotations

from settle.adapters import (
    Conversation,
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Request,
    Response,
    commits,
)
from settle.errors import DocumentError
from settle_wise import lists, statuses
from settle_wise.wire import Refusal, Transfer, read

NOT_ALLOWED = "transfer.cancellation.not.allowed"
BACK = frozenset({statuses.CANCELLED, "funds_refunded"})


def cancelled(recall: Recall, *, profile: int) -> Conversation[RecallAnswer]:
    """PUT /v1/transfers/{id}/cancel, once, for the transfer with our reference."""
    transfer = yield from lists.transfer_of(recall.payment, profile=profile)
    if transfer is None:
        return RecallNotTaken(code="not_found", reason="the rail lists no such transfer")
    path = f"{lists.TRANSFERS}/{transfer.id}/cancel"
    response = yield commits(Request(method="PUT", path=path, headers=lists.JSON))
    try:
        return _said(response, transfer)
    except DocumentError as error:
        return RecallUnknown(reason=str(error))


def told(recall: Recall, *, profile: int) -> Conversation[RecallAnswer]:
    """What the transfer's own status says of its recall."""
    transfer = yield from lists.transfer_of(recall.payment, profile=profile)
    if transfer is None:
        return RecallNotTaken(code="not_found", reason="the rail lists no such transfer")
    if transfer.status in BACK:
        return RecallAccepted(code=transfer.status)
    if transfer.status == "outgoing_payment_sent":
        return RecallRejected(code=transfer.status, reason="it was paid out")
    if transfer.status == "bounced_back":
        return RecallPending(reason=transfer.status)
    return RecallUnknown(reason=f"the transfer is {transfer.status[:40]}")


def _said(response: Response, transfer: Transfer) -> RecallAnswer:
    if response.status == 200:
        now = read(Transfer, response.json(), what="PUT /v1/transfers/{id}/cancel")
        if (now.id, now.status) == (transfer.id, statuses.CANCELLED):
            return RecallAccepted(code=now.status)
    if response.status == 409:
        refusal = read(Refusal, response.json(), what="PUT /v1/transfers/{id}/cancel")
        if {x.code for x in refusal.errors} == {NOT_ALLOWED}:
            return RecallRejected(code=NOT_ALLOWED, reason="it can no longer be cancelled")
    return RecallUnknown(reason=f"cancelling was answered with {response.status}")
