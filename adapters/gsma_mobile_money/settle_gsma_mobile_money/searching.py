"""Asking the rail what it made of a request of ours: the missing answer, recovered."""

from __future__ import annotations

from collections.abc import Mapping

from settle.adapters import Batch, Conversation, Evidence, Finding, Payment, Source, reads
from settle.errors import RailDown
from settle_gsma_mobile_money import batch as batches
from settle_gsma_mobile_money.reading import Place, Reader, Torn, answered
from settle_gsma_mobile_money.statuses import (
    Statuses,
    check_reference,
    of_request,
    of_transaction,
)
from settle_gsma_mobile_money.wire import BatchItem, BatchState, RequestState, read


def of_payment(
    payment: Payment, *, reader: Reader, statuses: Statuses, rail: str
) -> Conversation[Finding]:
    """What became of one payment."""
    made = yield from reader.made(payment.idempotency_key, kind="transactions")
    if made is None:
        return [batches.absence(payment, rail=rail)]
    if isinstance(made, RequestState):
        return _of_state(made, payment, rail=rail)
    return [(yield from _proof(made, payment, reader=reader, statuses=statuses, rail=rail))]


def of_batch(
    batch: Batch, *, reader: Reader, statuses: Statuses, rail: str
) -> Conversation[Finding]:
    """What became of a batch and of each payment in it."""
    made = yield from reader.made(batch.batch_id, kind="batchtransactions")
    if made is None:
        return [batches.absence(payment, rail=rail) for payment in batch]
    if isinstance(made, RequestState):
        return [x for payment in batch for x in _of_state(made, payment, rail=rail)]
    response = yield reads(reader.get(made.path))
    state = read(BatchState, answered(response), what="GET /batchtransactions")
    completed = yield from _items(made, "completions", reader=reader)
    rejected = yield from _items(made, "rejections", reader=reader)
    found: list[Evidence] = []
    for payment in batch:
        name = payment.end_to_end_id
        reference = completed[name].transaction_reference if name in completed else None
        if reference:
            place = Place(kind="transactions", reference=reference)
            proof = yield from _proof(place, payment, reader=reader, statuses=statuses, rail=rail)
            found.append(proof)
        elif name in rejected and name not in completed:
            found += batches.rejection(rejected[name], payment, batch=state, rail=rail)
        else:
            found.append(batches.taken(payment, batch=state, rail=rail))
    return found


def _of_state(state: RequestState, payment: Payment, *, rail: str) -> list[Evidence]:
    at = batches.midnight(payment)
    return list(of_request(state, reference=payment.end_to_end_id, rail=rail, otherwise_at=at))


def _proof(
    place: Place, payment: Payment, *, reader: Reader, statuses: Statuses, rail: str
) -> Conversation[Evidence]:
    made = yield from reader.transaction(place)
    what = f"transaction {made.transaction_reference}"
    check_reference(made.our_reference, payment=payment, what=what)
    return of_transaction(
        made, reference=payment.end_to_end_id, currency=payment.currency, source=Source.FIND,
        rail=rail, statuses=statuses, otherwise_at=batches.midnight(payment),
    )  # fmt: skip


def _items(place: Place, kind: str, *, reader: Reader) -> Conversation[Mapping[str, BatchItem]]:
    try:
        raw = yield from reader.listed(f"{place.path}/{kind}", {})
    except Torn:
        raise RailDown(f"the {kind} of {place.reference} changed while being read") from None
    return batches.by_reference(raw, what=f"GET {kind}")
