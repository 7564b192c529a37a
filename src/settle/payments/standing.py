"""How payments stand, in the shapes that a night and reconciliation ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.conditions import Conditions
from settle.payments.recalls import OPEN_RECALLS
from settle.payments.state import UNSENT, State
from settle.payments.tables import exchanges, payments
from settle.store import arrow, exact_sum

if TYPE_CHECKING:
    import pyarrow as pa


def referenced(connection: Connection) -> pa.Table:
    """Payments that a statement may speak of, one row each, sorted.

    Those not released are among them: a store put back from a backup learns from statements
    what it paid and has forgotten.
    """
    columns = payments.c
    query = (
        sa.select(
            columns.payment_id, columns.rail, columns.account, columns.currency,
            columns.amount_minor, columns.end_to_end_id, columns.uetr, columns.batch_id,
            columns.idempotency_key, columns.state, columns.value_date,
            columns.released_at, columns.beneficiary_name,
        )
        .where(columns.rail != "")
        .order_by(columns.payment_id)
    )  # fmt: skip
    table = arrow(connection, query)
    at = table.schema.get_field_index("released_at")
    return table.set_column(at, "released_on", table["released_at"].cast("date32"))


def of_agreements(connection: Connection, agreements: Sequence[str]) -> list[str]:
    """The ids of all payments of these agreements, sorted."""
    query = sa.select(payments.c.payment_id).where(payments.c.agreement_id.in_(agreements))
    return list(connection.execute(query.order_by(payments.c.payment_id)).scalars())


def any_locked(connection: Connection) -> bool:
    """Whether an exchange is kept encrypted."""
    query = sa.select(1).where(exchanges.c.key_id.is_not(None)).limit(1)
    return connection.execute(query).scalar_one_or_none() is not None


def unknowns(connection: Connection) -> int:
    """How many payments nobody knows the outcome of, what a dead worker was sending included."""
    return _count(connection, payments.c.state.in_((State.UNKNOWN.value, State.SENDING.value)))


UNWELL_MIN = 3
"""How many payments of a rail must be without an answer before it counts as unwell."""


def unwell(connection: Connection, *, since: datetime) -> dict[str, str]:
    """The rails that have answered none of what was sent to them since then, with why, by name."""
    table, sent = payments.c, payments.c.released_at >= since
    silent = sa.and_(sent, table.state.in_(_UNANSWERED), table.releases > 0)
    many = sa.func.count() >= UNWELL_MIN
    query = sa.select(table.rail, sa.func.count()).where(silent).group_by(table.rail).having(many)
    found = {}
    for rail, count in connection.execute(query.order_by(table.rail)):
        answered = sa.and_(sent, table.rail == rail, table.state.not_in(_UNANSWERED))
        if connection.scalar(sa.select(table.payment_id).where(answered).limit(1)) is None:
            found[rail] = f"answered none of {count} payments since {since:%Y-%m-%d %H:%M} UTC"
    return found


_UNANSWERED = (State.UNKNOWN.value, State.SENDING.value, State.APPROVED.value)
"""Where a payment is whose sending was not answered; approved again, when nothing had left."""


def releasable(connection: Connection) -> int:
    """How many payments are approved, funded and not sent."""
    approved = payments.c.state == State.APPROVED.value
    return _count(connection, sa.and_(approved, payments.c.funded))


def waiting(connection: Connection) -> dict[tuple[str, str, str], int]:
    """What waits to be released and is not held, by (rail, our account, currency) it will leave."""
    total = exact_sum(payments.c.amount_minor)
    keys = (payments.c.rail, payments.c.account, payments.c.currency)
    query = (
        sa.select(*keys, total)
        .where(payments.c.state.in_(sorted(UNSENT)), payments.c.hold_reason == "")
        .group_by(*keys)
    )
    return {
        (rail, account, currency): int(amount)
        for rail, account, currency, amount in connection.execute(query)
    }


def uncommitted(connection: Connection, conditions: Conditions) -> Conditions:
    """The conditions, less what payments that wait to be released need of our accounts."""
    left = dict(conditions.spendable)
    for place, amount_minor in waiting(connection).items():
        if place in left:
            left[place] -= amount_minor
    return replace(conditions, spendable=left)


def recall_standing(connection: Connection, payment_id: str) -> str:
    """How the recall of a payment stands; empty where there is none."""
    query = sa.select(payments.c.recall).where(payments.c.payment_id == payment_id)
    return connection.execute(query).scalar_one_or_none() or ""


def open_recalls(connection: Connection) -> list[str]:
    """The payments that were asked back, and whose rail has not answered for good."""
    query = (
        sa.select(payments.c.payment_id)
        .where(payments.c.recall.in_(sorted(OPEN_RECALLS)))
        .order_by(payments.c.payment_id)
    )
    return list(connection.execute(query).scalars())


def _count(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(payments).where(which)
    return int(connection.execute(query).scalar_one())
