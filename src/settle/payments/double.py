"""What is paid after all must not be paid by another: the obligation's next payment is held.

Where that had left already, the obligation is paid twice, and people must see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row
from settle.payments.rows import among, chunks, these
from settle.payments.state import OUT, UNSENT, Event, EventKind, PaymentState, State
from settle.payments.tables import payment_events, payments, returned_payables


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


def out_as_well(
    connection: Connection, changed: Sequence[tuple[Row, PaymentState]], *, at: datetime
) -> list[Event]:
    """The contradiction that it is for a payment to prove out while another of its obligation is.

    None where either of the two shows another contradiction: people look at both as it is. One
    that was explained before its other was known to be out said nothing of this.
    """
    out = sorted(
        row["payment_id"] for row, proved in changed if proved.is_out and not proved.contradictions
    )
    found: list[tuple[str, str]] = []
    for chunk in chunks(out):
        found.extend((row[0], row[1]) for row in connection.execute(_pairs(), these(chunk)))
    return [
        Event(
            payment_id=payment_id, event_id=f"out_as_well/{other}", kind=EventKind.CONTRADICTED,
            occurred_at=at, detail=f"obligation: payment {other} of it is out as well",
        )
        for payment_id, other in found
    ]  # fmt: skip


@cache
def _pairs() -> sa.Select[Any]:
    other = payments.alias("other")
    return (
        sa.select(payments.c.payment_id, other.c.payment_id)
        .join(
            other,
            sa.and_(
                other.c.tenant == payments.c.tenant,
                other.c.obligation_id == payments.c.obligation_id,
                other.c.payment_id != payments.c.payment_id,
                other.c.contradiction == "",
            ),
        )
        .where(among(payments.c.payment_id), is_out(other))
        .order_by(payments.c.payment_id, other.c.payment_id)
    )


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


def paid_otherwise() -> sa.ColumnElement[bool]:
    """Whether another payment of the obligation is proved to be executed, and is not back.

    One that failed after its acceptance is out until it is proved never to have been debited, and
    one that is said to have come back until it is back on our account.
    One that was rejected or cancelled may prove to have been executed after all, when the next
    one is planned already: that one is never released.
    """
    other = payments.alias("other")
    return sa.exists().where(
        other.c.tenant == payments.c.tenant,
        other.c.obligation_id == payments.c.obligation_id,
        other.c.payment_id != payments.c.payment_id,
        is_out(other),
    )


def is_out(of: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a payment is out (`PaymentState.is_out`), as its row and what hangs on it tell."""
    back = returned_payables.alias("back").c
    is_back = sa.exists().where(back.payment_id == of.c.payment_id)
    return sa.or_(
        of.c.state.in_(sorted(OUT)),
        sa.and_(of.c.state == State.FAILED.value, sa.not_(_undebited(of))),
        sa.and_(of.c.state == State.RETURNED.value, sa.not_(is_back)),
    )


def _undebited(of: sa.FromClause) -> sa.ColumnElement[bool]:
    event, word = payment_events.alias("undebited").c, payment_events.alias("taken_back").c
    taken_back = sa.exists().where(
        word.payment_id == event.payment_id, word.kind == EventKind.RETRACTED.value,
        word.code == event.event_id,
    )  # fmt: skip
    return sa.exists().where(
        event.payment_id == of.c.payment_id, event.kind == EventKind.NOT_DEBITED.value,
        ~taken_back,
    )  # fmt: skip
