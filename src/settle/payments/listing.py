"""Payments by what a person looks for, a page at a time, and one by any of its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.rows import fetch
from settle.payments.state import State
from settle.payments.tables import payments

PAGE = 1000
"""Payments that are in memory at a time."""

_SHOWN = (
    "payment_id", "obligation_id", "agreement_id", "attempt", "kind", "state", "rail", "account",
    "currency", "amount_minor", "value_date", "beneficiary_name", "beneficiary_country",
    "end_to_end_id", "uetr", "hold_reason", "contradiction", "routing_reason", "releases",
    "released_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which payments are looked for. This is all of them where nothing is said.

    `older_than`: whose value date is before that day. `held`: which are held now for a reason
    with these words in it; an empty text is any reason.
    """

    state: State | None = None
    rail: str | None = None
    currency: str | None = None
    agreement_id: str | None = None
    older_than: date | None = None
    held: str | None = None

    def clauses(self) -> Iterator[sa.ColumnElement[bool]]:
        """What a payment must be."""
        columns = payments.c
        exact = {
            columns.state: self.state and self.state.value,
            columns.rail: self.rail,
            columns.currency: self.currency,
            columns.agreement_id: self.agreement_id,
        }
        yield from (column == value for column, value in exact.items() if value is not None)
        if self.older_than is not None:
            yield columns.value_date < self.older_than
        if self.held is not None:
            yield columns.state == State.PLANNED.value
            yield columns.hold_reason != ""
            yield columns.hold_reason.contains(self.held, autoescape=True)


def listed(
    connection: Connection, wanted: Wanted, *, after: str = "", limit: int | None = None
) -> Iterator[Mapping[str, Any]]:
    """The payments that are wanted, by payment id, from the one after `after` on.

    No more than a page of them is in memory, however many there are.
    """
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        rows = _page(connection, wanted, after=after, size=size)
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1]["payment_id"]
        left = None if left is None else left - len(rows)


def _page(connection: Connection, wanted: Wanted, *, after: str, size: int) -> list[dict[str, Any]]:
    query = (
        sa.select(*(payments.c[name] for name in _SHOWN))
        .where(payments.c.payment_id > after, *wanted.clauses())
        .order_by(payments.c.payment_id)
        .limit(size)
    )
    return fetch(connection, query)


def named(connection: Connection, name: str, *, tenant: str) -> list[str]:
    """The ids of the payments of a name: payment id, EndToEndId, UETR or obligation id.

    Those of an obligation come in the order of their attempts.

    Raises:
        BadInput: there is none; says what may be given.
    """
    columns = payments.c
    queries = (
        columns.payment_id == name,
        columns.end_to_end_id == name.upper(),
        columns.uetr == name.lower(),
        sa.and_(columns.tenant == tenant, columns.obligation_id == name),
    )
    for clause in queries:
        query = sa.select(columns.payment_id).where(clause).order_by(columns.attempt)
        if found := list(connection.scalars(query)):
            return found
    raise BadInput(
        f"there is no payment {name!r}: give a payment id, an EndToEndId, a UETR or an obligation "
        "id; `settle payments list` has them",
        field="name",
    )
