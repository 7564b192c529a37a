"""A day's statement, put together from the rail's list, and read back. All of it is pure.

The rail has entries and no statement: no opening, no closing, no end of a day. What stands in
for one holds the day's completed transactions as they came, those that its reversals undid, and
the closing balance: the balance as it is, less everything made after the day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import StrictInt

from settle.adapters import AccountRef, LineKind, Statement, StatementDocument, StatementLine
from settle.errors import DocumentError
from settle_gsma_mobile_money.parties import is_at
from settle_gsma_mobile_money.settings import Standing
from settle_gsma_mobile_money.statuses import Statuses, standing
from settle_gsma_mobile_money.wire import (
    Transaction,
    Wire,
    canonical,
    minor,
    parties,
    read,
)

FORMAT = "gsma_transactions"
AFTER = timedelta(days=90)
"""How late a day may still be asked for: what was made since is subtracted."""
UNDOES = frozenset({"reversal", "adjustment"})


class Closing(Wire):
    """What the account held at the end of the day, in minor units."""

    minor: StrictInt
    currency: str


class Report(Wire):
    """The document: what `document` writes and `statement` reads."""

    balance: Closing
    transactions: tuple[Transaction, ...]
    originals: tuple[Transaction, ...]


def bounds(day: date) -> dict[str, str]:
    """From the day's first moment until so much later that everything since is in it."""
    midnight = datetime.combine(day, time(), UTC)
    form = "%Y-%m-%dT%H:%M:%SZ"
    until = midnight + AFTER
    return {"fromDateTime": midnight.strftime(form), "toDateTime": until.strftime(form)}


def booked(
    raw: Iterable[dict[str, Any]], *, currency: str, statuses: Statuses
) -> list[dict[str, Any]]:
    """The completed transactions in one currency, as they came, by creation and reference.

    Raises:
        DocumentError: a status that nobody has explained; whether it moved money is not known.
    """
    found = []
    for item in raw:
        made = _read(item)
        means = standing(made.transaction_status, statuses)
        if means is None:
            word = made.transaction_status
            raise DocumentError(f"the status {word} means nothing yet: name it in statuses")
        if means is Standing.COMPLETED and made.currency == currency:
            found.append((_created(made), made.transaction_reference, item))
    return [item for _, _, item in sorted(found, key=lambda x: x[:2])]


def undone(lines: Sequence[dict[str, Any]], *, day: date) -> list[str]:
    """The references of what a day's reversals undid: only those tell whose money came back."""
    of_day = [_read(x) for x in lines if _created(_read(x)).date() == day]
    found = {x.original_transaction_reference for x in of_day if x.type in UNDOES}
    return sorted(x for x in found if x)


def document(
    account: AccountRef, *, day: date, lines: Sequence[dict[str, Any]], held_minor: int,
    originals: Sequence[Mapping[str, Any]],
) -> StatementDocument:  # fmt: skip
    """The statement of one day. `lines` reach from the day's beginning until now."""
    later = [_read(x) for x in lines if _created(_read(x)).date() > day]
    closing = held_minor - sum(_signed(x, account.account, account.currency) for x in later)
    content = canonical(
        {
            "balance": {"minor": closing, "currency": account.currency},
            "transactions": [x for x in lines if _created(_read(x)).date() == day],
            "originals": originals,
        }
    )
    return StatementDocument(
        rail=account.rail,
        account=account.account,
        currency=account.currency,
        day=day,
        format=FORMAT,
        content=content,
    )


def statement(document: StatementDocument) -> Statement:
    """The document, read.

    Raises:
        DocumentError: it is not one of ours, or does not fit; names the place.
    """
    report = _parse(document)
    originals = {x.transaction_reference: x for x in report.originals}
    lines = tuple(
        _line(x, account=document.account, currency=document.currency, originals=originals)
        for x in report.transactions
    )
    closing = report.balance.minor
    return Statement(
        rail=document.rail,
        account=document.account,
        currency=document.currency,
        day=document.day,
        statement_ref=f"{document.account}:{document.currency}:{document.day}",
        opening_minor=closing - sum(x.amount_minor for x in lines),
        closing_minor=closing,
        lines=lines,
        complete=document.complete,
    )


def _parse(document: StatementDocument) -> Report:
    what = f"the statement of {document.account} for {document.day}"
    if document.format != FORMAT:
        raise DocumentError(f"{what} is {document.format}, not {FORMAT}")
    try:
        content = json.loads(document.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise DocumentError(f"{what} is not JSON") from None
    report = read(Report, content, what=what)
    if {report.balance.currency, *(x.currency for x in report.transactions)} != {document.currency}:
        raise DocumentError(f"{what} is not all in {document.currency}")
    return report


def _read(item: Mapping[str, Any]) -> Transaction:
    return read(Transaction, item, what="GET /accounts/…/transactions")


def _created(made: Transaction) -> datetime:
    if made.created_at is None:
        raise DocumentError(f"transaction {made.transaction_reference} has no creationDate")
    return made.created_at


def _signed(made: Transaction, account: str, currency: str) -> int:
    what = f"transaction {made.transaction_reference}"
    amount = minor(made.amount, currency, what=what)
    out = is_at(account, parties(made.debit_party))
    came_in = is_at(account, parties(made.credit_party))
    if out == came_in:
        raise DocumentError(f"{what}: not exactly one of its parties is our account")
    return -amount if out else amount


def _line(
    made: Transaction, *, account: str, currency: str, originals: Mapping[str, Transaction]
) -> StatementLine:
    amount_minor = _signed(made, account, currency)
    other = made.debit_party if amount_minor > 0 else made.credit_party
    original = originals.get(made.original_transaction_reference or "")
    plain = StatementLine(
        line_ref=made.transaction_reference,
        amount_minor=amount_minor,
        currency=currency,
        booked_on=_created(made).date(),
        value_on=_created(made).date(),
        end_to_end_id=made.our_reference or None if amount_minor < 0 else None,
        rail_reference=made.transaction_reference,
        counterparty="$".join(f"{x.key}@{x.value}" for x in other),
        remittance_information=made.description_text or "",
        references={"transaction": made.our_reference} if made.our_reference else {},
    )
    if amount_minor < 0 or made.type not in UNDOES or original is None:
        return plain
    instructed = minor(original.amount, currency, what=original.transaction_reference)
    return replace(
        plain,
        kind=LineKind.RETURN,
        end_to_end_id=original.our_reference or None,
        return_code=made.type,
        instructed_minor=instructed,
        instructed_currency=currency,
        charges_minor=max(instructed - amount_minor, 0),
    )
