"""What does not fit now, found afresh each time from lines, payments and statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.money import plain
from settle.reconciliation.account_days import AccountDay, account_days
from settle.reconciliation.kinds import BreakKind
from settle.reconciliation.tables import (
    line_outcomes,
    line_payments,
    statement_findings,
    statement_lines,
)

if TYPE_CHECKING:
    import pyarrow as pa

CLAIMED = ("accepted", "booked", "credited")
"""States in which the bank should have debited us."""

REFUSED = ("rejected", "cancelled", "failed")
"""States in which it should not have."""

TEXT_MAX = 140
"""How much of a line's own text evidence quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One thing that does not fit. `amount_minor` is signed: in is positive."""

    kind: BreakKind
    account: AccountRef
    amount_minor: int
    subject: str
    evidence: str


def misfits(
    connection: Connection,
    *,
    payments: pa.Table,
    day: date,
    expected: Collection[AccountRef],
    business_day: Callable[[date, str], bool],
) -> list[Misfit]:
    """Everything that does not fit on `day`, each (kind, subject) once."""
    days = account_days(connection)
    found = [
        *_lines(connection),
        *_contradictions(connection),
        *_short_returns(connection),
        *_missing_at_bank(connection, payments, days, due_before=day),
        *_missing_files(days, due_before=day, expected=expected, business_day=business_day),
        *_unbalanced(days),
        *_findings(connection, days),
    ]
    return list({(misfit.kind, misfit.subject): misfit for misfit in found}.values())


def _lines(connection: Connection) -> Iterator[Misfit]:
    """Every line that nothing explains: what suspense holds, line by line."""
    outcome, line = line_outcomes.c, statement_lines.c
    query = (
        sa.select(*line, outcome.break_kind, outcome.why)
        .join(line_outcomes, outcome.line_id == line.line_id)
        .where(outcome.matched_on.is_(None))
        .order_by(line.line_id)
    )
    for row in connection.execute(query):
        yield Misfit(
            kind=BreakKind(row.break_kind),
            account=_account(row),
            amount_minor=row.amount_minor,
            subject=row.line_id,
            evidence=f"{_line_words(row)}: {row.why}.",
        )


def _shares(connection: Connection, *where: sa.ColumnElement[bool]) -> Iterator[Any]:
    share, line = line_payments.c, statement_lines.c
    query = (
        sa.select(
            *line, share.payment_id, share.state_seen, share.charges_minor.label("short_minor"),
            share.amount_minor.label("share_minor"),
        )
        .join(statement_lines, line.line_id == share.line_id)
        .where(*where)
        .order_by(share.payment_id)
    )  # fmt: skip
    yield from connection.execute(query)


def _contradictions(connection: Connection) -> Iterator[Misfit]:
    share = line_payments.c
    for row in _shares(connection, share.leg == "booking", share.state_seen.in_(REFUSED)):
        yield Misfit(
            kind=BreakKind.STATUS_CONTRADICTION,
            account=_account(row),
            amount_minor=-row.share_minor,
            subject=row.payment_id,
            evidence=f"{_line_words(row)}: payment {row.payment_id} was {row.state_seen}, "
            "and the bank booked it.",
        )


def _short_returns(connection: Connection) -> Iterator[Misfit]:
    share = line_payments.c
    for row in _shares(connection, share.leg == "return", share.charges_minor > 0):
        short = f"{plain(row.short_minor, row.currency)} {row.currency}"
        yield Misfit(
            kind=BreakKind.SHORT_RETURN,
            account=_account(row),
            amount_minor=row.short_minor,
            subject=row.payment_id,
            evidence=f"{_line_words(row)}: payment {row.payment_id} came back "
            f"{short} short{f' ({row.return_code})' if row.return_code else ''}.",
        )


