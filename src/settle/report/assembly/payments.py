"""Payments by state, and each one that a person should see, with its story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle import payments as room
from settle.payments import UNSENT, Attention, Hold, State
from settle.payments.rows import chunks
from settle.payments.tables import payments
from settle.report.assembly.night import NightFacts
from settle.report.assembly.story import happened, told
from settle.report.assembly.unknowns import Ended
from settle.report.payments import ExceptionKind, PaymentException, Payments, StateCount

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
        *_to_be_seen(connection, night),
        *(_was_unknown(row, unknowns) for row in _of(connection, unknowns)),
    ]
    shown = Payments.of(states, found)
    return replace(shown, exceptions=_with_stories(connection, shown.exceptions))


def _to_be_seen(connection: Connection, night: NightFacts) -> Iterator[PaymentException]:
    """What stands contradicted, or is on a list in flight, is so beside where it stands."""
    held = {hold.payment_id: hold for hold in room.holds(connection)}
    for seen in room.attention(connection, tenant=night.tenant):
        if seen.contradiction:
            shown = _shown(seen, ExceptionKind.CONTRADICTION)
            yield replace(shown, reason=seen.contradiction)
        if seen.screening and seen.state not in UNSENT:
            yield replace(_shown(seen, ExceptionKind.LISTED), reason=seen.screening)
        if seen.screening and seen.state in UNSENT:
            yield replace(_shown(seen, ExceptionKind.HELD), reason=seen.screening)
        elif seen.state in _KINDS:
            yield _exception(seen, held.get(seen.payment_id))


def _exception(seen: Attention, hold: Hold | None) -> PaymentException:
    kind = _kind(seen)
    shown = _shown(seen, kind)
    match kind:
        case ExceptionKind.RETURNED:
            short = seen.short_minor
            return replace(
                shown, code=seen.code, short_minor=short,
                borne_by=_borne_by(seen),
            )  # fmt: skip
        case ExceptionKind.REJECTED | ExceptionKind.FAILED:
            return replace(shown, code=seen.code)
        case ExceptionKind.HELD:
            return replace(shown, reason=seen.hold_reason)
        case ExceptionKind.AWAITING_APPROVAL:
            return replace(shown, reason=_waits(seen))
        case ExceptionKind.SCHEDULED | ExceptionKind.CONTROLLED:
            return replace(shown, control=seen.code, reason=_held(seen, hold))
        case _:
            # Nothing has been said yet of what is being sent; its last step is no reason.
            detail = seen.detail if seen.state is State.UNKNOWN else ""
            return replace(shown, reason=detail, evidence="none yet")


def _kind(seen: Attention) -> ExceptionKind:
    kind = _KINDS[seen.state]
    if kind is ExceptionKind.AWAITING_APPROVAL and seen.hold_reason:
        return ExceptionKind.HELD
    if kind is ExceptionKind.SCHEDULED and seen.code:
        return ExceptionKind.CONTROLLED
    return kind


def _held(seen: Attention, hold: Hold | None) -> str:
    if not seen.code:
        return seen.detail or "the account does not hold enough"
    said = f"{seen.code}: {seen.detail}"
    return f"{said}; since {hold.since:%Y-%m-%d}; released by {hold.released_by}" if hold else said


def _borne_by(seen: Attention) -> str:
    by_payee, by_hub = seen.borne_minor, seen.short_minor - seen.borne_minor
    found = ("the hub (charges/returns)" if by_hub else "", "the payee" if by_payee else "")
    return " and ".join(who for who in found if who)


def _waits(seen: Attention) -> str:
    if seen.state is State.AWAITING_AUTHORISATION:
        return "the rail waits for somebody to authorise it"
    return "beyond what policy approves by itself"


def _shown(seen: Attention | sa.Row[Any], kind: ExceptionKind) -> PaymentException:
    return PaymentException(
        kind=kind, payment_id=seen.payment_id, agreement_id=seen.agreement_id,
        beneficiary=seen.beneficiary_name, rail=seen.rail, currency=seen.currency,
        amount_minor=seen.amount_minor, state=State(seen.state).value,
    )  # fmt: skip


def _of(connection: Connection, unknowns: Mapping[str, Ended]) -> Iterator[sa.Row[Any]]:
    for some in chunks(sorted(unknowns)):
        query = sa.select(payments).where(payments.c.payment_id.in_(some))
        for row in connection.execute(query):
            if State(row.state) not in (State.UNKNOWN, State.SENDING):
                yield row


def _was_unknown(row: sa.Row[Any], unknowns: Mapping[str, Ended]) -> PaymentException:
    shown = _shown(row, ExceptionKind.UNKNOWN_CLOSED)
    return replace(shown, evidence=unknowns[row.payment_id].evidence)


def _with_stories(
    connection: Connection, shown: tuple[PaymentException, ...]
) -> tuple[PaymentException, ...]:
    currency = {row.payment_id: row.currency for row in shown}
    stories = defaultdict(list)
    for event in happened(connection, sorted(currency)):
        stories[event.payment_id].append(told(event, currency=currency[event.payment_id]))
    return tuple(replace(row, story=tuple(stories[row.payment_id])) for row in shown)
