"""The gate that a payment passes on its way out: screened by the lists in force, and free.

It is a condition of the very statement that takes payments up to be sent, and the lists stand
still until that is committed. So no worker on any machine releases what newer lists have not seen.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.screening.tables import screening_standings, screening_versions
from settle.payments.state import UNSENT, State
from settle.payments.tables import payments

IN_FLIGHT = frozenset(
    {
        State.SENDING.value,
        State.UNKNOWN.value,
        State.AWAITING_AUTHORISATION.value,
        State.ACCEPTED.value,
    }
)
"""States in which the money is on its way: whoever is on a list by now is only reported."""

NOT_SCREENED = "screening: not screened by the lists in force"


def stand_still(connection: Connection, *, alone: bool = False) -> None:
    """Keep the lists in force as they are until the caller's transaction ends.

    `alone`: nobody else keeps them so meanwhile, which is to say that nobody screens or releases.
    """
    connection.execute(_in_force(alone=alone)).all()


@cache
def _in_force(*, alone: bool) -> sa.Select[Any]:
    version = screening_versions.c
    query = sa.select(version.version).where(version.superseded_at.is_(None))
    return query.with_for_update(read=not alone)


def may_leave(of: sa.FromClause = payments) -> sa.ColumnElement[bool]:
    """Whether a payment is free to go; where no lists are in force, each is."""
    version, standing = screening_versions.c, screening_standings.c
    is_screened = (
        sa.exists()
        .where(
            standing.payment_id == of.c.payment_id, standing.version == version.version,
            standing.beneficiary_name == of.c.beneficiary_name,
            standing.beneficiary_account == of.c.beneficiary_account, standing.free,
        )
        .correlate(of, screening_versions)
    )  # fmt: skip
    waits = (
        sa.exists()
        .where(version.tenant == of.c.tenant, version.superseded_at.is_(None), sa.not_(is_screened))
        .correlate(of)
    )
    return sa.not_(waits)


def held_for(of: sa.FromClause = payments) -> sa.ColumnElement[str]:
    """Why screening holds a payment, or what it says of one in flight; empty where nothing."""
    standing = screening_standings.c
    reason = (
        sa.select(standing.reason)
        .where(standing.payment_id == of.c.payment_id, sa.not_(standing.free))
        .correlate(of)
        .scalar_subquery()
    )
    return sa.case(
        (of.c.state.in_(sorted(IN_FLIGHT)), sa.func.coalesce(reason, "")),
        (of.c.state.not_in(sorted(UNSENT)), ""),
        (may_leave(of), ""),
        else_=sa.func.coalesce(reason, NOT_SCREENED),
    )
