"""The messages of the bank: pain.001.001.09 as we write it, pain.002.001.10 as we read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from settle.adapters import Batch, Beneficiary, Payment
from settle.errors import DocumentError
from settle.money import plain
from settle_iso20022_bank.message import (
    Element,
    escaped,
    every,
    fitted,
    iban,
    parsed,
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
    """The batch as pain.001. This is the same bytes for the same batch and settings.

    Raises:
        ValueError: a reference holds a character that XML has not.
    """
    sums = (
        f"<NbOfTxs>{len(batch)}</NbOfTxs>"
        f"<CtrlSum>{plain(batch.total_minor, batch.currency)}</CtrlSum>"
    )
    parts = [_HEAD, _header(batch, bank, sums), _block(batch, bank, sums)]
    parts += map(_transfer, batch)
    parts.append("</PmtInf></CstmrCdtTrfInitn></Document>")
    return "".join(parts).encode()


_HEAD = f"<?xml version='1.0' encoding='UTF-8'?>\n<Document xmlns=\"{PAIN_001}\"><CstmrCdtTrfInitn>"


def instruction_id(payment: Payment) -> str:
    """Our id of the payment in 35 characters. This is a digest where the id is longer."""
    compact = payment.payment_id.replace("-", "")
    if 0 < len(compact) <= 35:
        return compact
    return hashlib.sha256(payment.payment_id.encode()).hexdigest()[:32]


def _header(batch: Batch, bank: Iso20022BankSettings, sums: str) -> str:
    return (
        f"<GrpHdr><MsgId>{escaped(batch.batch_id)}</MsgId>"
        f"<CreDtTm>{batch.created_on.isoformat()}T00:00:00Z</CreDtTm>{sums}"
        f"<InitgPty><Nm>{_line(bank.debtor_name, 140)}</Nm></InitgPty></GrpHdr>"
    )


def _block(batch: Batch, bank: Iso20022BankSettings, sums: str) -> str:
    booked = "true" if batch.currency in bank.batch_booking else "false"
    debtor = _party(bank.debtor_name, town=bank.debtor_town, country=bank.debtor_country)
    payer = bank.payer(batch)
    return (
        f"<PmtInf><PmtInfId>{escaped(batch.batch_id)}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<BtchBookg>{booked}</BtchBookg>{sums}"
        f"<ReqdExctnDt><Dt>{batch.value_date.isoformat()}</Dt></ReqdExctnDt>"
        f"<Dbtr>{debtor}</Dbtr>"
        f"<DbtrAcct>{_account(payer, iban(payer))}<Ccy>{escaped(batch.currency)}</Ccy></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><BICFI>{escaped(bank.bic)}</BICFI></FinInstnId></DbtrAgt>"
    )


def _transfer(payment: Payment) -> str:
    payee, currency = payment.beneficiary, payment.currency
    number = iban(payee.account)
    # SLEV belongs to the euro's own scheme; elsewhere each side bears its bank's charges.
    in_scheme = currency == "EUR" and number is not None
    party = _party(payee.name, town=payee.town, country=payee.country)
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>{escaped(instruction_id(payment))}</InstrId>"
        f"<EndToEndId>{escaped(payment.end_to_end_id)}</EndToEndId>"
        f"<UETR>{escaped(payment.uetr)}</UETR></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{plain(payment.amount_minor, currency)}</InstdAmt></Amt>'
        f"<ChrgBr>{'SLEV' if in_scheme else 'SHAR'}</ChrgBr>{_agent(payee)}<Cdtr>{party}</Cdtr>"
        f"<CdtrAcct>{_account(payee.account, number)}</CdtrAcct>"
        f"{_purpose(payment.purpose)}{_remittance(payment.remittance_information)}</CdtTrfTxInf>"
    )


def _agent(payee: Beneficiary) -> str:
    if not (payee.bic or payee.bank_code):
        return ""
    institution = f"<BICFI>{escaped(payee.bic)}</BICFI>" if payee.bic else ""
    if payee.bank_code:
        system = CLEARING_SYSTEMS.get(payee.country)
        named = f"<ClrSysId><Cd>{system}</Cd></ClrSysId>" if system else ""
        member = f"{named}<MmbId>{_line(payee.bank_code, 35)}</MmbId>"
        institution += f"<ClrSysMmbId>{member}</ClrSysMmbId>"
    return f"<CdtrAgt><FinInstnId>{institution}</FinInstnId></CdtrAgt>"


def _party(name: str, *, town: str, country: str) -> str:
    address = f"<TwnNm>{_line(town, 35)}</TwnNm><Ctry>{escaped(country)}</Ctry>"
    return f"<Nm>{_line(name, 140)}</Nm><PstlAdr>{address}</PstlAdr>"


def _account(account: str, number: str | None) -> str:
    if number:
        return f"<Id><IBAN>{number}</IBAN></Id>"
    return f"<Id><Othr><Id>{_line(account, 34)}</Id></Othr></Id>"


@lru_cache(maxsize=64)
def _purpose(purpose: str) -> str:
    if not (given := _line(purpose, 35)):
        return ""
    kind = "Cd" if re.fullmatch(r"[A-Z]{4}", purpose) else "Prtry"
    return f"<Purp><{kind}>{given}</{kind}></Purp>"


def _remittance(given: str) -> str:
    line = _line(given, 140)
    return f"<RmtInf><Ustrd>{line}</Ustrd></RmtInf>" if line else ""


def _line(value: str, length: int) -> str:
    return escaped(fitted(value, length))


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
