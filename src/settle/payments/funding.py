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
from settle.payments.tables import payment_events, payments
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
    One whose account is not among them waits, and says that the account is not ours.
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
            why = "" if at in balances else f"account {row['account']} is not ours at {row['rail']}"
            waits_so = row["state"] == State.SCHEDULED and row["waits_for"] == why
            if fits != row["funded"] or not (fits or waits_so):
                kind = EventKind.FUNDED if fits else EventKind.SCHEDULED
                events.append(step(row, kind, now, detail=why))
        append(connection, events, recorded_at=now)
    return Funded(funded=counts[True], scheduled=counts[False])


def _candidates() -> sa.Select[Any]:
    waits_for = sa.case((payments.c.state == State.SCHEDULED.value, _last_reason()), else_="")
    return (
        sa.select(payments, waits_for.label("waits_for"))
        .where(payments.c.state.in_((State.APPROVED.value, State.SCHEDULED.value)))
        .order_by(payments.c.value_date, payments.c.obligation_id)
        .with_for_update(of=payments)
    )


def _last_reason() -> sa.ScalarSelect[Any]:
    """Why a payment was scheduled when it last was."""
    event = payment_events.c
    return (
        sa.select(event.detail)
        .where(event.payment_id == payments.c.payment_id)
        .where(event.kind == EventKind.SCHEDULED.value)
        .order_by(event.ordinal.desc())
        .limit(1)
        .correlate(payments)
        .scalar_subquery()
    )
