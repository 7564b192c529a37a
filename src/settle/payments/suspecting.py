"""Debits that nothing explains, held against what waits: a payment that was forgotten, perhaps.

A store that was put back does not know what left since. Where a statement shows money gone that
nobody can name, whatever it may have paid is not paid beside it until a person has looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.ahead import names_after
from settle.payments.instruction import Row
from settle.payments.rows import chunks, fetch
from settle.payments.state import UNSENT
from settle.payments.tables import payments
from settle.payments.withholding import LIKE_A_DEBIT, PAID_ELSEWHERE, UNASKED
from settle.store import Store


class UnexplainedDebit(Protocol):
    """A debit that nothing explains. `amount_minor` is positive, `charges_minor` a part of it."""

    @property
    def account(self) -> str:
        """Ours, that the money left."""
        ...

    @property
    def currency(self) -> str:
        """Of the account."""
        ...

    @property
    def amount_minor(self) -> int:
        """What left."""
        ...

    @property
    def charges_minor(self) -> int:
        """What of it the bank kept."""
        ...

    @property
    def references(self) -> frozenset[str]:
        """Every name that the line carries."""
        ...


def suspect(store: Store, debits: Iterable[UnexplainedDebit], *, by_amount: bool) -> None:
    """Hold what waits and may be one of the debits, and let go what was held so and is none.

    A debit that carries the name of a payment, or of a later attempt at its obligation, is that
    obligation paid elsewhere. `by_amount`: one of its amount, currency and account may be, too;
    else what is held so stays so.
    """
    known = list(debits)
    with store.transaction() as connection:
        rows = _waiting(connection)
        named = _named(rows, frozenset(name for each in known for name in each.references))
        held = {row["payment_id"] for row in rows if row["hold_reason"] == LIKE_A_DEBIT}
        left = _by_account(known)
        alike = {row["payment_id"] for row in rows if _is_like(row, left)} if by_amount else held
        _hold(connection, sorted(named), PAID_ELSEWHERE, instead_of=("", UNASKED, LIKE_A_DEBIT))
        _hold(connection, sorted(held - alike - named), "", instead_of=(LIKE_A_DEBIT,))
        _hold(connection, sorted(alike - named), LIKE_A_DEBIT, instead_of=("", UNASKED))


def suspected(connection: Connection) -> int:
    """How many payments wait that are held as the like of a debit that nothing explains."""
    held = payments.c.live, payments.c.hold_reason == LIKE_A_DEBIT
    return int(connection.execute(sa.select(sa.func.count()).where(*held)).scalar_one())


def _waiting(connection: Connection) -> list[dict[str, Any]]:
    query = sa.select(payments).where(payments.c.live, payments.c.state.in_(sorted(UNSENT)))
    return fetch(connection, query.order_by(payments.c.payment_id).with_for_update())


Amounts = Mapping[tuple[str, str], frozenset[int]]
"""What left, by account and currency: each amount with its charges, and without."""


def _by_account(debits: Sequence[UnexplainedDebit]) -> Amounts:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for each in debits:
        less = each.amount_minor - each.charges_minor
        found[each.account, each.currency] |= {each.amount_minor, less}
    return {place: frozenset(amounts) for place, amounts in found.items()}


def _is_like(row: Row, amounts: Amounts) -> bool:
    return row["amount_minor"] in amounts.get((row["account"], row["currency"]), ())


def _named(rows: Sequence[Row], references: frozenset[str]) -> set[str]:
    return {
        row["payment_id"] for row in rows
        if not references.isdisjoint(
            (row["end_to_end_id"], row["uetr"], row["idempotency_key"], *names_after(row))
        )
    }  # fmt: skip


def _hold(
    connection: Connection, names: Sequence[str], reason: str, *, instead_of: Sequence[str]
) -> None:
    for chunk in chunks(names):
        which = payments.c.payment_id.in_(chunk), payments.c.hold_reason.in_(instead_of)
        connection.execute(sa.update(payments).where(*which).values(hold_reason=reason))
