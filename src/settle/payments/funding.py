"""Which approved payments may go now: covered by our accounts, and held by no control."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.beneficiaries import address_faults
from settle.payments.events import step
from settle.payments.gate.admission import Gate
from settle.payments.gate.holds import last_scheduled
from settle.payments.gate.queue import Waits, decided
from settle.payments.gate.rooms import Place
from settle.payments.gate.rules import Control, Controls
from settle.payments.instruction import Row
from settle.payments.rows import fetch, some
from settle.payments.state import Event, EventKind, State
from settle.payments.steps import STANDING, advance
from settle.payments.tables import payments
from settle.payments.withholding import withhold
from settle.store import Store, derived, uncollected

__all__ = ["Funded", "Place", "fund"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """How many payments may go, how many wait, and for which control."""

    funded: int
    scheduled: int
    waiting: Mapping[Control, int] = field(default_factory=dict)


def fund(
    store: Store, *, balances: Mapping[Place, int], now: datetime, day: date | None = None,
    controls: Controls | None = None,
) -> Funded:  # fmt: skip
    """Let approved payments go in order of value date and age; the others are scheduled, with why.

    `balances`: by account, what may be spent: nostro less what is in transit from it. `day` is the
    business day whose limits count; without one, that of `now` in UTC. Everything that has not
    left is decided anew each time, whoever decided it before, so a second run changes nothing and
    two at once decide one after the other. What is held takes no room in any control.
    """
    on = day or now.date()
    events: list[Event] = []
    counts: Counter[Control | None] = Counter()
    with uncollected(), store.transaction() as connection:
        _one_at_a_time(connection)
        every = _candidates(connection)
        # What is held takes nobody's room; it is decided anew once nothing holds it.
        events += [
            step(x, EventKind.SCHEDULED, now) for x in every if x["hold_reason"] and x["funded"]
        ]
        rows = _addressed(connection, [row for row in every if not row["hold_reason"]], now)
        gate = Gate.read(
            connection, controls or Controls(), currencies={row["currency"] for row in rows},
            balances=balances, day=on, now=now,
        )  # fmt: skip
        for row, waits in decided(
            rows, stopped=gate.stopped, rooms=gate.rooms.of, cleared=gate.cleared,
            is_patient=gate.is_patient,
        ):  # fmt: skip
            counts[waits.control if waits else None] += 1
            if (event := _event(row, waits, now)) is not None:
                events.append(event)
        advance(
            connection, events, recorded_at=now, subjects={row["payment_id"]: row for row in every}
        )
    held = {control: count for control, count in counts.items() if control is not None}
    return Funded(funded=counts[None], scheduled=sum(held.values()), waiting=held)


def _event(row: Row, waits: Waits | None, now: datetime) -> Event | None:
    """What is new about a payment; None where it stands as it did."""
    if waits is None:
        return None if row["funded"] else step(row, EventKind.FUNDED, now)
    code = "" if waits.control is Control.FUNDS else waits.control.value
    stood = row["state"] == State.SCHEDULED and (row["code"], row["detail"]) == (code, waits.why)
    return None if stood else step(row, EventKind.SCHEDULED, now, code=code, detail=waits.why)


def _one_at_a_time(connection: Connection) -> None:
    """Wait for whoever decides just now: two that did not see one another would let go twice.

    SQLite has one writer; PostgreSQL gets a lock that ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        key = int(derived("lock", "gate")[:15], 16)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({key})")


def _addressed(
    connection: Connection, rows: list[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Those with the address that their value date asks for, which may have rolled since."""
    faulty: dict[str, dict[str, Row]] = defaultdict(dict)
    fit = []
    for row in rows:
        country, town = row["beneficiary_country"], row["beneficiary_town"]
        why = "; ".join(address_faults(country, town, row["value_date"]))
        if why:
            faulty[why][row["payment_id"]] = row
        else:
            fit.append(row)
    for why, those in sorted(faulty.items()):
        withhold(connection, those, why=why, now=now)
    return fit


_WEIGHED = (
    "payment_id", "obligation_id", "agreement_id", "kind", "rail", "account", "currency",
    "amount_minor", "value_date", "not_before", "beneficiary_country", "beneficiary_town",
    "hold_reason", "funded", *STANDING,
)  # fmt: skip


def _candidates(connection: Connection) -> list[dict[str, Any]]:
    """Every payment that is approved and has not left, locked; no worker takes one meanwhile."""
    query = (
        some(_WEIGHED)
        .where(payments.c.state.in_((State.APPROVED.value, State.SCHEDULED.value)))
        .order_by(payments.c.payment_id)
        .with_for_update()
    )
    rows = fetch(connection, query)
    last = last_scheduled()
    said = {row.payment_id: row for row in connection.execute(sa.select(last))}
    for row in rows:
        before = said.get(row["payment_id"])
        row["code"], row["detail"] = (before.code, before.detail) if before else ("", "")
    return rows
