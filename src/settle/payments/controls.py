"""Approval before release: by policy below a limit, by a person above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.events import append, step
from settle.payments.instruction import Row, fingerprint_of
from settle.payments.rows import fetch
from settle.payments.state import UNSENT, Event, EventKind, State
from settle.payments.tables import payments
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is approved without a person. A currency without a limit waits for one.

    `limit_minor`: by currency, in its minor units, itself included. What goes over a paused rail
    is not approved at all.
    """

    limit_minor: Mapping[str, int]
    name: str = "policy"
    paused_rails: frozenset[str] = frozenset()

    def allows(self, row: Row) -> bool:
        """Whether the payment needs no person."""
        within = row["amount_minor"] <= self.limit_minor.get(row["currency"], 0)
        return within and row["rail"] not in self.paused_rails


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What policy approved, and the payments that wait for a person."""

    approved: int
    waiting: Sequence[str]


def approve(store: Store, policy: Policy, *, now: datetime) -> Approved:
    """Approve what policy allows. This signs the instruction as it stands; a change voids it."""
    with store.transaction() as connection:
        rows = _unapproved(connection)
        allowed = [row for row in rows if policy.allows(row)]
        _sign(connection, allowed, actor=policy.name, now=now)
    chosen = {row["payment_id"] for row in allowed}
    waiting = [row["payment_id"] for row in rows if row["payment_id"] not in chosen]
    return Approved(approved=len(allowed), waiting=waiting)


def approve_one(store: Store, payment_id: str, *, actor: str, now: datetime) -> None:
    """Approve one payment in the name of a person, whom the platform has authenticated.

    Raises:
        BadInput: there is no such payment, or it does not wait for an approval.
    """
    with store.transaction() as connection:
        rows = [row for row in _unapproved(connection) if row["payment_id"] == payment_id]
        if not rows:
            raise BadInput(f"payment {payment_id} does not wait for an approval", field=payment_id)
        _sign(connection, rows, actor=actor, now=now)


def roll(
    store: Store, *, value_dates: Mapping[str, date], now: datetime,
    by_rail: Mapping[tuple[str, str], date] | None = None,
) -> int:  # fmt: skip
    """Give payments not yet released the value date they can still reach; say how many.

    `value_dates`: by currency, the earliest date a payment released now can have; `by_rail`, by
    rail and currency, what a rail's own cut-off makes of it. An approval says "not before", so a
    later date is within it: what a person approved stays approved.
    """

    def earliest(row: Row) -> date:
        of_any = value_dates.get(row["currency"], date.min)
        return (by_rail or {}).get((row["rail"], row["currency"]), of_any)

    with store.transaction() as connection:
        query = sa.select(payments).where(payments.c.state.in_(UNSENT)).with_for_update()
        rows = fetch(connection, query)
        late = [row for row in rows if row["value_date"] < earliest(row)]
        for row in late:
            row["value_date"] = earliest(row)
        append(connection, [_rolled(row, now) for row in late], recorded_at=now)
        _write(connection, late, ("value_date",))
    return len(late)


def _rolled(row: Row, now: datetime) -> Event:
    return Event(
        payment_id=row["payment_id"],
        event_id=f"rolled/{row['value_date']}",
        kind=EventKind.ROLLED,
        occurred_at=now,
        detail=f"value date {row['value_date']}",
    )


def _unapproved(connection: Connection) -> list[Row]:
    query = (
        sa.select(payments)
        .where(payments.c.state == State.PLANNED.value, payments.c.hold_reason == "")
        .order_by(payments.c.payment_id)
        .with_for_update()
    )
    return list(fetch(connection, query))


def _sign(connection: Connection, rows: Sequence[Row], *, actor: str, now: datetime) -> None:
    signed = [
        {**row, "approved_fingerprint": fingerprint_of(row), "approved_by": actor} for row in rows
    ]
    events = [
        step(row, EventKind.APPROVED, now, detail=f"by {actor}", code=row["approved_fingerprint"])
        for row in signed
    ]
    append(connection, events, recorded_at=now)
    _write(connection, signed, ("approved_fingerprint", "approved_by"))


def _write(connection: Connection, rows: Sequence[Row], columns: Sequence[str]) -> None:
    if not rows:
        return
    statement = (
        sa.update(payments)
        .where(payments.c.payment_id == sa.bindparam("of_payment"))
        .values({name: sa.bindparam(f"new_{name}") for name in columns})
    )
    connection.execute(
        statement,
        [
            {"of_payment": row["payment_id"], **{f"new_{name}": row[name] for name in columns}}
            for row in rows
        ],
    )
