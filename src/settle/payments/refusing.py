"""Accounts that sent money back or refused it: nothing more goes there until a person has looked.

A nightly loop that pays a closed account again and again costs charges each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row
from settle.payments.rows import chunks, fetch
from settle.payments.state import State
from settle.payments.tables import payments

Payee = tuple[str, str | None, str | None]
"""Where money goes: account, BIC, local bank code."""

_REFUSED = (State.REJECTED.value, State.RETURNED.value)
_ENDED = (*_REFUSED, State.BOOKED.value, State.CREDITED.value)


_COURSE = (
    payments.c.value_date,
    # Never released here, as after a restored backup. Each database has its own place for NULL.
    payments.c.released_at.asc().nulls_first(),
    payments.c.payment_id,
)


def account_of(row: Row) -> Payee:
    """The account that a payment row goes to."""
    return row["beneficiary_account"], row["beneficiary_bic"], row["beneficiary_bank_code"]


def refusing(
    connection: Connection, tenant: str, accounts: Sequence[str],
    *, apart_from: sa.ColumnElement[bool] | None = None,
) -> Mapping[Payee, str]:  # fmt: skip
    """Those of the accounts whose last ended payment was rejected or returned, with the reason.

    `apart_from`: payments whose ending says nothing about the account.
    """
    counts = sa.true() if apart_from is None else sa.not_(apart_from)
    last: dict[Payee, Row] = {}
    for chunk in chunks(sorted(set(accounts))):
        query = (
            sa.select(payments)
            .where(
                payments.c.tenant == tenant,
                payments.c.beneficiary_account.in_(chunk),
                payments.c.state.in_(_ENDED),
                counts,
            )
            .order_by(*_COURSE)
        )
        last.update((account_of(row), row) for row in fetch(connection, query))
    return {
        payee: f"beneficiary: payment {row['payment_id']} to this account was {row['state']}; "
        "waits for a corrected beneficiary"
        for payee, row in last.items()
        if row["state"] in _REFUSED
    }
