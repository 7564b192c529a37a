"""Asking a bank for a payment back: camt.055.001.08 as we write it, camt.029 as we read it."""

from __future__ import annotations

from settle.adapters import (
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Response,
)
from settle.errors import DocumentError
from settle.money import plain
from settle_iso20022_bank.message import (
    Element,
    add,
    document,
    every,
    fitted,
    parsed,
    serialised,
    text,
)
from settle_iso20022_bank.settings import Iso20022BankSettings
from settle_iso20022_bank.wire import instruction_id

CAMT_055 = "urn:iso:std:iso:20022:tech:xsd:camt.055.001.08"
ACCEPTED = frozenset({"ACCR"})
REJECTED = frozenset({"RJCR"})
PENDING = frozenset({"PDCR"})
"""`TxCxlSts` of a camt.029 by what they say (MAPPING.md, "Recalls"); any other decides nothing."""


def write_camt055(recall: Recall, *, bank: Iso20022BankSettings) -> bytes:
    """The request as camt.055. This is the same bytes for the same recall and settings."""
    message = document(CAMT_055, "CstmrPmtCxlReq")
    header = add(message, "Assgnmt")
    add(header, "Id", recall.recall_id)
    add(header, "Assgnr/Pty/Nm", fitted(bank.debtor_name, 140))
    add(header, "Assgne/Agt/FinInstnId/BICFI", bank.bic)
    add(header, "CreDtTm", f"{recall.asked_on.isoformat()}T00:00:00Z")
    payment = recall.payment
    block = add(message, "Undrlyg/OrgnlPmtInfAndCxl")
    original = recall.batch_id or payment.idempotency_key
    add(block, "OrgnlPmtInfId", original)
    group = add(block, "OrgnlGrpInf")
    add(group, "OrgnlMsgId", original)
    add(group, "OrgnlMsgNmId", "pain.001.001.09")
    item = add(block, "TxInf")
    add(item, "CxlId", recall.recall_id)
    add(item, "OrgnlInstrId", instruction_id(payment))
    add(item, "OrgnlEndToEndId", payment.end_to_end_id)
    add(item, "OrgnlUETR", payment.uetr)
    amount = plain(payment.amount_minor, payment.currency)
    add(item, "OrgnlInstdAmt", amount, Ccy=payment.currency)
    add(item, "OrgnlReqdExctnDt/Dt", payment.value_date.isoformat())
    add(item, "CxlRsnInf/Rsn/Cd", recall.code)
    return serialised(message)


def answer_in(answer: Response, recall: Recall) -> RecallAnswer:
    """What a camt.029 says of this very recall. This trusts nothing it cannot read whole."""
    if answer.status != 200:
        return RecallUnknown(reason=f"the bank answered {answer.status} when asked about it")
    try:
        root = parsed(answer.content)
    except DocumentError as error:
        return RecallUnknown(reason=str(error))
    items = root.findall(".//{*}RsltnOfInvstgtn//{*}TxInfAndSts")
    ours = [item for item in items if text(item, "CxlStsId") == recall.recall_id]
    named = {text(item, "OrgnlEndToEndId") for item in ours}
    if len(ours) != 1 or named != {recall.payment.end_to_end_id}:
        return RecallUnknown(reason="the answer is not about this recall")
    return _said(text(ours[0], "TxCxlSts"), *_why(ours[0]))


def _why(item: Element) -> tuple[str, str]:
    reasons = every(item, "CxlStsRsnInf")
    code = next((c for r in reasons if (c := text(r, "Rsn/Cd") or text(r, "Rsn/Prtry"))), "")
    return code, " ".join(i.text or "" for r in reasons for i in every(r, "AddtlInf")).strip()


def _said(status: str, code: str, reason: str) -> RecallAnswer:
    if status in ACCEPTED:
        return RecallAccepted(code=code or status, reason=reason)
    if status in REJECTED:
        return RecallRejected(code=code or status, reason=reason)
    if status in PENDING:
        return RecallPending(reason=reason or code)
    return RecallUnknown(reason=f"the status {status[:20] or 'absent'} decides nothing")
