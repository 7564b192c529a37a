"""What stands in the store about payments, for reports, proofs and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.ledger import accounts
from settle.ledger.tables import journal
from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.state import State
from settle.payments.tables import find_wishes, payment_events, payments, returned_payables
from settle.payments.telling import StoryLine, told_exchanges
from settle.store import exact_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Payments of one state, currency and rail: how many, and how much in minor units."""

    state: State
    currency: str
    rail: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedPayable:
    """Money that came back and is owed again; it waits for a corrected beneficiary.

    `amount_minor` is owed again: what came back, and `charges_minor`, which the hub bears.
    `borne_minor` of what was paid is the payee's loss. `repaid_by` pays it again.
    """

    payment_id: str
    agreement_id: str
    currency: str
    amount_minor: int
    back_minor: int
    charges_minor: int
    returned_on: date
    code: str
    status: str
    borne_minor: int = 0
    repaid_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A payment with everything that is stored about it, oldest first."""

    payment: Row
    lines: Sequence[StoryLine]


def overview(connection: Connection) -> list[Tally]:
    """Payments by state, currency and rail, sorted. This reads the projection."""
    keys = (payments.c.state, payments.c.currency, payments.c.rail)
    total = exact_sum(payments.c.amount_minor)
    query = sa.select(*keys, sa.func.count(), total).group_by(*keys).order_by(*keys)
    return [
        Tally(
            state=State(state), currency=currency, rail=rail, count=count, amount_minor=int(amount)
        )
        for state, currency, rail, count, amount in connection.execute(query)
    ]


def open_totals(connection: Connection) -> dict[tuple[str, str], int]:
    """What is released and on no statement yet, by (in-transit account, currency)."""
    total = exact_sum(payments.c.amount_minor)
    keys = (payments.c.rail, payments.c.currency)
    query = sa.select(*keys, total).where(payments.c.in_transit).group_by(*keys).order_by(*keys)
    return {
        (accounts.in_transit(rail), currency): int(amount)
        for rail, currency, amount in connection.execute(query)
    }


def in_transit(connection: Connection) -> dict[tuple[str, str, str], int]:
    """What is released and on no statement yet, by (rail, our account, currency) it leaves."""
    total = exact_sum(payments.c.amount_minor)
    keys = (payments.c.rail, payments.c.account, payments.c.currency)
    query = sa.select(*keys, total).where(payments.c.in_transit).group_by(*keys).order_by(*keys)
    return {
        (rail, account, currency): int(amount)
        for rail, account, currency, amount in connection.execute(query)
    }


def returned(connection: Connection) -> list[ReturnedPayable]:
    """What came back and is owed again, by date and payment."""
    table = returned_payables
    query = sa.select(table).order_by(table.c.returned_on, table.c.payment_id)
    names = [field.name for field in fields(ReturnedPayable)]
    return [
        ReturnedPayable(**{name: row[name] for name in names}) for row in fetch(connection, query)
    ]


def story(connection: Connection, payment_id: str, *, contents: bool = False) -> Story:
    """A payment and everything stored about it, with what its exchanges said where asked for.

    Raises:
        BadInput: there is no such payment.
    """
    query = sa.select(payments).where(payments.c.payment_id == payment_id)
    found = fetch(connection, query)
    if not found:
        raise BadInput(f"there is no payment {payment_id!r}", field=payment_id)
    (row,) = found
    lines = [
        *_events(connection, payment_id),
        *told_exchanges(connection, row, contents=contents),
        *_postings(connection, payment_id),
        *_wishes(connection, payment_id),
    ]
    return Story(payment=row, lines=sorted(lines, key=lambda line: (line.at, line.what)))


def _events(connection: Connection, payment_id: str) -> list[StoryLine]:
    query = sa.select(payment_events).where(payment_events.c.payment_id == payment_id)
    return [
        StoryLine(
            at=row["recorded_at"],
            what=f"{row['kind']} ({row['source']})",
            detail=" ".join(p for p in (row["code"], row["detail"], row["event_id"]) if p),
        )
        for row in fetch(connection, query)
    ]


def _wishes(connection: Connection, payment_id: str) -> list[StoryLine]:
    query = sa.select(find_wishes).where(find_wishes.c.payment_id == payment_id)
    return [
        StoryLine(
            at=row["wished_at"],
            what="the rail is to be asked" if row["answered_at"] is None else "the rail was asked",
            detail=row["why"],
        )
        for row in fetch(connection, query)
    ]


def _postings(connection: Connection, payment_id: str) -> list[StoryLine]:
    query = sa.select(journal).where(journal.c.subject == payment_id)
    return [
        StoryLine(
            at=row["recorded_at"],
            what=f"posted {row['event']}",
            detail=f"{row['debit']} → {row['credit']} {row['amount_minor']} {row['currency']}",
        )
        for row in fetch(connection, query)
    ]
