"""The messages of the bank: pain.001.001.09 as we write it, pain.002.001.10 as we read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from settle.adapters import Batch, Beneficiary, Payment
from settle.errors import DocumentError
from settle.money import plain
from settle_iso20022_bank.message import (
    Element,
    add,
    add_account,
    document,
    every,
    fitted,
    iban,
    parsed,
    serialised,
    text,
)
from settle_iso20022_bank.settings import Iso20022BankSettings

PAIN_001 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

CLEARING_SYSTEMS: Mapping[str, str] = {
    "AU": "AUBSB", "CA": "CACPA", "CH": "CHBCC", "CN": "CNAPS", "GB": "GBDSC", "HK": "HKNCC",
    "JP": "JPZGN", "NZ": "NZNCC", "SE": "SESBA", "SG": "SGIBG", "US": "USABA",
}  # fmt: skip
"""ExternalClearingSystemIdentification1Code by country: what a local bank code is a member of."""

ACCEPTED = frozenset({"ACCP", "ACFC", "ACSP", "ACSC", "ACWC", "ACCC"})
"""The statuses with which the bank takes responsibility (MAPPING.md, "Statuses")."""


def write_pain001(batch: Batch, *, bank: Iso20022BankSettings) -> bytes:
    """The batch as pain.001. This is the same bytes for the same batch and settings."""
    message = document(PAIN_001, "CstmrCdtTrfInitn")
    header = add(message, "GrpHdr")
    add(header, "MsgId", batch.batch_id)
    add(header, "CreDtTm", f"{batch.created_on.isoformat()}T00:00:00Z")
    _totals(header, batch)
    add(header, "InitgPty/Nm", fitted(bank.debtor_name, 140))
    _instruction(message, batch, bank)
    return serialised(message)


def instruction_id(payment: Payment) -> str:
    """Our id of the payment in 35 characters. This is a digest where the id is longer."""
    compact = payment.payment_id.replace("-", "")
    if 0 < len(compact) <= 35:
        return compact
    return hashlib.sha256(payment.payment_id.encode()).hexdigest()[:32]


def _totals(parent: Element, batch: Batch) -> None:
    add(parent, "NbOfTxs", str(len(batch)))
    add(parent, "CtrlSum", plain(batch.total_minor, batch.currency))


def _instruction(message: Element, batch: Batch, bank: Iso20022BankSettings) -> None:
    block = add(message, "PmtInf")
    add(block, "PmtInfId", batch.batch_id)
    add(block, "PmtMtd", "TRF")
    add(block, "BtchBookg", "true" if batch.currency in bank.batch_booking else "false")
    _totals(block, batch)
    add(block, "ReqdExctnDt/Dt", batch.value_date.isoformat())
    _party(block, "Dbtr", bank.debtor_name, town=bank.debtor_town, country=bank.debtor_country)
    account = add_account(block, "DbtrAcct", bank.payer(batch))
    add(account, "Ccy", batch.currency)
    add(block, "DbtrAgt/FinInstnId/BICFI", bank.bic)
    for payment in batch:
        _transfer(add(block, "CdtTrfTxInf"), payment)


def _transfer(transfer: Element, payment: Payment) -> None:
    identity = add(transfer, "PmtId")
    add(identity, "InstrId", instruction_id(payment))
    add(identity, "EndToEndId", payment.end_to_end_id)
    add(identity, "UETR", payment.uetr)
    amount = plain(payment.amount_minor, payment.currency)
    add(transfer, "Amt/InstdAmt", amount, Ccy=payment.currency)
    payee = payment.beneficiary
    # SLEV belongs to the euro's own scheme; elsewhere each side bears its bank's charges.
    in_scheme = payment.currency == "EUR" and iban(payee.account) is not None
    add(transfer, "ChrgBr", "SLEV" if in_scheme else "SHAR")
    _agent(transfer, payee)
    _party(transfer, "Cdtr", payee.name, town=payee.town, country=payee.country)
    add_account(transfer, "CdtrAcct", payee.account)
    is_code = re.fullmatch(r"[A-Z]{4}", payment.purpose)
    if purpose := fitted(payment.purpose, 35):
        add(transfer, "Purp/Cd" if is_code else "Purp/Prtry", purpose)
    if remittance := fitted(payment.remittance_information, 140):
        add(transfer, "RmtInf/Ustrd", remittance)


def _agent(transfer: Element, payee: Beneficiary) -> None:
    if not (payee.bic or payee.bank_code):
        return
    institution = add(transfer, "CdtrAgt/FinInstnId")
    if payee.bic:
        add(institution, "BICFI", payee.bic)
    if payee.bank_code:
        member = add(institution, "ClrSysMmbId")
        if system := CLEARING_SYSTEMS.get(payee.country):
            add(member, "ClrSysId/Cd", system)
        add(member, "MmbId", fitted(payee.bank_code, 35))


def _party(parent: Element, role: str, name: str, *, town: str, country: str) -> None:
    party = add(parent, role)
    add(party, "Nm", fitted(name, 140))
    address = add(party, "PstlAdr")
    add(address, "TwnNm", fitted(town, 35))
    add(address, "Ctry", country)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status of ISO 20022 with its reasons. This is what a pain.002 says at one level.

    `reason_codes` are all it gives, in order; a bank's proprietary one stands after `Prtry`, for
    it means what that bank says, whatever ISO code it looks like.
    """

    code: str
    reason_codes: tuple[str, ...] = ()
    reason: str = ""

    def beside(self, other: Status) -> Status:
        """This with the reasons of the same status said elsewhere in the report."""
        codes = dict.fromkeys((*self.reason_codes, *other.reason_codes))
        return Status(code=self.code, reason_codes=tuple(codes), reason=self.reason or other.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A pain.002, read. `transactions` holds those it lists, by EndToEndId."""

    message_id: str
    created_at: datetime
    group: Status
    transactions: Mapping[str, Status]

    def status_of(self, end_to_end_id: str, *, part_inherits: bool) -> Status:
        """The status of one payment: its own, else the group's. This is where `PART` is read."""
        own = self.transactions.get(end_to_end_id)
        if own is None and self.group.code == "PART" and part_inherits:
            return Status(code="ACCP")
        if own is not None and self.group.code == "RJCT" and own.code in ACCEPTED:
            return Status(code="", reason=f"{own.code} inside a group with RJCT")
        if own is None or own.code != self.group.code:
            return own or self.group
        return own.beside(self.group)


def read_pain002(content: bytes) -> StatusReport:
    """The bank's status report. This takes every version, wherever the namespace stands.

    Raises:
        DocumentError: not a status report, or without its own id, date or the message's id.
    """
    root = parsed(content)
    reports = root.findall(".//{*}CstmrPmtStsRpt")
    if len(reports) != 1:
        raise DocumentError(f"a pain.002 holds one status report, not {len(reports)}")
    report = reports[0]
    return StatusReport(
        message_id=text(report, "OrgnlGrpInfAndSts/OrgnlMsgId"),
        created_at=_moment(text(report, "GrpHdr/CreDtTm")),
        group=_group(report),
        transactions=_transactions(report),
    )


def _group(report: Element) -> Status:
    # We send one payment information block, so its status is the group's, said more closely.
    blocks = every(report, "OrgnlPmtInfAndSts")
    levels = [_status(report, "OrgnlGrpInfAndSts", "GrpSts")]
    levels += [status for block in blocks if (status := _status(block, ".", "PmtInfSts")).code]
    codes = {status.code for status in levels}
    if "RJCT" in codes and codes & (ACCEPTED | {"PART"}):
        return Status(code="", reason="the report contradicts itself")
    said = levels[-1]
    for level in levels[:-1]:
        said = said.beside(level) if level.code == said.code else said
    return said


def _transactions(report: Element) -> Mapping[str, Status]:
    found: dict[str, Status] = {}
    for item in every(report, "OrgnlPmtInfAndSts/TxInfAndSts"):
        reference, status = text(item, "OrgnlEndToEndId"), _status(item, ".", "TxSts")
        before = found.setdefault(reference, status)
        if before.code != status.code:
            found[reference] = Status(code="", reason="the report contradicts itself")
        else:
            found[reference] = before.beside(status)
    return found


def _status(parent: Element, where: str, name: str) -> Status:
    holder = parent if where == "." else parent.find("{*}" + where)
    if holder is None:
        return Status(code="")
    return Status(
        code=text(holder, name),
        reason_codes=tuple(_reason_codes(holder)),
        reason=" ".join(i.text or "" for i in every(holder, "StsRsnInf/AddtlInf")).strip(),
    )


def _reason_codes(holder: Element) -> Iterator[str]:
    for given in every(holder, "StsRsnInf"):
        if proprietary := text(given, "Rsn/Prtry"):
            yield f"Prtry {proprietary}"
        elif code := text(given, "Rsn/Cd"):
            yield code


def _moment(stamp: str) -> datetime:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        raise DocumentError(f"GrpHdr/CreDtTm is not a time: {stamp[:40]!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
