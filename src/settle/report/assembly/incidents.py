"""What went wrong this night, and how each thing stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import findings, intake_batches
from settle.payments import Control, EventKind, State
from settle.payments.tables import payment_events, payments, refused_deliveries
from settle.report.assembly.lines import line_incidents
from settle.report.assembly.night import NightFacts
from settle.report.assembly.unknowns import Ended
from settle.report.assembly.wire import wire_incidents
from settle.report.figures import plural
from settle.report.model import Incident
from settle.report.wording import reason

ACCOUNT_CODES = ("AC", "RC", "BE")
"""Reason codes of ISO 20022 that are about the beneficiary's account or address."""


def incidents(
    connection: Connection, night: NightFacts, unknowns: Mapping[str, Ended]
) -> tuple[Incident, ...]:
    """The night's incidents in the order in which they happened."""
    found = [
        *_rails_down(night),
        *_refused_deliveries(connection, night),
        *_conflicts(connection, night),
        *wire_incidents(connection, night, unknowns),
        *_rejections(connection, night),
        *_unfunded(connection, night),
        *line_incidents(connection, night),
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.kind, one.what)))


def _rails_down(night: NightFacts) -> Iterator[Incident]:
    for rail, why in sorted(night.rails_down.items()):
        yield Incident(
            kind="rail_down", at=night.began_at, what=f"{rail} did not answer: {why}",
            now="Its payments wait and its statements are missing; run the night again",
            closed=False,
        )  # fmt: skip


def _refused_deliveries(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    table = refused_deliveries.c
    query = (
        sa.select(refused_deliveries)
        .where(night.within(table.last_at))
        .order_by(table.rail, table.day, table.reason)
    )
    for row in connection.execute(query):
        yield Incident(
            kind="refused_notification", at=row.last_at,
            what=f"{plural(row.times, 'notification')} of {row.rail} on {row.day}: {row.reason}",
            now="Refused, and changed nothing; look at who sends them, and at the key",
            closed=False,
        )  # fmt: skip


def _conflicts(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    query = (
        sa.select(intake_batches.c.name, intake_batches.c.taken_at, findings.c.reason)
        .join(findings, findings.c.batch_id == intake_batches.c.batch_id)
        .where(
            findings.c.batch_id.in_(night.batch_ids), findings.c.reason.startswith("conflict")
        )
    )  # fmt: skip
    counts = Counter(tuple(row) for row in connection.execute(query))
    for (name, at, why), count in sorted(counts.items()):
        after = why != "conflict"
        yield Incident(
            kind="conflicting_record",
            at=at,
            what=f"{plural(count, 'record')} of {name} with the id of another, and other content",
            now="The settled one stands; the new one is in quarantine" if after
            else "Every version is in quarantine until the platform says which is right",
            closed=False,
        )  # fmt: skip


def _rejections(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    event = payment_events.c
    query = (
        sa.select(event.payment_id, event.code, event.recorded_at, payments.c.rail,
                  payments.c.state)
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(event.kind == EventKind.REJECTED.value, night.within(event.recorded_at))
        .order_by(event.recorded_at, event.payment_id)
    )  # fmt: skip
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        groups[row.rail, row.code].append(row)
    for (rail, code), rows in sorted(groups.items()):
        means = reason(code)
        number = len({row.payment_id for row in rows})
        yield Incident(
            kind="rejected_account" if code.startswith(ACCOUNT_CODES) else "rejected_payment",
            at=rows[0].recorded_at,
            what=f"{rail} rejected {plural(number, 'payment')} with {code or 'no code'}"
            + (f": {means}" if means else ""),
            now="Nothing moved; owed still, and waits for corrected details",
            closed=all(row.state != State.REJECTED.value for row in rows),
        )


_OF_FUNDS = ("", Control.THRESHOLD.value)
"""How a payment is marked that waits for money, and for no other control."""


def _unfunded(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    """Payments that began to wait for funds this night, or had waited and were funded in it."""
    event = payment_events.c
    began = sa.and_(event.kind == EventKind.SCHEDULED.value, event.code.in_(_OF_FUNDS))
    waited = sa.select(event.payment_id).where(began)
    query = (
        sa.select(event.payment_id, event.recorded_at, payments.c.rail, payments.c.currency,
                  payments.c.state)
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(
            sa.or_(began, event.kind == EventKind.FUNDED.value), event.payment_id.in_(waited),
            night.within(event.recorded_at),
        )
        .order_by(event.recorded_at)
    )  # fmt: skip
    at: dict[tuple[str, str], datetime] = {}
    states: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in connection.execute(query):
        at.setdefault((row.rail, row.currency), row.recorded_at)
        states[row.rail, row.currency][row.payment_id] = row.state
    for (rail, currency), found in sorted(states.items()):
        waiting = sum(state == State.SCHEDULED.value for state in found.values())
        yield Incident(
            kind="waiting_for_funds",
            at=at[rail, currency],
            what=f"{rail} did not hold enough {currency} for {plural(len(found), 'payment')}",
            now=f"{waiting} still waiting, to be paid once the account is funded" if waiting
            else "The account was funded, and none of them waits any more",
            closed=waiting == 0,
        )  # fmt: skip
