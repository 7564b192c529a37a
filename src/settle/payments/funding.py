"""Which approved payments our accounts can carry; the rest come back next night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from settle.payments.events import append, step
from settle.payments.rows import fetch
from settle.payments.state import Event, EventKind, State
from settle.payments.tables import payments
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """How many payments are covered, and how many wait."""

    funded: int
    scheduled: int


Place = tuple[str, str, str]
"""A rail, our account there, and its currency."""


def fund(store: Store, *, balances: Mapping[Place, int], now: datetime) -> Funded:
    """Cover approved payments in order of value date and obligation; schedule the rest.

    `balances`: by account, what may be spent: nostro less what is in transit from it. A payment
    that does not fit is passed over for later ones that do; being older, it is first next night.
    """
    left = dict(balances)
    events: list[Event] = []
    counts = {True: 0, False: 0}
    with store.transaction() as connection:
        for row in fetch(connection, _candidates()):
            at = (row["rail"], row["account"], row["currency"])
            fits = row["amount_minor"] <= left.get(at, 0)
            if fits:
                left[at] -= row["amount_minor"]
            counts[fits] += 1
            if fits != row["funded"] or (not fits and row["state"] != State.SCHEDULED):
                events.append(step(row, EventKind.FUNDED if fits else EventKind.SCHEDULED, now))
        append(connection, events, recorded_at=now)
    return Funded(funded=counts[True], scheduled=counts[False])


def _candidates() -> sa.Select[Any]:
    return (
        sa.select(payments)
        .where(payments.c.state.in_((State.APPROVED.value, State.SCHEDULED.value)))
        .order_by(payments.c.value_date, payments.c.obligation_id)
        .with_for_update()
    )
