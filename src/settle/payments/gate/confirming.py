"""A night that would release more than recent nights did, and the person who confirms it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.money import MINOR_MAX
from settle.payments.gate.holds import last_scheduled
from settle.payments.gate.persons import person_of
from settle.payments.gate.rules import Basis, BlastRadius, Control
from settle.payments.gate.tables import confirmations
from settle.payments.gate.usage import NightTotal, released_on
from settle.payments.state import State
from settle.payments.tables import payments
from settle.store import Store, exact_sum, insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that a night may release in one currency. None: not bounded."""

    amount_minor: int | None
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What a person confirmed: the night's total in a currency, with what has left already."""

    day: date
    currency: str
    up_to_minor: int
    up_to_count: int


def cap(rule: BlastRadius, currency: str, recent: Sequence[NightTotal]) -> Cap:
    """The cap of a night by the nights before it. This rounds down, and never below the floor."""
    if len(recent) < rule.nights_min:
        return Cap(amount_minor=rule.first_minor.get(currency, 0), count=rule.first_count)
    amount = _basis(rule.basis, [night.amount_minor for night in recent])
    count = _basis(rule.basis, [night.count for night in recent])
    return Cap(
        amount_minor=max(int(rule.factor * amount), rule.floor_minor.get(currency, 0)),
        count=max(int(rule.factor * count), rule.floor_count),
    )


def _basis(basis: Basis, figures: Sequence[int]) -> int:
    """The maximum, or the median; of an even number of figures the lower of the middle two."""
    ordered = sorted(figures)
    return ordered[-1] if basis is Basis.MAXIMUM else ordered[(len(ordered) - 1) // 2]


def confirmed(connection: Connection, day: date) -> Mapping[str, Cap]:
    """Up to where persons confirmed a night, by currency."""
    of = confirmations.c
    most = sa.func.max(of.up_to_minor), sa.func.max(of.up_to_count)
    query = sa.select(of.currency, *most).where(of.day == day).group_by(of.currency)
    return {
        code: Cap(amount_minor=amount, count=count)
        for code, amount, count in connection.execute(query)
    }


def confirm(store: Store, *, day: date, currency: str, actor: str, now: datetime) -> Confirmed:
    """Let what a night holds back in a currency go. This covers the total as it is now.

    What comes beside it later in the same night stops again.

    Raises:
        BadInput: nothing waits for it, or the actor is nobody.
    """
    person = person_of(actor)
    with store.transaction() as connection:
        amount, count = _waiting(connection, currency)
        if not count:
            why = f"nothing in {currency} waits for a confirmation of the night of {day}"
            raise BadInput(why, field="currency")
        left = [each for each in released_on(connection, day) if each.currency == currency]
        done = Confirmed(
            day=day, currency=currency,
            up_to_minor=min(amount + sum(each.amount_minor for each in left), MINOR_MAX),
            up_to_count=count + sum(each.count for each in left),
        )  # fmt: skip
        row = {
            "day": day, "currency": currency, "up_to_minor": done.up_to_minor,
            "up_to_count": done.up_to_count, "person": person, "actor": actor.strip(),
            "confirmed_at": now,
        }  # fmt: skip
        insert_new(connection, confirmations, [row])
    return done


def _waiting(connection: Connection, currency: str) -> tuple[int, int]:
    """What the blast radius holds, with what is free to go and has not left."""
    last = last_scheduled()
    held = sa.and_(
        payments.c.state == State.SCHEDULED.value, last.c.code == Control.BLAST_RADIUS.value
    )
    free = sa.and_(payments.c.state == State.APPROVED.value, payments.c.funded)
    query = (
        sa.select(
            exact_sum(payments.c.amount_minor), sa.func.count(),
            sa.func.coalesce(sa.func.sum(sa.case((held, 1), else_=0)), 0),
        )
        .outerjoin(last, last.c.payment_id == payments.c.payment_id)
        .where(payments.c.currency == currency, sa.or_(held, free))
    )  # fmt: skip
    amount, count, number_held = connection.execute(query).one()
    return (int(amount), count) if number_held else (0, 0)
