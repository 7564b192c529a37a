"""Which exchanges may be emptied: those of payments that have ended, and of nothing open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from settle.payments.state import State
from settle.payments.tables import exchanges, payment_events, payments
from settle.payments.unheard import is_unheard

ENDED = tuple(
    state.value
    for state in (
        State.BOOKED, State.CREDITED, State.RETURNED, State.REJECTED, State.CANCELLED,
    )
)  # fmt: skip
"""States in which nobody asks any more. What failed after acceptance is not among them."""

_ABOUT = sa.or_(
    payments.c.payment_id == exchanges.c.subject,
    payments.c.batch_id == exchanges.c.subject,
    payments.c.conversation_id == exchanges.c.conversation_id,
)
"""Which payments an exchange is about; older ones are known by the conversation only."""

_OVER = sa.and_(
    payments.c.state.in_(ENDED), payments.c.contradiction == "", payments.c.worker.is_(None),
    sa.not_(is_unheard()),
)  # fmt: skip


def old_ones(before: datetime) -> sa.ColumnElement[bool]:
    """Exchanges all of whose payments had ended, and were last heard of, before an instant.

    One of which nobody can tell what it was about goes once it is as old, and everything that is
    open was released after it.
    """
    said = payment_events.c
    heard_since = (
        sa.select(1)
        .where(said.payment_id == payments.c.payment_id, said.recorded_at >= before)
        .exists()
    )
    open_earlier = (
        sa.select(1)
        .where(sa.not_(_OVER), payments.c.released_at <= exchanges.c.intent_at)
        .correlate(exchanges)
        .exists()
    )
    return sa.and_(
        exchanges.c.intent_at < before,
        sa.not_(_about(sa.or_(sa.not_(_OVER), heard_since))),
        sa.or_(_about(sa.true()), sa.not_(open_earlier)),
    )


def of_payments(payment_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """Exchanges about any of these payments, and about none that is open."""
    mine = payments.c.payment_id.in_(payment_ids)
    return sa.and_(_about(mine), sa.not_(_about(sa.not_(_OVER))))


def is_over() -> sa.ColumnElement[bool]:
    """Whether a payment has ended: nothing contradicted or unheard, and nobody holding it."""
    return _OVER


def _about(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.select(1).select_from(payments).where(_ABOUT, which).correlate(exchanges).exists()
