"""Reading a document with the reader of its format, and saying what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from settle.adapters import Adapter, Statement, StatementDocument
from settle.errors import DocumentError, SettleError
from settle.money import in_range, plain
from settle.reconciliation.kinds import BreakKind

BANK_FORMATS = frozenset({"camt.053"})
"""Formats that are a bank's statement; every other is the rail's own report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFinding:
    """What is wrong with a document, as a kind of break. This stops nothing else."""

    kind: BreakKind
    rail: str
    account: str
    currency: str
    day: date
    amount_minor: int
    why: str


def read_document(
    document: StatementDocument, adapter: Adapter[Any]
) -> tuple[Sequence[Statement], list[StatementFinding]]:
    """The statements of a document, and what is wrong with it or them. This never raises."""
    try:
        read = [_checked(statement, document) for statement in _statements(document, adapter)]
    except (SettleError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        # A plug-in's reader meets hostile bytes too; whatever it trips over, the rest goes on.
        why = error.message if isinstance(error, SettleError) else type(error).__name__
        return [], [_unreadable(document, why)]
    if not read:
        return [], [_unreadable(document, "it holds no statement")]
    return read, list(_unbalanced(read))


def _statements(document: StatementDocument, adapter: Adapter[Any]) -> Sequence[Statement]:
    if document.format not in BANK_FORMATS:
        return [adapter.read_report(document)]
    from settle.reconciliation.camt053 import read_camt053

    read = read_camt053(
        document.content,
        rail=document.rail,
        account=document.account,
        complete=document.complete,
    )
    # The reader has compared the accounts; banks group an IBAN's digits as they like.
    return [replace(statement, account=document.account) for statement in read]


def _checked(statement: Statement, document: StatementDocument) -> Statement:
    for name in ("rail", "account", "currency"):
        if getattr(statement, name) != getattr(document, name):
            raise DocumentError(f"its {name} is not the one asked for", field=name)
    if statement.day > document.day:
        raise DocumentError(f"it is of {statement.day}, after the day asked for", field="day")
    for amount_minor in (statement.opening_minor, statement.closing_minor,
                         *(line.amount_minor for line in statement.lines)):  # fmt: skip
        in_range(amount_minor, statement.currency)
    in_range(statement.difference_minor, statement.currency)
    return statement


def _unreadable(document: StatementDocument, why: str) -> StatementFinding:
    return StatementFinding(
        kind=BreakKind.MISSING_FILE,
        rail=document.rail,
        account=document.account,
        currency=document.currency,
        day=document.day,
        amount_minor=0,
        why=f"The document cannot be taken: {why}",
    )


def _unbalanced(read: Sequence[Statement]) -> Iterator[StatementFinding]:
    for statement in read:
        if statement.difference_minor:
            currency = statement.currency
            yield StatementFinding(
                kind=BreakKind.STATEMENT_DOES_NOT_BALANCE,
                rail=statement.rail,
                account=statement.account,
                currency=currency,
                day=statement.day,
                amount_minor=statement.difference_minor,
                why=f"Opening {plain(statement.opening_minor, currency)} and lines do not make "
                f"closing {plain(statement.closing_minor, currency)}: "
                f"{plain(statement.difference_minor, currency)} is not explained",
            )
