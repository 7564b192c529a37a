"""What the bank's answers mean: the table of MAPPING.md, from status to outcome and evidence."""

from __future__ import annotations

from datetime import UTC, datetime, time

from settle.adapters import (
    Accepted,
    Batch,
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
from settle_iso20022_bank.message import parsed, text
from settle_iso20022_bank.wire import ACCEPTED, Status, StatusReport, read_pain002


def nothing_was_created(reply: Response) -> bool:
    """Whether this is the one answer documented so: status 400 with the bank's code FF01."""
    return reply.status == 400 and bank_error(reply, "code") == "FF01"


def bank_error(reply: Response, field: str) -> str:
    """A field of the bank's error document. This is empty where there is no such document."""
    try:
        return text(parsed(reply.content), field)[:200]
    except DocumentError:
        return ""


def report_in(answer: Response, batch: Batch) -> StatusReport | None:
    """The status report of this very batch, or None. This trusts nothing it cannot read whole."""
    if answer.status != 200:
        return None
    try:
        report = read_pain002(answer.content)
    except DocumentError:
        return None
    return report if report.message_id == batch.batch_id else None


def outcome_of(status: Status, report: StatusReport) -> Outcome:
    """The outcome that a status documents. This is `Unknown` for every status not named."""
    if status.code in ACCEPTED:
        return Accepted(rail_reference=report.message_id, status=status.code)
    if status.code == "RJCT":
        return Rejected(code=status.reason_code or "NARR", reason=status.reason or "RJCT")
    return Unknown(reason=status.reason or f"the status {status.code or 'absent'} decides nothing")


def evidence_of(
    status: Status, payment: Payment, report: StatusReport, *, rail: str
) -> Evidence | None:
    """What the report proves of one payment; None where it decides nothing."""
    match outcome_of(status, report):
        case Accepted():
            fact = Fact.ACCEPTED
        case Rejected():
            fact = Fact.REJECTED
        case Unknown():
            return None
    return Evidence(
        evidence_id=f"{report.message_id}/{payment.end_to_end_id}/{status.code}",
        source=Source.FIND,
        fact=fact,
        reference=payment.end_to_end_id,
        occurred_at=report.created_at,
        rail=rail,
        rail_reference=report.message_id,
        code=status.reason_code,
        detail={"status": status.code, "reason": status.reason},
    )


def absence_of(batch: Batch, payment: Payment, *, rail: str) -> Evidence:
    """That the bank does not know the message. This proves nothing by itself."""
    # The bank dates no absence; the batch's own day keeps the evidence the same each time.
    day = datetime.combine(batch.created_on, time(), tzinfo=UTC)
    return Evidence(
        evidence_id=f"{batch.batch_id}/{payment.end_to_end_id}/404",
        source=Source.FIND,
        fact=Fact.NOT_FOUND,
        reference=payment.end_to_end_id,
        occurred_at=day,
        rail=rail,
    )
