"""A day's statement, put together from the rail's lists, and read back. All of it is pure.

The rail has no statement document. What stands in for one holds the day's transactions as
they came, the transfers behind its credits, and the closing balance: the balance as it is,
less everything booked after the day. It is the same bytes whenever a closed day is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import StrictInt

from settle.adapters import AccountRef, LineKind, Statement, StatementDocument, StatementLine
from settle.errors import DocumentError
from settle_adyen_transfers.wire import Transaction, Transfer, Wire, canonical, read

FORMAT = "adyen_transactions"
BEFORE = timedelta(days=4)
"""The lists are asked by creation and a line is booked later: over a long weekend at most."""
AFTER = timedelta(days=90)
"""How late a day may still be asked for: what was booked since is subtracted."""


class Closing(Wire):
    """The account's balance at the end of the day."""

    balance: StrictInt
    currency: str


class Report(Wire):
    """The document: what `document` writes and `statement` reads."""

    balance: Closing
    transactions: tuple[Transaction, ...]
    transfers: tuple[Transfer, ...]


def created_around(day: date) -> tuple[datetime, datetime]:
    """The bounds of creation within which everything that matters to `day` lies."""
    midnight = datetime.combine(day, time(), UTC)
    return midnight - BEFORE, midnight + AFTER


def booked(raw: Iterable[dict[str, Any]], *, currency: str) -> list[dict[str, Any]]:
    """The booked transactions in one currency, as they came, in order of booking and id."""
    found = []
    for item in raw:
        line = read(Transaction, item, what="GET /transactions")
        if line.status == "booked" and line.amount.currency == currency:
            found.append((line.booking_date, line.id, item))
    return [item for _, _, item in sorted(found, key=lambda x: x[:2])]


def to_look_up(lines: Sequence[dict[str, Any]], *, day: date) -> list[str]:
    """The transfers behind a day's credits: only they tell a return from a deposit."""
    credits_ = [_line(x) for x in lines if _line(x).amount.value > 0]
    ids = [x.transfer.id for x in credits_ if x.booking_date.date() == day and x.transfer]
    return sorted({x for x in ids if x})


def document(
    account: AccountRef,
    *,
    day: date,
    lines: Sequence[dict[str, Any]],
    balance: int,
    transfers: Sequence[dict[str, Any]],
) -> StatementDocument:
    """The statement of one day. `lines` reach from before the day until now."""
    later = sum(_line(x).amount.value for x in lines if _line(x).booking_date.date() > day)
    content = canonical(
        {
            "balance": {"balance": balance - later, "currency": account.currency},
            "transactions": [x for x in lines if _line(x).booking_date.date() == day],
            "transfers": transfers,
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
    transfers = {x.id: x for x in report.transfers}
    lines = tuple(_statement_line(x, transfers=transfers) for x in report.transactions)
    return Statement(
        rail=document.rail,
        account=document.account,
        currency=document.currency,
        day=document.day,
        statement_ref=f"{document.account}:{document.currency}:{document.day}",
        opening_minor=report.balance.balance - sum(x.amount_minor for x in lines),
        closing_minor=report.balance.balance,
        lines=lines,
        complete=document.complete,
    )


def _parse(document: StatementDocument) -> Report:
    what = f"the statement of {document.account} for {document.day}"
    if document.format != FORMAT:
        raise DocumentError(f"{what} is {document.format}, not {FORMAT}")
    try:
        content = json.loads(document.content)
    except (ValueError, RecursionError):
        raise DocumentError(f"{what} is not JSON") from None
    report = read(Report, content, what=what)
    currencies = {report.balance.currency, *(x.amount.currency for x in report.transactions)}
    if currencies != {document.currency}:
        raise DocumentError(f"{what} is not all in {document.currency}")
    return report


def _line(item: dict[str, Any]) -> Transaction:
    return read(Transaction, item, what="GET /transactions")


def _statement_line(line: Transaction, *, transfers: dict[str, Transfer]) -> StatementLine:
    transfer = transfers.get((line.transfer.id if line.transfer else None) or "")
    ours = transfer is None or transfer.direction == "outgoing"
    reference = line.transfer.reference if line.transfer else None
    plain = StatementLine(
        line_ref=line.id,
        amount_minor=line.amount.value,
        currency=line.amount.currency,
        booked_on=line.booking_date.date(),
        value_on=line.value_date.date(),
        end_to_end_id=reference if ours else None,
        rail_reference=line.transfer.id if line.transfer else None,
        counterparty=transfer.counterparty_name if transfer else "",
        remittance_information=line.description or line.reference_for_beneficiary or "",
        references={"transfer": reference} if reference else {},
    )
    if transfer is None or not ours or line.amount.value < 0:
        return plain
    return replace(
        plain,
        kind=LineKind.RETURN,
        return_code=_return_code(transfer),
        instructed_minor=transfer.amount.value,
        instructed_currency=transfer.amount.currency,
        charges_minor=max(transfer.amount.value - line.amount.value, 0),
    )


def _return_code(transfer: Transfer) -> str | None:
    external = [x.external_reason for x in reversed(transfer.events) if x.external_reason]
    codes = [x.code for x in [*external, transfer.external_reason] if x and x.code]
    return codes[0] if codes else transfer.reason
