"""What the bank's answers mean: the table of MAPPING.md, from status to outcome and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

NOTHING_WAS_CREATED: Mapping[str, str] = {
    "AC01": "account number is wrong",
    "AC02": "debtor's account number is wrong",
    "AC03": "creditor's account number is wrong",
    "AC04": "account is closed",
    "AC05": "debtor's account is closed",
    "AC06": "account is blocked",
    "AC07": "creditor's account is closed",
    "AC13": "debtor's account is of the wrong type",
    "AC14": "creditor's account is of the wrong type",
    "AG01": "transactions are forbidden on this account",
    "AG02": "bank operation code is wrong",
    "AM01": "amount is zero",
    "AM02": "amount is larger than allowed",
    "AM03": "currency is not allowed",
    "AM04": "funds are insufficient",
    "AM06": "amount is below the minimum",
    "AM10": "control sum is wrong",
    "AM11": "currency is wrong",
    "AM12": "amount is wrong",
    "BE01": "name does not belong to the account",
    "BE04": "creditor's address is missing or wrong",
    "BE05": "initiating party is not recognised",
    "BE06": "end customer is not known",
    "CH03": "execution date is too far ahead",
    "CH04": "execution date is too far back",
    "CH16": "an element's content is wrong in form",
    "CH17": "an element is not admitted",
    "CH20": "decimals do not fit the currency",
    "CH21": "a compulsory element is missing",
    "CNOR": "creditor's bank is not registered",
    "DNOR": "debtor's bank is not registered",
    "DT01": "a date is wrong",
    "FF01": "file format is wrong",
    "MD07": "the holder has died",
    "RC01": "bank identifier is wrong",
    "RC03": "debtor's bank identifier is wrong",
    "RC04": "creditor's bank identifier is wrong",
    "RR01": "debtor's account or identification is missing",
    "RR02": "debtor's name or address is missing",
    "RR03": "creditor's name or address is missing",
    "RR04": "regulatory reason",
    "TM01": "received after the cut-off",
}
"""Reasons that the bank checks before it creates anything (MAPPING.md, "Reasons of RJCT")."""

OF_THE_BANK = frozenset(
    {
        "AC02", "AC05", "AC13", "AM02", "AM03", "AM04", "BE05", "DNOR", "FF01", "RC03", "RR01",
        "RR02", "TM01",
    }
)  # fmt: skip
"""Reasons that speak of our account, our data or the bank's limits, and not of the beneficiary."""

DUPLICATES = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL"})
"""Reasons that speak of another payment, which may well have been executed."""


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
        return _refusal(status)
    return Unknown(reason=status.reason or f"the status {status.code or 'absent'} decides nothing")


def _refusal(status: Status) -> Outcome:
    """RJCT in the light of all its reasons. One that decides nothing leaves the whole open."""
    codes = status.reason_codes
    if codes and all(code in NOTHING_WAS_CREATED for code in codes):
        return Rejected(code=_gravest(codes), reason=status.reason or "RJCT")
    said = f"RJCT with {', '.join(codes)}" if codes else "RJCT without a reason"
    if not DUPLICATES.isdisjoint(codes):
        return Unknown(reason=f"{said}: a duplicate, and the other one may have been executed")
    return Unknown(reason=f"{said} does not say that nothing was created")


def _gravest(codes: Sequence[str]) -> str:
    """The code to go by: one that may speak of the beneficiary before any that does not."""
    return next((code for code in codes if code not in OF_THE_BANK), next(iter(codes), ""))


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
        code=_gravest(status.reason_codes),
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
