"""Matches that came undone: the booking stands as it was, and its money is back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.reconciliation.tables import line_payments

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A booking whose payment came back. `line_id` booked it, `reopened_by` brought it back."""

    payment_id: str
    line_id: str
    reopened_on: date
    reopened_by: str


def reopen(connection: Connection, returns: Sequence[Row], *, day: date) -> None:
    """Mark the bookings of payments that came back, in the caller's transaction.

    Nothing else of the match is changed, and no position of a closed window.
    """
    table = line_payments.c
    if returns:
        connection.execute(
            sa.update(line_payments)
            .where(
                table.payment_id == sa.bindparam("of_payment"),
                table.leg == "booking",
                table.reopened_on.is_(None),
            )
            .values(reopened_on=day, reopened_by=sa.bindparam("by_line")),
            [{"of_payment": row["payment_id"], "by_line": row["line_id"]} for row in returns],
        )


def reopened(connection: Connection) -> list[Reopened]:
    """Every match that came undone, the oldest first."""
    table = line_payments.c
    query = (
        sa.select(table.payment_id, table.line_id, table.reopened_on, table.reopened_by)
        .where(table.reopened_on.is_not(None))
        .order_by(table.reopened_on, table.payment_id)
    )
    return [Reopened(**row) for row in connection.execute(query).mappings()]
