"""The bank's camt.053.001.08: one account's day, one entry a movement."""

from __future__ import annotations

from datetime import date, timedelta

from settle.money import plain
from settle_iso20022_bank.message import (
    Element,
    add,
    add_account,
    document,
    fitted,
    serialised,
)
from settle_iso20022_bank.simulator.ledger import AccountDay, Movement
from settle_iso20022_bank.simulator.upload import Upload

CAMT_053 = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def write_camt053(books: AccountDay) -> bytes:
    """The statement of one day. This is the same bytes for the same books."""
    message = document(CAMT_053, "BkToCstmrStmt")
    statement_id = f"{books.currency}{books.day:%Y%m%d}-{books.account.replace(' ', '')[-20:]}"
    stamp = f"{books.day.isoformat()}T23:59:59Z"
    header = add(message, "GrpHdr")
    add(header, "MsgId", statement_id)
    add(header, "CreDtTm", stamp)
    statement = add(message, "Stmt")
    add(statement, "Id", statement_id)
    for sequence in ("ElctrncSeqNb", "LglSeqNb"):
        add(statement, sequence, str(books.day.timetuple().tm_yday))
    add(statement, "CreDtTm", stamp)
    add(add_account(statement, "Acct", books.account), "Ccy", books.currency)
    _balance(statement, "OPBD", books.opening_minor, books, on=books.day - timedelta(days=1))
    _balance(statement, "CLBD", books.closing_minor, books, on=books.day)
    for movement in books.movements:
        _entry(add(statement, "Ntry"), movement, books)
    return serialised(message)


def _balance(
    statement: Element, code: str, amount_minor: int, books: AccountDay, *, on: date
) -> None:
    balance = add(statement, "Bal")
    add(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, "Amt", amount_minor, books.currency)
    add(balance, "CdtDbtInd", _direction(amount_minor))
    add(balance, "Dt/Dt", on.isoformat())


def _entry(entry: Element, movement: Movement, books: AccountDay) -> None:
    _amount(entry, "Amt", movement.amount_minor, books.currency)
    add(entry, "CdtDbtInd", _direction(movement.amount_minor))
    add(entry, "Sts/Cd", "BOOK")
    for name in ("BookgDt/Dt", "ValDt/Dt"):
        add(entry, name, books.day.isoformat())
    add(entry, "AcctSvcrRef", movement.servicer_reference)
    domain = add(entry, "BkTxCd/Domn")
    add(domain, "Cd", "PMNT")
    family = add(domain, "Fmly")
    add(family, "Cd", "RCDT" if movement.amount_minor > 0 and not movement.is_return else "ICDT")
    add(family, "SubFmlyCd", "RRTN" if movement.is_return else "ESCT")
    details = add(entry, "NtryDtls")
    if movement.batch is not None:
        _batch(details, movement.batch)
    else:
        _details(add(details, "TxDtls"), movement, books.currency)


def _batch(details: Element, upload: Upload) -> None:
    batch = add(details, "Btch")
    add(batch, "MsgId", upload.message_id)
    add(batch, "PmtInfId", upload.block_id)
    add(batch, "NbOfTxs", str(len(upload.executed)))
    total = sum(t.amount_minor for t in upload.executed)
    _amount(batch, "TtlAmt", total, upload.currency)
    add(batch, "CdtDbtInd", "DBIT")


def _details(details: Element, movement: Movement, currency: str) -> None:
    transfer = movement.transfer
    references = add(details, "Refs")
    add(references, "AcctSvcrRef", movement.servicer_reference)
    if transfer is not None:
        for name, value in (
            ("InstrId", transfer.instruction_id),
            ("EndToEndId", transfer.end_to_end_id),
            ("UETR", transfer.uetr),
        ):
            if value:
                add(references, name, value)
    _amount(details, "Amt", movement.amount_minor, currency)
    add(details, "CdtDbtInd", _direction(movement.amount_minor))
    if transfer is not None:
        _amount(details, "AmtDtls/InstdAmt/Amt", transfer.amount_minor, currency)
    if movement.is_return:
        _charges(details, movement, currency)
    _parties(details, movement)
    if remittance := fitted(movement.remittance, 140):
        add(details, "RmtInf/Ustrd", remittance)
    if movement.is_return:
        add(details, "RtrInf/Rsn/Cd", movement.return_code)


def _charges(details: Element, movement: Movement, currency: str) -> None:
    kept = [(agent, minor) for agent, minor in movement.kept if minor]
    if kept:
        charges = add(details, "Chrgs")
        _amount(charges, "TtlChrgsAndTaxAmt", sum(minor for _, minor in kept), currency)
    for agent, minor in kept:
        record = add(charges, "Rcrd")
        _amount(record, "Amt", minor, currency)
        add(record, "CdtDbtInd", "DBIT")
        add(record, "ChrgInclInd", "true")
        if agent:
            add(record, "Agt/FinInstnId/BICFI", agent)


def _parties(details: Element, movement: Movement) -> None:
    # A return keeps the roles of the transfer it undoes: the beneficiary is still the creditor.
    creditor = movement.amount_minor < 0 or movement.is_return
    if name := fitted(movement.counterparty, 140):
        add(details, f"RltdPties/{'Cdtr' if creditor else 'Dbtr'}/Pty/Nm", name)


def _amount(parent: Element, path: str, amount_minor: int, currency: str) -> None:
    add(parent, path, plain(abs(amount_minor), currency), Ccy=currency)


def _direction(amount_minor: int) -> str:
    return "DBIT" if amount_minor < 0 else "CRDT"