def _missing_at_bank(
    connection: Connection, payments: pa.Table, days: list[AccountDay], *, due_before: date
) -> Iterator[Misfit]:
    """Absence counts only where the statement of the value date is kept, complete and sound."""
    query = sa.select(line_payments.c.payment_id).where(line_payments.c.leg == "booking")
    booked = set(connection.execute(query).scalars())
    sound = {(found.account, found.day) for found in days if found.is_sound}
    for payment in _claimed(payments):
        account = _account(payment)
        value_date: date = payment.value_date
        if value_date >= due_before or payment.payment_id in booked:
            continue
        if (account, value_date) not in sound:
            continue
        amount = f"{plain(payment.amount_minor, account.currency)} {account.currency}"
        yield Misfit(
            kind=BreakKind.MISSING_AT_BANK,
            account=account,
            amount_minor=-payment.amount_minor,
            subject=payment.payment_id,
            evidence=f"Payment {payment.payment_id} ({payment.end_to_end_id}) of {amount}, "
            f"{payment.state}, value {value_date}: not on the complete statement of that day.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    payment_id: str
    rail: str
    account: str
    currency: str
    amount_minor: int
    end_to_end_id: str
    state: str
    value_date: date


def _claimed(payments: pa.Table) -> Iterator[_Claimed]:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = list(_Claimed.__dataclass_fields__)
    said = pc.is_in(payments.column("state"), value_set=pa.array(CLAIMED))
    for row in payments.filter(said).select(names).to_pylist():
        yield _Claimed(**row)


def _missing_files(
    days: list[AccountDay],
    *,
    due_before: date,
    expected: Collection[AccountRef],
    business_day: Callable[[date, str], bool],
) -> Iterator[Misfit]:
    yesterday = due_before - timedelta(days=1)
    kept: dict[AccountRef, set[date]] = defaultdict(set)
    for found in days:
        kept[found.account].add(found.day)
    for account in sorted(kept.keys() | set(expected), key=_place):
        day = min(kept[account], default=yesterday)
        while day <= yesterday:
            if day not in kept[account] and business_day(day, account.currency):
                yield _missing_file(account, day, "No statement of this business day is kept.")
            day += timedelta(days=1)


def _missing_file(account: AccountRef, day: date, evidence: str) -> Misfit:
    return Misfit(
        kind=BreakKind.MISSING_FILE,
        account=account,
        amount_minor=0,
        subject=_statement(account, day),
        evidence=f"{account.account}, {day}: {evidence}",
    )


def _unbalanced(days: list[AccountDay]) -> Iterator[Misfit]:
    for found in days:
        for part, amount_minor, why in (
            ("lines", found.difference_minor, found.difference_why),
            ("opening", found.gap_minor, found.gap_why),
        ):
            if amount_minor:
                yield Misfit(
                    kind=BreakKind.STATEMENT_DOES_NOT_BALANCE,
                    account=found.account,
                    amount_minor=amount_minor,
                    subject=f"{_statement(found.account, found.day)}/{part}",
                    evidence=f"{found.account.account}, {found.day}: {why}.",
                )


def _findings(connection: Connection, days: list[AccountDay]) -> Iterator[Misfit]:
    """Unreadable documents, until a readable one of that day is kept; references used twice."""
    kept = {(found.account, found.day) for found in days}
    kinds = (BreakKind.MISSING_FILE.value, BreakKind.REFERENCE.value)
    query = (
        sa.select(statement_findings)
        .where(statement_findings.c.kind.in_(kinds))
        .order_by(statement_findings.c.finding_id)
    )
    for row in connection.execute(query):
        account = _account(row)
        if row.kind == BreakKind.REFERENCE.value:
            yield Misfit(
                kind=BreakKind.REFERENCE,
                account=account,
                amount_minor=row.amount_minor,
                subject=row.finding_id,
                evidence=f"{account.account}, {row.day}: {row.why}.",
            )
        elif (account, row.day) not in kept:
            yield _missing_file(account, row.day, f"{row.why}.")


def _account(row: Any) -> AccountRef:
    return AccountRef(rail=row.rail, account=row.account, currency=row.currency)


def _place(account: AccountRef) -> tuple[str, str, str]:
    return account.rail, account.account, account.currency


def _statement(account: AccountRef, day: date) -> str:
    return f"statement/{account.rail}/{account.account}/{account.currency}/{day}"


def _line_words(row: Any) -> str:
    amount = f"{plain(row.amount_minor, row.currency)} {row.currency}"
    text = " ".join(f"{row.counterparty} {row.remittance_information}".split())[:TEXT_MAX]
    quoted = f" “{text}”" if text else ""
    return f"Line {row.line_ref} of {row.booked_on}, {amount}{quoted}"
