"""What is paid after all must not be paid by another: the obligation's next payment is held."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row
from settle.payments.state import UNSENT, PaymentState
from settle.payments.tables import payments


def hold_others(connection: Connection, changed: Sequence[tuple[Row, PaymentState]]) -> None:
    """Hold what has not left for an obligation of which another payment proved to be executed.

    That one had been given up, on evidence or on the word of two people, and its obligation was
    free for the next.
    """
    for subject, proved in changed:
        if subject["live"] or not proved.is_out:
            continue
        others = _others(subject, payments.c.live, held_for="")
        connection.execute(others.values(hold_reason=_why(subject)))


def let_others_go(connection: Connection, subject: Row) -> None:
    """Hold no longer what was held for a payment that proved to be executed, and was not."""
    held = _others(subject, held_for=_why(subject))
    connection.execute(held.values(hold_reason=""))


def _others(subject: Row, *where: sa.ColumnElement[bool], held_for: str) -> sa.Update:
    return sa.update(payments).where(
        payments.c.tenant == subject["tenant"],
        payments.c.obligation_id == subject["obligation_id"],
        payments.c.payment_id != subject["payment_id"],
        payments.c.state.in_(UNSENT),
        payments.c.hold_reason == held_for,
        *where,
    )


def _why(subject: Row) -> str:
    return f"obligation: payment {subject['payment_id']} of it was executed after all"
