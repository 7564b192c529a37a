"""Whether an account's statements say nothing over some days: without a gap, and all explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.calendars import is_business_day
from settle.money import plain
from settle.reconciliation.account_days import AccountDay, account_days
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines


class Silence:
    """The statements kept, as far as their silence proves anything. Read once, asked often."""

    def __init__(
        self, connection: Connection, *,
        business_day: Callable[[date, str], bool] = is_business_day,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._business_day = business_day
        days = account_days(connection)
        self._days: dict[tuple[AccountRef, date], AccountDay] = {
            (found.account, found.day): found for found in days
        }

    def broken_by(self, account: AccountRef, *, first: date, last: date) -> str | None:
        """Why silence from `first` to `last` proves nothing; None where it does.

        Each business day needs a complete statement that balances and goes on from the one
        before, and no money may have left by a line that nothing explains.
        """
        for gap in self._gaps(account, first, last):
            return gap
        if count := self._unexplained(account, first, last):
            return f"{count} lines by which money left are not explained"
        return None

    def against(
        self, account: AccountRef, *, payment_id: str, amount_minor: int, first: date, last: date
    ) -> list[str]:
        """Why the statements do not prove that a payment was never debited.

        Empty: nothing breaks the silence, no line is the payment's, and no debit that nobody
        explains is as large.
        """
        return [
            *self._gaps(account, first, last),
            *self._bookings(payment_id),
            *self._suspects(account, amount_minor, first, last),
        ]

    def _gaps(self, account: AccountRef, first: date, last: date) -> Iterator[str]:
        for day in (first + timedelta(days=ahead) for ahead in range((last - first).days + 1)):
            found = self._days.get((account, day))
            if found is None and self._business_day(day, account.currency):
                yield f"no statement of {day} is kept"
            if found is not None and not found.is_sound:
                yield f"the statement of {day} is not complete, or does not add up"

    def _bookings(self, payment_id: str) -> Iterator[str]:
        query = sa.select(line_payments.c.line_id).where(line_payments.c.payment_id == payment_id)
        yield from (f"line {name} is matched to it" for name in self._connection.scalars(query))

    def _suspects(
        self, account: AccountRef, amount_minor: int, first: date, last: date
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
        for ref, on, minor in self._connection.execute(query):
            amount = f"{plain(minor, account.currency)} {account.currency}"
            yield f"line {ref} of {on}, {amount}, is not explained and may be it"

    def _unexplained(self, account: AccountRef, first: date, last: date) -> int:
        line = statement_lines.c
        query = (
            sa.select(sa.func.count())
            .select_from(statement_lines)
            .outerjoin(line_outcomes, line_outcomes.c.line_id == line.line_id)
            .where(
                line.rail == account.rail, line.account == account.account,
                line.currency == account.currency, line.day.between(first, last),
                line.amount_minor < 0, line_outcomes.c.matched_on.is_(None),
            )
        )  # fmt: skip
        return int(self._connection.execute(query).scalar_one())
