"""Payments by state, and each one that a person should see, with its story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle import payments as room
from settle.payments import State
from settle.payments.rows import chunks
from settle.payments.tables import payment_events, payments, returned_payables
from settle.report.assembly.night import NightFacts
from settle.report.assembly.story import happened, told
from settle.report.assembly.unknowns import Ended
from settle.report.payments import ExceptionKind, PaymentException, Payments, StateCount

Row = Mapping[Any, Any]

_KINDS: Mapping[State, ExceptionKind] = {
    State.UNKNOWN: ExceptionKind.UNKNOWN_OPEN,
    State.SENDING: ExceptionKind.UNKNOWN_OPEN,
    State.RETURNED: ExceptionKind.RETURNED,
    State.REJECTED: ExceptionKind.REJECTED,
    State.FAILED: ExceptionKind.FAILED,
    State.PLANNED: ExceptionKind.AWAITING_APPROVAL,
    State.AWAITING_AUTHORISATION: ExceptionKind.AWAITING_APPROVAL,
    State.SCHEDULED: ExceptionKind.SCHEDULED,
}
"""Why a payment in this state is shown by itself."""


def paid(connection: Connection, night: NightFacts, unknowns: Mapping[str, Ended]) -> Payments:
    """All payments of the store by state, and the exceptions. `unknowns` are those that ended."""
    states = [
        StateCount(
            rail=row.rail, currency=row.currency, state=row.state.value, count=row.count,
            amount_minor=row.amount_minor,
        )
        for row in room.overview(connection)
    ]  # fmt: skip
    found = [
        *_contradicted(connection, night),
        *(_exception(row) for row in _open(connection, night)),
        *(_was_unknown(row, unknowns) for row in _of(connection, unknowns)),
    ]
    shown = Payments.of(states, found)
    return replace(shown, exceptions=_with_stories(connection, shown.exceptions))


def _contradicted(connection: Connection, night: NightFacts) -> Iterator[PaymentException]:
    """Payments of which evidence says what cannot all be true, beside where each of them stands."""
    query = sa.select(payments).where(
        payments.c.tenant == night.tenant, payments.c.contradiction != ""
    )
    for row in connection.execute(query).mappings():
        yield replace(_shown(row, ExceptionKind.CONTRADICTION), reason=row["contradiction"])


def _open(connection: Connection, night: NightFacts) -> list[Row]:
    """rows: payments that somebody should see; a rejected one until another stands for it."""
    other = payments.alias()
    replaced = sa.exists().where(
        other.c.tenant == payments.c.tenant,
        other.c.obligation_id == payments.c.obligation_id,
        other.c.live,
    )
    columns = (returned_payables.c.charges_minor, returned_payables.c.code)
    query = (
        sa.select(payments, *columns)
        .outerjoin(returned_payables, returned_payables.c.payment_id == payments.c.payment_id)
        .where(
            payments.c.tenant == night.tenant,
            payments.c.state.in_([state.value for state in _KINDS]),
            sa.or_(payments.c.state != State.REJECTED.value, ~replaced),
        )
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    reasons = _last_words(connection, night)
    return [{**row, "said": reasons.get(row["payment_id"], ("", ""))} for row in rows]


def _last_words(connection: Connection, night: NightFacts) -> dict[str, tuple[str, str]]:
    """By payment: code and detail of the event that put it where it stands."""
    event = payment_events.c
    kinds = (State.UNKNOWN, State.REJECTED, State.FAILED, State.SCHEDULED)
    query = (
        sa.select(event.payment_id, event.code, event.detail)
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(
            payments.c.tenant == night.tenant,
            payments.c.state.in_([kind.value for kind in kinds]),
            event.kind == payments.c.state,
        )
        .order_by(event.payment_id, event.recorded_at, event.event_id)
    )
    return {payment_id: (code, detail) for payment_id, code, detail in connection.execute(query)}


def _exception(row: Row) -> PaymentException:
    kind = _KINDS[State(row["state"])]
    if kind is ExceptionKind.AWAITING_APPROVAL and row["hold_reason"]:
        kind = ExceptionKind.HELD
    code, detail = row["said"]
    shown = _shown(row, kind)
    match kind:
        case ExceptionKind.RETURNED:
            short = row["charges_minor"] or 0
            return replace(
                shown, code=row["code"] or "", short_minor=short,
                borne_by="the hub (charges/returns)" if short else "",
            )  # fmt: skip
        case ExceptionKind.REJECTED | ExceptionKind.FAILED:
            return replace(shown, code=code)
        case ExceptionKind.HELD:
            return replace(shown, reason=row["hold_reason"])
        case ExceptionKind.AWAITING_APPROVAL:
            return replace(shown, reason=_waits(row))
        case ExceptionKind.SCHEDULED:
            return replace(shown, reason=detail or "the account does not hold enough")
        case _:
            return replace(shown, reason=detail, evidence="none yet")


def _waits(row: Row) -> str:
    if row["state"] == State.AWAITING_AUTHORISATION.value:
        return "the rail waits for somebody to authorise it"
    return "beyond what policy approves by itself"


def _shown(row: Row, kind: ExceptionKind) -> PaymentException:
    return PaymentException(
        kind=kind, payment_id=row["payment_id"], agreement_id=row["agreement_id"],
        beneficiary=row["beneficiary_name"], rail=row["rail"], currency=row["currency"],
        amount_minor=row["amount_minor"], state=row["state"],
    )  # fmt: skip


def _of(connection: Connection, unknowns: Mapping[str, Ended]) -> Iterator[Row]:
    for some in chunks(sorted(unknowns)):
        query = sa.select(payments).where(payments.c.payment_id.in_(some))
        for row in connection.execute(query).mappings():
            if State(row["state"]) not in (State.UNKNOWN, State.SENDING):
                yield row


def _was_unknown(row: Row, unknowns: Mapping[str, Ended]) -> PaymentException:
    shown = _shown(row, ExceptionKind.UNKNOWN_CLOSED)
    return replace(shown, evidence=unknowns[row["payment_id"]].evidence)


def _with_stories(
    connection: Connection, shown: tuple[PaymentException, ...]
) -> tuple[PaymentException, ...]:
    currency = {row.payment_id: row.currency for row in shown}
    stories = defaultdict(list)
    for event in happened(connection, sorted(currency)):
        stories[event.payment_id].append(told(event, currency=currency[event.payment_id]))
    return tuple(replace(row, story=tuple(stories[row.payment_id])) for row in shown)
