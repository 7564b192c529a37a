"""Batches: what is asked, what a taken batch proves of each payment in it. All of it is pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time

from settle.adapters import (
    Batch,
    BatchOutcome,
    Evidence,
    Fact,
    Outcome,
    Payment,
    Response,
    Source,
    Unknown,
)
from settle.errors import DocumentError
from settle_gsma_mobile_money.statuses import MADE_NOTHING, of_state, refusal
from settle_gsma_mobile_money.wire import BatchItem, BatchState, RequestState, read

WHAT = "POST /batchtransactions"


def outcomes(response: Response, batch: Batch) -> BatchOutcome:
    """One answer for all: the rail takes a batch as a whole, and lists what it rejects later."""
    return dict.fromkeys((payment.payment_id for payment in batch), _outcome(response))


def _outcome(response: Response) -> Outcome:
    what = f"{WHAT} with {response.status}"
    try:
        if response.status == 202:
            return of_state(read(RequestState, response.json(), what=what))
        return refusal(response, what=what)
    except DocumentError as error:
        return Unknown(reason=str(error))


def by_reference(raw: Iterable[Mapping[str, object]], *, what: str) -> dict[str, BatchItem]:
    """The items of a list by our own reference; those without one tell nothing of ours."""
    items = [read(BatchItem, x, what=what) for x in raw]
    named = ((x.requesting_organisation_transaction_reference, x) for x in items)
    return {name: item for name, item in named if name}


def rejection(
    item: BatchItem, payment: Payment, *, batch: BatchState, rail: str
) -> Iterator[Evidence]:
    """What a listed rejection proves; nothing where it speaks of a duplicate."""
    reason = item.rejection_reason or ""
    if "duplicate" in reason.casefold():
        return
    yield Evidence(
        evidence_id=f"{rail}:batch:{batch.batch_id}:{payment.end_to_end_id}:rejected",
        source=Source.FIND,
        fact=Fact.REJECTED,
        reference=payment.end_to_end_id,
        occurred_at=item.rejection_date or batch.creation_date or midnight(payment),
        rail=rail,
        rail_reference=item.transaction_reference or batch.batch_id,
        code=reason if reason in MADE_NOTHING else "rejected",
    )


def taken(payment: Payment, *, batch: BatchState, rail: str) -> Evidence:
    """The batch is there, and lists the payment neither as completed nor as rejected."""
    return Evidence(
        evidence_id=f"{rail}:batch:{batch.batch_id}:{payment.end_to_end_id}:{batch.batch_status}",
        source=Source.FIND,
        fact=Fact.ACCEPTED,
        reference=payment.end_to_end_id,
        occurred_at=batch.creation_date or midnight(payment),
        rail=rail,
        rail_reference=batch.batch_id,
        detail={"status": batch.batch_status},
    )


def absence(payment: Payment, *, rail: str) -> Evidence:
    """The rail knows of no request with our name. This is never final."""
    return Evidence(
        evidence_id=f"{rail}:not_found:{payment.end_to_end_id}",
        source=Source.FIND,
        fact=Fact.NOT_FOUND,
        reference=payment.end_to_end_id,
        occurred_at=midnight(payment),
        rail=rail,
    )


def midnight(payment: Payment) -> datetime:
    """The time that stands where the rail states none."""
    return datetime.combine(payment.value_date, time(), UTC)
