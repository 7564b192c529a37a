"""What statements do not show: proof only where they have no gap and nothing unexplained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.calendars import is_business_day
from settle.money import plain
from settle.reconciliation.account_days import account_days
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines


def against_absence(
    connection: Connection,
    *,
    account: AccountRef,
    payment_id: str,
    amount_minor: int,
    first: date,
    last: date,
    business_day: Callable[[date, str], bool] = is_business_day,
) -> list[str]:
    """Why the statements of an account do not prove that a payment was never debited on it.

    Empty: every business day from `first` to `last` is kept, complete and sound, no line is the
    payment's, and no debit that nobody explains is as large.
    """
    return [
        *_gaps(connection, account, first, last, business_day),
        *_bookings(connection, payment_id),
        *_suspects(connection, account, amount_minor, first, last),
    ]


def _gaps(
    connection: Connection, account: AccountRef, first: date, last: date,
    business_day: Callable[[date, str], bool],
) -> Iterator[str]:  # fmt: skip
    sound = {x.day: x.is_sound for x in account_days(connection) if x.account == account}
    day = first
    while day <= last:
        if day not in sound and business_day(day, account.currency):
            yield f"no statement of {day} is kept"
        elif not sound.get(day, True):
            yield f"the statement of {day} is not complete and sound"
        day += timedelta(days=1)


def _bookings(connection: Connection, payment_id: str) -> Iterator[str]:
    query = sa.select(line_payments.c.line_id).where(line_payments.c.payment_id == payment_id)
    yield from (f"line {name} is matched to it" for name in connection.execute(query).scalars())


def _suspects(
    connection: Connection, account: AccountRef, amount_minor: int, first: date, last: date
) -> Iterator[str]:
    line, outcome = statement_lines.c, line_outcomes.c
    query = (
        sa.select(line.line_ref, line.booked_on, line.amount_minor)
        .outerjoin(line_outcomes, outcome.line_id == line.line_id)
        .where(
            line.rail == account.rail, line.account == account.account,
            line.currency == account.currency, line.amount_minor <= -amount_minor,
            line.booked_on.between(first, last), outcome.matched_on.is_(None),
        )
        .order_by(line.line_id)
    )  # fmt: skip
    for ref, on, minor in connection.execute(query):
        amount = f"{plain(minor, account.currency)} {account.currency}"
        yield f"line {ref} of {on}, {amount}, is not explained and may be it"
