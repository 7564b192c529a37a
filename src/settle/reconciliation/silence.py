"""Whether an account's statements say nothing over some days: without a gap, and all explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.calendars import is_business_day
from settle.reconciliation.account_days import AccountDay, account_days
from settle.reconciliation.tables import line_outcomes, statement_lines


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
        between = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        for day in between:
            found = self._days.get((account, day))
            if found is None and self._business_day(day, account.currency):
                return f"there is no statement of {day}"
            if found is not None and not found.is_sound:
                return f"the statement of {day} is not complete, or does not add up"
        if count := self._unexplained(account, first, last):
            return f"{count} lines by which money left are not explained"
        return None

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
