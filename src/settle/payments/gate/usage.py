"""What was released and what is on its way: the figures that limits count by, each one query.

What is being sent counts on any day: a worker that died may prove that nothing left, and then it
leaves on another day than it was counted on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.gate.rules import RailMoney
from settle.payments.state import UNSENT, State
from settle.payments.tables import payments
from settle.store import exact_sum

LOOKBACK_DAYS = 7
"""How far back, in days for each night asked for, recent nights are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What left on a day to one party over one rail in one currency."""

    agreement_id: str
    rail: str
    currency: str
    amount_minor: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NightTotal:
    """What one night released in one currency."""

    amount_minor: int
    count: int


def released_on(connection: Connection, day: date) -> list[Left]:
    """What was released on a business day, whatever became of it since, and what is being sent.

    What is proved not to have left waits again, and is not among it.
    """
    keys = (payments.c.agreement_id, payments.c.rail, payments.c.currency)
    sending = payments.c.state == State.SENDING.value
    query = (
        sa.select(*keys, exact_sum(payments.c.amount_minor), sa.func.count())
        .where(sa.or_(payments.c.released_on == day, sending))
        .where(payments.c.state.not_in(UNSENT))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Left(agreement_id=party, rail=rail, currency=code, amount_minor=int(total), count=count)
        for party, rail, code, total, count in connection.execute(query)
    ]


def recent_nights(
    connection: Connection, day: date, *, nights: int
) -> Mapping[str, Sequence[NightTotal]]:
    """By currency, what the last nights before a day released, the latest first.

    Nights that released nothing in the currency are none.
    """
    released, code = payments.c.released_on, payments.c.currency
    query = (
        sa.select(released, code, exact_sum(payments.c.amount_minor), sa.func.count())
        .where(released < day, released >= day - timedelta(days=LOOKBACK_DAYS * nights))
        .where(payments.c.state.not_in(UNSENT))
        .group_by(released, code)
        .order_by(released.desc(), code)
    )
    found: dict[str, list[NightTotal]] = defaultdict(list)
    for _, currency, total, count in connection.execute(query):
        if len(found[currency]) < nights:
            found[currency].append(NightTotal(amount_minor=int(total), count=count))
    return dict(found)


def outstanding(connection: Connection) -> Mapping[RailMoney, int]:
    """What is on its way over each rail, by currency: sent, accepted or unknown, and not booked."""
    keys = (payments.c.rail, payments.c.currency)
    query = (
        sa.select(*keys, exact_sum(payments.c.amount_minor))
        .where(payments.c.in_transit)
        .group_by(*keys)
    )
    return {(rail, code): int(total) for rail, code, total in connection.execute(query)}
