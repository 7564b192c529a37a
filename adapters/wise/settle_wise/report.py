"""A day's statement as the rail gave it, with the transfers its lines name. All of it is pure.

The rail's line of a transfer holds the fee as well as the principal. It is read as two lines, so
that what was instructed and what it cost stand apart; together they are what the rail booked.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from settle.adapters import AccountRef, LineKind, Statement, StatementDocument, StatementLine
from settle.errors import DocumentError
from settle_wise.wire import Amount, Moment, Transfer, Wire, canonical, read

FORMAT = "wise_statement"
BEFORE = timedelta(days=15)
"""A transfer is funded within the fortnight after it was made, or never."""
OF_TRANSFER = re.compile(r"TRANSFER-(\d{1,18})")
FEE = re.compile(r"FEE-.+")
INCOMING = frozenset({"DEPOSIT", "MONEY_ADDED"})


def _nothing(value: object) -> object:
    return {} if value is None else value


class Details(Wire):
    """What a transaction says it is."""

    type: str | None = None
    description: str | None = None
    payment_reference: str | None = None
    sender_name: str | None = None


class Transaction(Wire):
    """One booking on a balance, signed."""

    type: str
    date: Moment
    amount: Amount
    total_fees: Amount | None = None
    details: Annotated[Details, BeforeValidator(_nothing)] = Details()
    reference_number: str

    @property
    def transfer_id(self) -> int | None:
        """The transfer it names."""
        found = OF_TRANSFER.fullmatch(self.reference_number)
        return int(found[1]) if found else None


class Answer(Wire):
    """GET …/statement.json."""

    transactions: tuple[Transaction, ...]
    end_of_statement_balance: Amount
    start_of_statement_balance: Amount | None = None


class Report(Wire):
    """The document: what `document` writes and `statement` reads."""

    statement: Answer
    transfers: tuple[Transfer, ...]


def interval(day: date) -> tuple[datetime, datetime]:
    """The first and the last millisecond of a UTC day."""
    midnight = datetime.combine(day, time(), UTC)
    return midnight, midnight + timedelta(days=1) - timedelta(milliseconds=1)


def named(raw: Any) -> list[int]:
    """The transfers that a statement's lines name, but for money that others sent."""
    answer = read(Answer, raw, what="statement")
    lines = [x for x in answer.transactions if x.details.type not in INCOMING]
    return sorted({x.transfer_id for x in lines if x.transfer_id})


def document(
    account: AccountRef, *, day: date, raw: Any, transfers: Sequence[Mapping[str, Any]]
) -> StatementDocument:
    """The statement of one day."""
    return StatementDocument(
        rail=account.rail,
        account=account.account,
        currency=account.currency,
        day=day,
        format=FORMAT,
        content=canonical({"statement": raw, "transfers": list(transfers)}),
    )


def statement(document: StatementDocument) -> Statement:
    """The document, read.

    Raises:
        DocumentError: it is not one of ours, or does not fit; names the place.
    """
    what = f"the statement of {document.account} for {document.day}"
    report = _parse(document, what=what)
    transfers = {x.id: x for x in report.transfers}
    answer = report.statement
    lines: list[StatementLine] = []
    refs = _refs(answer.transactions)
    for ref, transaction in sorted(zip(refs, answer.transactions, strict=True), key=_order):
        _check(transaction, document, what=what)
        lines += _lines(transaction, ref=ref, transfer=transfers.get(transaction.transfer_id or 0))
    closing = answer.end_of_statement_balance
    opening = answer.start_of_statement_balance
    if {x.currency for x in (closing, opening) if x} != {document.currency}:
        raise DocumentError(f"{what} is not all in {document.currency}")
    moved = sum(x.amount_minor for x in lines)
    return Statement(
        rail=document.rail,
        account=document.account,
        currency=document.currency,
        day=document.day,
        statement_ref=f"{document.account}:{document.currency}:{document.day}",
        opening_minor=opening.minor if opening else closing.minor - moved,
        closing_minor=closing.minor,
        lines=tuple(lines),
        complete=document.complete,
    )


def _parse(document: StatementDocument, *, what: str) -> Report:
    if document.format != FORMAT:
        raise DocumentError(f"{what} is {document.format}, not {FORMAT}")
    try:
        content = json.loads(document.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise DocumentError(f"{what} is not JSON") from None
    return read(Report, content, what=what)


def _check(line: Transaction, document: StatementDocument, *, what: str) -> None:
    amounts = [line.amount, *([line.total_fees] if line.total_fees else [])]
    if {x.currency for x in amounts} != {document.currency}:
        raise DocumentError(f"{what} is not all in {document.currency}")
    if line.date.date() != document.day:
        raise DocumentError(f"{what} has a line of {line.date.date()}")
    signs = {"DEBIT": line.amount.value <= 0, "CREDIT": line.amount.value >= 0}
    if not signs.get(line.type):
        raise DocumentError(f"{what} has a line that is no {line.type[:20]}")


def _refs(transactions: Sequence[Transaction]) -> Iterator[str]:
    """A name for each line. A refund bears the number of the transfer it gives back."""
    seen: Counter[str] = Counter()
    for x in transactions:
        name = f"{x.reference_number}/{x.type}/{x.date.isoformat(timespec='milliseconds')}"
        name += f"/{x.amount.minor}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}/{seen[name]}"


def _order(pair: tuple[str, Transaction]) -> tuple[datetime, str]:
    return pair[1].date, pair[0]


def _lines(line: Transaction, *, ref: str, transfer: Transfer | None) -> Iterator[StatementLine]:
    about = line.details
    plain = StatementLine(
        line_ref=ref,
        amount_minor=line.amount.minor,
        currency=line.amount.currency,
        booked_on=line.date.date(),
        value_on=line.date.date(),
        rail_reference=line.reference_number,
        counterparty=about.sender_name or "",
        remittance_information=about.payment_reference or about.description or "",
    )
    if transfer is not None and line.amount.minor != 0:
        yield from _of_transfer(plain, line=line, transfer=transfer)
    elif FEE.fullmatch(line.reference_number):
        yield replace(plain, kind=LineKind.CHARGE)
    else:
        yield plain


def _of_transfer(
    plain: StatementLine, *, line: Transaction, transfer: Transfer
) -> Iterator[StatementLine]:
    principal = transfer.target_minor
    if line.amount.minor < 0:
        fee = line.total_fees.minor if line.total_fees else 0
        # Of several ways to read it, the one in which what was instructed stands alone.
        netted = 0 < fee and -line.amount.minor == principal + fee
        ours = replace(plain, amount_minor=-principal) if netted else plain
        yield replace(ours, uetr=transfer.reference or None)
        if netted:
            yield _charge(plain, amount_minor=-fee)
        return
    back = min(line.amount.minor, principal)
    yield replace(
        plain,
        amount_minor=back,
        kind=LineKind.RETURN,
        uetr=transfer.reference or None,
        instructed_minor=principal,
        instructed_currency=transfer.target_currency,
        charges_minor=principal - back,
    )
    if line.amount.minor > principal:
        yield _charge(plain, amount_minor=line.amount.minor - principal)


def _charge(plain: StatementLine, *, amount_minor: int) -> StatementLine:
    return replace(
        plain, line_ref=f"{plain.line_ref}/fee", amount_minor=amount_minor, kind=LineKind.CHARGE,
        rail_reference=None,
    )  # fmt: skip
