"""Posting to the journal and reading balances from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger.tables import journal
from settle.store import arrow, derived, derived_each, exact_sum, insert_columns, insert_new

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One row: `amount_minor` of `currency` from the `debit` account to the `credit` account.

    `row` names it within its event and subject, so that posting it twice changes nothing.
    """

    event: str
    subject: str
    row: str
    posted_on: date
    debit: str
    credit: str
    currency: str
    amount_minor: int

    @property
    def entry_id(self) -> str:
        """Derived from event, subject and row."""
        return derived(self.event, self.subject, self.row)

    def reversed(self, *, event: str, posted_on: date) -> Posting:
        """The row that undoes this one. This is the only way to correct."""
        return Posting(
            event=event,
            subject=self.subject,
            row=self.row,
            posted_on=posted_on,
            debit=self.credit,
            credit=self.debit,
            currency=self.currency,
            amount_minor=self.amount_minor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """Debits less credits of one account in one currency."""

    account: str
    currency: str
    balance_minor: int


def signed(
    *, event: str, subject: str, row: str, posted_on: date, frm: str, to: str, currency: str,
    amount_minor: int,
) -> list[Posting]:  # fmt: skip
    """A posting of a signed amount: turned round when negative, none when zero."""
    if amount_minor == 0:
        return []
    debit, credit = (frm, to) if amount_minor > 0 else (to, frm)
    return [
        Posting(
            event=event, subject=subject, row=row, posted_on=posted_on, debit=debit,
            credit=credit, currency=currency, amount_minor=abs(amount_minor),
        )
    ]  # fmt: skip


def post(connection: Connection, postings: Iterable[Posting], *, recorded_at: datetime) -> int:
    """Append postings in the caller's transaction; those already there stay as they are."""
    rows = [
        {
            "entry_id": posting.entry_id,
            "event": posting.event,
            "subject": posting.subject,
            "posted_on": posting.posted_on,
            "recorded_at": recorded_at,
            "debit": posting.debit,
            "credit": posting.credit,
            "currency": posting.currency,
            "amount_minor": posting.amount_minor,
        }
        for posting in postings
    ]
    return insert_new(connection, journal, rows)


def post_columns(
    connection: Connection, rows: pa.Table, *, event: str, subject: str, posted_on: date,
    recorded_at: datetime,
) -> int:  # fmt: skip
    """Append the signed rows of one event, none of which is there yet, and say how many.

    `rows`: row, frm, into_account, currency, amount_minor; a negative amount goes the other way.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), rows.num_rows)

    amount, frm, into = (rows.column(n) for n in ("amount_minor", "frm", "into_account"))
    forth = pc.greater(amount, 0)
    names = derived_each(event, subject, last=rows.column("row").to_pylist())
    entries = {
        "entry_id": pa.array(names, pa.string()),
        "event": same(event, pa.string()),
        "subject": same(subject, pa.string()),
        "posted_on": same(posted_on, pa.date32()),
        "recorded_at": same(recorded_at, pa.timestamp("us", tz="UTC")),
        "debit": pc.if_else(forth, frm, into),
        "credit": pc.if_else(forth, into, frm),
        "currency": rows.column("currency"),
        "amount_minor": pc.abs(amount),
    }
    # By their key, so that the index grows in one sweep.
    return insert_columns(connection, journal, pa.table(entries).sort_by("entry_id"))


def reverse_event(
    connection: Connection, *, event: str, subject: str, by: str, posted_on: date,
    recorded_at: datetime,
) -> int:  # fmt: skip
    """Reverse every row of an event and subject by one of the event `by`, and say how many.

    This is done once: each reversing row is named after the row that it undoes.
    """
    rows = journal.c
    query = sa.select(
        rows.entry_id.label("row"), rows.credit.label("frm"), rows.debit.label("into_account"),
        rows.currency, rows.amount_minor,
    ).where(rows.event == event, rows.subject == subject)  # fmt: skip
    return post_columns(
        connection, arrow(connection, query), event=by, subject=subject, posted_on=posted_on,
        recorded_at=recorded_at,
    )  # fmt: skip


def balances(
    connection: Connection, *, prefix: str = "", as_of: date | None = None,
    known_at: datetime | None = None,
) -> Sequence[AccountBalance]:  # fmt: skip
    """Every account's balance by currency, from the journal alone, sorted. Zero ones included.

    `prefix`: how the account's name begins, letter for letter. `as_of`: what is posted on that
    business day or before it; `known_at`: what had been recorded by that instant. So a balance of
    any day can be asked for as it was known at any time, before and after what came in late.
    """
    within = _within(as_of=as_of, known_at=known_at)
    amount = journal.c.amount_minor
    sides = sa.union_all(
        sa.select(
            journal.c.debit.label("account"), journal.c.currency, amount.label("amount_minor")
        ).where(*within),
        sa.select(journal.c.credit, journal.c.currency, -amount).where(*within),
    ).subquery()
    total = exact_sum(sides.c.amount_minor)
    query = (
        sa.select(sides.c.account, sides.c.currency, total.label("balance_minor"))
        # LIKE is blind to case on SQLite; a range, like a sort, follows each database's collation.
        .where(sa.func.substr(sides.c.account, 1, len(prefix)) == prefix)
        .group_by(sides.c.account, sides.c.currency)
    )
    return [
        AccountBalance(account=account, currency=currency, balance_minor=balance)
        for account, currency, balance in sorted(map(tuple, connection.execute(query)))
    ]


def _within(*, as_of: date | None, known_at: datetime | None) -> Sequence[sa.ColumnElement[bool]]:
    posted = [] if as_of is None else [journal.c.posted_on <= as_of]
    known = [] if known_at is None else [journal.c.recorded_at <= known_at]
    return [*posted, *known]
