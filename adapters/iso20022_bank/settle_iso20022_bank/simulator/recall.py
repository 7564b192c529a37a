"""A camt.055 as the bank takes it in, and the camt.029 with which it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from settle.errors import DocumentError
from settle_iso20022_bank.message import add, document, parsed, serialised, text
from settle_iso20022_bank.simulator.upload import Transfer

CAMT_029 = "urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for a payment back. `digest` tells another content under the same id."""

    recall_id: str
    digest: str
    received_at: datetime
    message_id: str
    end_to_end_id: str

    def entry(self) -> dict[str, Any]:
        """The request as JSON. `from_entry` is its inverse."""
        return {"recall": {**asdict(self), "received_at": self.received_at.isoformat()}}

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Request:
        """The request out of the bank's memory."""
        kept = entry["recall"]
        return cls(**{**kept, "received_at": datetime.fromisoformat(kept["received_at"])})


def read_request(content: bytes, *, received_at: datetime) -> Request:
    """The request, if the bank takes it.

    Raises:
        DocumentError: the bank refuses the file (FF01), and has no request by it.
    """
    root = parsed(content)
    items = root.findall(".//{*}CstmrPmtCxlReq//{*}TxInf")
    if len(items) != 1:
        raise DocumentError("a file holds one CstmrPmtCxlReq with one TxInf")
    message_id = root.findtext(".//{*}OrgnlGrpInf/{*}OrgnlMsgId") or ""
    found = (text(items[0], "CxlId"), message_id, text(items[0], "OrgnlEndToEndId"))
    if not all(1 <= len(value) <= 35 for value in found):
        raise DocumentError("CxlId, OrgnlMsgId and OrgnlEndToEndId are 1 to 35 characters")
    return Request(
        recall_id=found[0], message_id=found[1], end_to_end_id=found[2], received_at=received_at,
        digest=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def write_camt029(request: Request, transfer: Transfer | None) -> bytes:
    """The bank's answer. What it never executed it does not find (NOOR)."""
    status = transfer.recall_answer if transfer else "RJCR"
    message = document(CAMT_029, "RsltnOfInvstgtn")
    header = add(message, "Assgnmt")
    add(header, "Id", f"R{request.digest[:31]}")
    add(header, "Assgnr/Pty/Nm", "The bank")
    add(header, "Assgne/Pty/Nm", "Its customer")
    stamp = request.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    add(header, "CreDtTm", stamp)
    add(message, "Sts/Conf", "CNCL" if status == "ACCR" else status)
    block = add(message, "CxlDtls/OrgnlPmtInfAndSts")
    add(block, "OrgnlPmtInfId", request.message_id)
    item = add(block, "TxInfAndSts")
    add(item, "CxlStsId", request.recall_id)
    add(item, "OrgnlEndToEndId", request.end_to_end_id)
    add(item, "TxCxlSts", status)
    if status == "RJCR":
        add(item, "CxlStsRsnInf/Rsn/Cd", "NOAS" if transfer else "NOOR")
    return serialised(message)
