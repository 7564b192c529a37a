"""A pain.001 as the bank takes it in: read, checked, and kept as one entry of its memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from settle.errors import DocumentError, SettleError
from settle.money import to_minor
from settle_iso20022_bank.message import Element, every, parsed, text

_REJECT = re.compile(r"SANDBOX REJECT ([A-Z0-9]{4})")
_RETURN = re.compile(
    r"SANDBOX RETURN ([A-Z0-9]{4})(?: SHORT ([0-9]{1,9}))?((?: [A-Z0-9]{8,11}=[0-9]{1,9})*)"
)
_RECALL = re.compile(r"SANDBOX RECALL (ACCR|RJCR|PDCR)(?: SHORT ([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One credit transfer of an upload, and what its beneficiary's name asks the sandbox for."""

    end_to_end_id: str
    uetr: str
    instruction_id: str
    amount_minor: int
    name: str
    remittance: str

    @property
    def reject_code(self) -> str:
        """The ISO reason with which the bank rejects it; empty if it does not."""
        found = _REJECT.search(self.name)
        return found[1] if found else ""

    @property
    def return_code(self) -> str:
        """The ISO reason with which it comes back; empty if it does not."""
        found = _RETURN.search(self.name)
        return found[1] if found else ""

    @property
    def return_charges_minor(self) -> int:
        """What is kept of a returned amount. This always leaves one minor unit to return."""
        return sum(minor for _, minor in self.return_hops)

    @property
    def return_hops(self) -> tuple[tuple[str, int], ...]:
        """Which bank keeps what of a returned amount; one that is not named is blank."""
        found = _RETURN.search(self.name)
        if found is None:
            return ()
        named = [hop.split("=") for hop in (found[3] or "").split()]
        hops = [(agent, int(minor)) for agent, minor in named] or [("", int(found[2] or 0))]
        total = sum(minor for _, minor in hops)
        return tuple(hops) if total < self.amount_minor else (("", self.amount_minor - 1),)

    @property
    def recall_answer(self) -> str:
        """What the beneficiary's bank says when asked for it back: no, unless the name says so."""
        found = _RECALL.search(self.name)
        return found[1] if found else "RJCR"

    @property
    def recall_charges_minor(self) -> int:
        """What is kept of an amount sent back on request."""
        found = _RECALL.search(self.name)
        return min(int(found[2] or 0), self.amount_minor - 1) if found else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One message taken in. `digest` tells the same content from another under the same id."""

    message_id: str
    block_id: str
    digest: str
    received_at: datetime
    account: str
    currency: str
    execute_on: date
    batch_booking: bool
    transfers: tuple[Transfer, ...]

    @property
    def executed(self) -> tuple[Transfer, ...]:
        """The transfers the bank carries out."""
        return tuple(t for t in self.transfers if not t.reject_code)

    @property
    def rejected(self) -> tuple[Transfer, ...]:
        """The transfers the bank does not carry out."""
        return tuple(t for t in self.transfers if t.reject_code)

    def entry(self) -> dict[str, Any]:
        """The upload as JSON. `from_entry` is its inverse."""
        return {
            **asdict(self),
            "received_at": self.received_at.isoformat(),
            "execute_on": self.execute_on.isoformat(),
        }

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Upload:
        """The upload out of the bank's memory."""
        return cls(
            **{
                **entry,
                "received_at": datetime.fromisoformat(entry["received_at"]),
                "execute_on": date.fromisoformat(entry["execute_on"]),
                "transfers": tuple(Transfer(**transfer) for transfer in entry["transfers"]),
            }
        )


def read_upload(content: bytes, *, received_at: datetime, accounts: Mapping[str, str]) -> Upload:
    """The upload, if the bank takes it. `accounts` are those the customer holds, by currency.

    Raises:
        DocumentError: the bank refuses the file (FF01) and creates nothing.
    """
    message, block = _blocks(parsed(content))
    currency, account = _debtor(block, accounts)
    transfers = tuple(
        _transfer(item, currency=currency, number=number)
        for number, item in enumerate(every(block, "CdtTrfTxInf"), start=1)
    )
    for holder in (every(message, "GrpHdr")[0], block):
        _check_totals(holder, transfers, currency)
    return Upload(
        message_id=_reference(message, "GrpHdr/MsgId"),
        block_id=_reference(block, "PmtInfId"),
        digest=hashlib.sha256(content).hexdigest(),
        received_at=received_at,
        account=account,
        currency=currency,
        execute_on=_day(text(block, "ReqdExctnDt/Dt")),
        batch_booking=text(block, "BtchBookg") == "true",
        transfers=transfers,
    )


def _blocks(root: Element) -> tuple[Element, Element]:
    messages = every(root, "CstmrCdtTrfInitn")
    blocks = every(messages[0], "PmtInf") if len(messages) == 1 else []
    if len(blocks) != 1 or not every(messages[0], "GrpHdr"):
        raise DocumentError("a file holds one CstmrCdtTrfInitn with one GrpHdr and one PmtInf")
    return messages[0], blocks[0]


def _debtor(block: Element, accounts: Mapping[str, str]) -> tuple[str, str]:
    account = text(block, "DbtrAcct/Id/IBAN") or text(block, "DbtrAcct/Id/Othr/Id")
    for currency, known in accounts.items():
        if known.replace(" ", "") == account:
            return currency, known
    raise DocumentError("DbtrAcct is no account of this customer")


def _transfer(item: Element, *, currency: str, number: int) -> Transfer:
    amounts = every(item, "Amt/InstdAmt")
    if len(amounts) != 1 or amounts[0].get("Ccy") != currency:
        raise DocumentError(f"CdtTrfTxInf {number}: one InstdAmt in {currency} is due")
    amount_minor = _amount(text(item, "Amt/InstdAmt"), currency, where=f"CdtTrfTxInf {number}")
    name = text(item, "Cdtr/Nm")
    if amount_minor <= 0 or not name:
        raise DocumentError(f"CdtTrfTxInf {number}: an amount above zero and Cdtr/Nm are due")
    return Transfer(
        end_to_end_id=_reference(item, "PmtId/EndToEndId"),
        uetr=text(item, "PmtId/UETR"),
        instruction_id=text(item, "PmtId/InstrId"),
        amount_minor=amount_minor,
        name=name,
        remittance=text(item, "RmtInf/Ustrd"),
    )


def _check_totals(holder: Element, transfers: tuple[Transfer, ...], currency: str) -> None:
    if text(holder, "NbOfTxs") != str(len(transfers)):
        raise DocumentError(f"NbOfTxs is not the {len(transfers)} of the file")
    total = _amount(text(holder, "CtrlSum"), currency, where="CtrlSum")
    if total != sum(t.amount_minor for t in transfers):
        raise DocumentError("CtrlSum is not the sum of the file")


def _amount(amount: str, currency: str, *, where: str) -> int:
    try:
        return to_minor(amount, currency)
    except SettleError as error:
        raise DocumentError(f"{where}: {error}") from None


def _reference(parent: Element, path: str) -> str:
    value = text(parent, path)
    if not 1 <= len(value) <= 35:
        raise DocumentError(f"{path} is not 1 to 35 characters")
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise DocumentError(f"ReqdExctnDt/Dt is not a date: {value[:40]!r}") from None
