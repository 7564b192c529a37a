"""The bank's pain.002.001.10: it lists what it rejects, and `PART` means the rest is accepted."""

from __future__ import annotations

from datetime import UTC

from settle.money import plain
from settle_iso20022_bank.message import Element, add, document, serialised
from settle_iso20022_bank.simulator.upload import Transfer, Upload

PAIN_002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"


def write_pain002(upload: Upload) -> bytes:
    """The status report of one upload. This is the same bytes whenever it is asked for."""
    report = document(PAIN_002, "CstmrPmtStsRpt")
    header = add(report, "GrpHdr")
    add(header, "MsgId", f"S{upload.digest[:31]}")
    add(header, "CreDtTm", _stamp(upload))
    group = add(report, "OrgnlGrpInfAndSts")
    add(group, "OrgnlMsgId", upload.message_id)
    add(group, "OrgnlMsgNmId", "pain.001.001.09")
    add(group, "OrgnlNbOfTxs", str(len(upload.transfers)))
    total = sum(t.amount_minor for t in upload.transfers)
    add(group, "OrgnlCtrlSum", plain(total, upload.currency))
    add(group, "GrpSts", _group_status(upload))
    if upload.rejected:
        block = add(report, "OrgnlPmtInfAndSts")
        add(block, "OrgnlPmtInfId", upload.block_id)
        for transfer in upload.rejected:
            _rejection(block, transfer)
    return serialised(report)


def _group_status(upload: Upload) -> str:
    if not upload.rejected:
        return "ACSP"
    return "PART" if upload.executed else "RJCT"


def _rejection(block: Element, transfer: Transfer) -> None:
    status = add(block, "TxInfAndSts")
    if transfer.instruction_id:
        add(status, "OrgnlInstrId", transfer.instruction_id)
    add(status, "OrgnlEndToEndId", transfer.end_to_end_id)
    if transfer.uetr:
        add(status, "OrgnlUETR", transfer.uetr)
    add(status, "TxSts", "RJCT")
    add(status, "StsRsnInf/Rsn/Cd", transfer.reject_code)


def _stamp(upload: Upload) -> str:
    return upload.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
