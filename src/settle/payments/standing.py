"""How payments stand, in the shapes that a night and reconciliation ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.recalls import OPEN_RECALLS
from settle.payments.state import State
from settle.payments.tables import payments
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


def unknowns(connection: Connection) -> int:
    """How many payments nobody knows the outcome of, what a dead worker was sending included."""
    return _count(connection, payments.c.state.in_((State.UNKNOWN.value, State.SENDING.value)))


def releasable(connection: Connection) -> int:
    """How many payments are approved, funded and not sent."""
    approved = payments.c.state == State.APPROVED.value
    return _count(connection, sa.and_(approved, payments.c.funded))


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


def paid_otherwise() -> sa.ColumnElement[bool]:
    """Whether another payment of the obligation is proved to be executed, and is not back.

    One that was rejected or cancelled may prove to have been executed after all, when the next
    one is planned already: that one is never released.
    """
    other = payments.alias("other")
    executed = (State.ACCEPTED.value, State.BOOKED.value, State.CREDITED.value)
    return sa.exists().where(
        other.c.tenant == payments.c.tenant,
        other.c.obligation_id == payments.c.obligation_id,
        other.c.payment_id != payments.c.payment_id,
        other.c.state.in_(executed),
    )


def _count(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(payments).where(which)
    return int(connection.execute(query).scalar_one())
