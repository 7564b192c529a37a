"""Which approved payments the rail's account can carry; the rest come back next night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from settle.payments.events import append
from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.state import Event, EventKind, State
from settle.payments.tables import payments
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """How many payments are covered, and the totals of those that wait, by (rail, currency)."""

    funded: int
    scheduled: int
    short_minor: Mapping[tuple[str, str], int]


def fund(
    store: Store,
    *,
    balances: Mapping[tuple[str, str], int],
    now: datetime,
    value_date_max: date | None = None,
) -> Funded:
    """Cover approved payments in order of value date and obligation; schedule the rest.

    `balances`: by (rail, currency), what may be spent: nostro less what is in transit. A payment
    that does not fit is passed over for later ones that do; being older, it is first next night.
    Payments with a value date after `value_date_max` are left as they are.
    """
    left = dict(balances)
    events: list[Event] = []
    counts = {True: 0, False: 0}
    short: dict[tuple[str, str], int] = {}
    with store.transaction() as connection:
        for row in fetch(connection, _candidates(value_date_max)):
            at = (row["rail"], row["currency"])
            fits = row["amount_minor"] <= left.get(at, 0)
            if fits:
                left[at] -= row["amount_minor"]
            else:
                short[at] = short.get(at, 0) + row["amount_minor"]
            counts[fits] += 1
            if fits != row["funded"] or (not fits and row["state"] != State.SCHEDULED):
                events.append(_event(row, EventKind.FUNDED if fits else EventKind.SCHEDULED, now))
        append(connection, events, recorded_at=now)
    return Funded(funded=counts[True], scheduled=counts[False], short_minor=short)


def _candidates(value_date_max: date | None) -> sa.Select[Any]:
    query = (
        sa.select(payments)
        .where(payments.c.state.in_((State.APPROVED.value, State.SCHEDULED.value)))
        .order_by(payments.c.value_date, payments.c.obligation_id)
        .with_for_update()
    )
    if value_date_max is not None:
        query = query.where(payments.c.value_date <= value_date_max)
    return query


def _event(row: Row, kind: EventKind, now: datetime) -> Event:
    return Event(
        payment_id=row["payment_id"],
        event_id=f"{kind.value}/{row['steps'] + 1}",
        kind=kind,
        occurred_at=now,
        ordinal=row["steps"] + 1,
    )
