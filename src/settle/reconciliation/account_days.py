"""What each account's statements say, day by day: the newest word on every day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby, pairwise

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.ledger import accounts
from settle.money import plain
from settle.reconciliation.tables import statement_lines, statements


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """One account's day, from the newest document of it that is kept.

    `difference_minor` is what its lines do not explain, `gap_minor` its opening less the
    closing of the day kept before (less nothing, for the first). Sound is zero for both.
    `lines` counts the lines kept of it.
    """

    account: AccountRef
    day: date
    opening_minor: int
    closing_minor: int
    difference_minor: int
    gap_minor: int
    complete: bool
    lines: int

    @property
    def is_sound(self) -> bool:
        """Whether the absence of a line from this day means something."""
        return self.complete and self.difference_minor == 0 and self.gap_minor == 0

    @property
    def difference_why(self) -> str:
        """The difference, in words."""
        currency = self.account.currency
        return (
            f"Opening {plain(self.opening_minor, currency)} and the lines miss closing "
            f"{plain(self.closing_minor, currency)} by {plain(self.difference_minor, currency)}"
        )

    @property
    def gap_why(self) -> str:
        """The gap, in words."""
        currency = self.account.currency
        return (
            f"Opening {plain(self.opening_minor, currency)} is not what was kept before it, by "
            f"{plain(self.gap_minor, currency)}: a statement is missing or was changed"
        )


def account_days(connection: Connection) -> list[AccountDay]:
    """Every account's days that are kept, sorted by account and day."""
    counts = _line_counts(connection)
    days: list[AccountDay] = []
    for _, of_account in groupby(_newest(connection), key=lambda found: found.account):
        days += _with_gaps(list(of_account))
    return [replace(found, lines=counts.get((found.account, found.day), 0)) for found in days]


def closings(connection: Connection) -> dict[tuple[str, str], int]:
    """The last closing balance by (nostro account, currency). This is what the ledger must hold."""
    return {
        (accounts.nostro(found.account.rail, found.account.account), found.account.currency):
        found.closing_minor
        for found in account_days(connection)
    }  # fmt: skip


def last_days(connection: Connection) -> dict[AccountRef, date]:
    """The last day of which a complete statement is kept, by account. What follows is to fetch."""
    return {found.account: found.day for found in account_days(connection) if found.complete}


def _line_counts(connection: Connection) -> dict[tuple[AccountRef, date], int]:
    line = statement_lines.c
    keys = (line.rail, line.account, line.currency, line.day)
    query = sa.select(*keys, sa.func.count()).group_by(*keys)
    return {
        (AccountRef(rail=rail, account=account, currency=currency), day): count
        for rail, account, currency, day, count in connection.execute(query)
    }


def _newest(connection: Connection) -> Iterator[AccountDay]:
    """One per account and day: a complete document before an interim one, then the newest."""
    table = statements.c
    query = sa.select(statements).order_by(
        table.rail, table.account, table.currency, table.day,
        table.complete.desc(), table.edition.desc(), table.document_id, table.place,
    )  # fmt: skip
    rows = connection.execute(query)
    for _, of_day in groupby(rows, key=lambda row: (row.rail, row.account, row.currency, row.day)):
        found = list(of_day)
        yield _day([row for row in found if row.document_id == found[0].document_id])


def _day(rows: Sequence[sa.Row[tuple[object, ...]]]) -> AccountDay:
    first, last = rows[0], rows[-1]
    between = sum(after.opening_minor - before.closing_minor for before, after in pairwise(rows))
    return AccountDay(
        account=AccountRef(rail=first.rail, account=first.account, currency=first.currency),
        day=first.day,
        opening_minor=first.opening_minor,
        closing_minor=last.closing_minor,
        difference_minor=between + sum(row.difference_minor for row in rows),
        gap_minor=0,
        complete=last.complete,
        lines=0,
    )


def _with_gaps(days: Sequence[AccountDay]) -> Iterator[AccountDay]:
    """An interim report owes no balances: it goes on from where the day before closed."""
    closing_minor = 0
    for found in days:
        moved_minor = found.closing_minor - found.opening_minor
        opening_minor = found.opening_minor if found.complete else closing_minor
        yield replace(
            found,
            opening_minor=opening_minor,
            closing_minor=opening_minor + moved_minor,
            gap_minor=opening_minor - closing_minor,
        )
        closing_minor = opening_minor + moved_minor
