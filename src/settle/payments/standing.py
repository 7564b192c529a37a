"""How payments stand, in the shapes that a night and reconciliation ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.state import State
from settle.payments.tables import exchanges, payments
from settle.store import arrow

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
            columns.released_at,
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


def releasable(connection: Connection) -> int:
    """How many payments are approved, funded and not sent."""
    approved = payments.c.state == State.APPROVED.value
    return _count(connection, sa.and_(approved, payments.c.funded))


def _count(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(payments).where(which)
    return int(connection.execute(query).scalar_one())
