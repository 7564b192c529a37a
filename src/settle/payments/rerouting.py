"""What may go another way than it did, or once more: nothing of it left, and that is proved.

No rail took it, its rail rejected it for its own sake, or it was proved or decided not to be
executed. Nothing here speaks of an `Unknown`: what a rail may have done is never given to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter
from settle.payments.instruction import Row
from settle.payments.rows import chunks
from settle.payments.state import ABSENCE, DECISION, EventKind, State
from settle.payments.tables import payment_events, payments


def of_the_rail(rails: Mapping[str, Adapter[Any]]) -> sa.ColumnElement[bool]:
    """Whether a payment was rejected for reasons of its rail only, by the codes of the profiles.

    One answer that speaks of the beneficiary is enough to wait for another one.
    """
    told = payment_events.alias("told")
    own = [
        sa.and_(payments.c.rail == name, told.c.code.in_(sorted(codes)))
        for name, adapter in rails.items()
        if (codes := adapter.profile.own_rejections)
    ]
    if not own:
        return sa.false()
    rejections = (
        sa.select(sa.func.min(sa.case((sa.or_(*own), 1), else_=0)))
        .where(told.c.payment_id == payments.c.payment_id)
        .where(told.c.kind == EventKind.REJECTED.value)
        .correlate(payments)
        .scalar_subquery()
    )
    return sa.and_(payments.c.state == State.REJECTED.value, rejections == 1)


def given_up() -> sa.ColumnElement[bool]:
    """Whether absence was proved, or two people said so; what was withdrawn unsent was not."""
    told = payment_events.alias("given_up")
    proved = sa.exists().where(
        told.c.payment_id == payments.c.payment_id,
        told.c.kind == EventKind.CANCELLED.value,
        told.c.source.in_((ABSENCE, DECISION)),
    )
    return sa.and_(payments.c.state == State.CANCELLED.value, proved.correlate(payments))


def rejected_by_rail(
    connection: Connection, known: Iterable[Sequence[Row]], of_rail: sa.ColumnElement[bool]
) -> frozenset[str]:
    """Those of the payments, by obligation, that `of_the_rail` is true of."""
    rejected = sorted(
        row["payment_id"] for rows in known for row in rows if row["state"] == State.REJECTED
    )
    found: set[str] = set()
    for chunk in chunks(rejected):
        at = payments.c.payment_id.in_(chunk)
        found.update(connection.scalars(sa.select(payments.c.payment_id).where(at, of_rail)))
    return frozenset(found)


def reroutable(
    connection: Connection, rails: Mapping[str, Adapter[Any]], *, tenant: str
) -> list[str]:
    """The obligations that another plan may find a way for, sorted.

    Those whose payment no rail took, and those that no payment stands for since the last one was
    rejected for its rail's sake, proved absent, or decided by two people not to be executed.
    """
    other = payments.alias("other")
    of_same = sa.and_(
        other.c.tenant == payments.c.tenant, other.c.obligation_id == payments.c.obligation_id
    )
    standing = sa.or_(other.c.live, other.c.state.not_in(_ENDED_UNSENT))
    later = sa.and_(other.c.attempt > payments.c.attempt, other.c.state == State.REJECTED.value)
    unreplaced = sa.not_(sa.exists().where(of_same, sa.or_(standing, later)))
    # A statement each: it finds its few by state and rail, among millions.
    nowhere = sa.and_(
        payments.c.state == State.PLANNED.value, payments.c.rail == "", payments.c.live,
        payments.c.repays.is_(None),
    )  # fmt: skip
    rejected = sa.and_(of_the_rail(rails), unreplaced)
    found: set[str] = set()
    for which in (nowhere, rejected, sa.and_(given_up(), unreplaced)):
        query = sa.select(payments.c.obligation_id).where(which, payments.c.tenant == tenant)
        found.update(connection.scalars(query))
    return sorted(found)


_ENDED_UNSENT = (State.REJECTED.value, State.CANCELLED.value)
