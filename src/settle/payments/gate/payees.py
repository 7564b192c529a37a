"""Payees that are new to a party: accounts that differ from the one last paid, and first ones.

Most fraud by a changed account is caught by waiting: the real payee asks where the money is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.state import OUT, UNSENT, EventKind, State
from settle.payments.tables import payment_events, payments


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayee:
    """An account that its party was not last paid at. `since`: when it was first planned for."""

    is_first: bool
    since: datetime


def new_payees(connection: Connection) -> Mapping[str, NewPayee]:
    """Unsent payments to an account that differs from the last one paid, by payment.

    A party is an agreement and a currency: one may have an account for each. Spaces and case make
    no other account.
    """
    last, mine = _last_paid(), payments.alias("mine")
    same_party = _same_party(mine, last)
    query = (
        sa.select(mine.c.payment_id, last.c.payment_id.is_(None), _first_planned(mine, last))
        .outerjoin(last, same_party)
        .where(mine.c.state.in_(_WAITING))
        .where(sa.or_(last.c.payment_id.is_(None), _payee(mine) != _payee(last)))
    )
    return {
        payment_id: NewPayee(is_first=is_first, since=since)
        for payment_id, is_first, since in connection.execute(query)
    }


_WAITING = (State.APPROVED.value, State.SCHEDULED.value)


def _same_party(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    keys = ("tenant", "agreement_id", "currency")
    return sa.and_(*(one.c[key] == other.c[key] for key in keys))


def _payee(of: sa.FromClause) -> sa.ColumnElement[str]:
    parts = (of.c[f"beneficiary_{name}"] for name in ("account", "bic", "bank_code"))
    plain = [sa.func.replace(sa.func.upper(sa.func.coalesce(part, "")), " ", "") for part in parts]
    return plain[0] + "/" + plain[1] + "/" + plain[2]


def _last_paid() -> sa.Subquery:
    """rows: one per party that waits for something now, its payment that was released last."""
    paid, waiting = payments.alias("paid"), payments.alias("waiting")
    waits = sa.exists().where(_same_party(waiting, paid), waiting.c.state.in_(_WAITING))
    place = sa.func.row_number().over(
        partition_by=(paid.c.tenant, paid.c.agreement_id, paid.c.currency),
        # Never released here, as after a restored backup. Each database has its place for NULL.
        order_by=(paid.c.released_at.desc().nulls_last(), paid.c.payment_id.desc()),
    )
    ranked = (
        sa.select(paid, place.label("place")).where(paid.c.state.in_(sorted(OUT)), waits).subquery()
    )
    return sa.select(ranked).where(ranked.c.place == 1).subquery("last_paid")


def _first_planned(mine: sa.FromClause, last: sa.FromClause) -> sa.ScalarSelect[Any]:
    """When its payee was first planned for, since the last one was paid."""
    other, event = payments.alias("other"), payment_events.c
    since_then = sa.or_(
        last.c.released_at.is_(None),
        event.occurred_at >= last.c.released_at,
        other.c.state.in_(UNSENT),
    )
    return (
        sa.select(sa.func.min(event.occurred_at))
        .select_from(other.join(payment_events, event.payment_id == other.c.payment_id))
        .where(event.event_id == EventKind.PLANNED.value, _same_party(other, mine))
        .where(_payee(other) == _payee(mine), since_then)
        .correlate(mine, last)
        .scalar_subquery()
    )
