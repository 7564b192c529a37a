"""What holds a payment: which control, since when, and what lets it go. This only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.gate.rules import NO_PAUSES, Control, Scope
from settle.payments.gate.switching import is_free, switched
from settle.payments.state import EventKind, State
from settle.payments.tables import payment_events, payments

APPROVAL = "four eyes"
CHECK = "local check"

_RELEASED_BY: Mapping[str, str] = {
    Control.PAUSE: "settle controls resume, or the switch in settle.toml; then the next run",
    Control.COOL_OFF: "waiting, or another person: settle approve {} --actor NAME",
    Control.VELOCITY: "the next day, or a person: settle approve {} --actor NAME",
    Control.BLAST_RADIUS: "a person: settle controls confirm CURRENCY --actor NAME",
    Control.EXPOSURE: "what is on its way being booked",
    Control.THRESHOLD: "money on the account",
    Control.FUNDS: "money on the account",
    APPROVAL: "a person: settle approve {} --actor NAME",
    CHECK: "corrected data; the obligation is then planned anew",
}
"""What lets a payment go, by what holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What holds a payment that has not left: the control, why, since when, and what ends it."""

    payment_id: str
    control: str
    why: str
    since: datetime
    released_by: str


def holds(connection: Connection, payment_ids: Sequence[str] | None = None) -> list[Hold]:
    """What holds payments, one each, by payment; None: all that are held."""
    last = _last_step()
    columns = (
        payments.c.payment_id, payments.c.state, payments.c.hold_reason, last.c.code,
        last.c.detail, last.c.since,
    )  # fmt: skip
    query = (
        sa.select(*columns)
        .join(last, last.c.payment_id == payments.c.payment_id)
        .where(payments.c.state.in_((State.PLANNED.value, State.SCHEDULED.value)))
        .order_by(payments.c.payment_id)
    )
    if payment_ids is not None:
        query = query.where(payments.c.payment_id.in_(payment_ids))
    found = [_hold(row) for row in connection.execute(query)]
    stopped = list(_stopped(connection, payment_ids))
    return sorted([*found, *stopped], key=lambda hold: hold.payment_id)


def _stopped(connection: Connection, payment_ids: Sequence[str] | None) -> Iterator[Hold]:
    """What was let go, and a switch has stopped since, before anybody sent it."""
    off = switched(connection)
    query = sa.select(payments).where(
        payments.c.state == State.APPROVED.value, sa.not_(is_free(NO_PAUSES))
    )
    if payment_ids is not None:
        query = query.where(payments.c.payment_id.in_(payment_ids))
    for row in connection.execute(query).mappings() if off else ():
        named = {
            Scope.RAIL: row["rail"], Scope.CURRENCY: row["currency"],
            Scope.PARTY: row["agreement_id"],
        }  # fmt: skip
        mine = [each for each in off if named[each.scope] == each.name]
        yield Hold(
            payment_id=row["payment_id"], control=Control.PAUSE,
            why=", ".join(f"{each.scope} {each.name} is paused" for each in mine),
            since=min(each.since for each in mine), released_by=_RELEASED_BY[Control.PAUSE],
        )  # fmt: skip


def _hold(row: Any) -> Hold:
    if row.state == State.SCHEDULED.value and not row.hold_reason:
        control = row.code or Control.FUNDS.value
        why = row.detail or "the account does not hold enough"
    elif row.hold_reason:
        control, why = CHECK, row.hold_reason
    else:
        control, why = APPROVAL, "beyond what policy approves by itself"
    released_by = _RELEASED_BY.get(control, "a person").format(row.payment_id)
    return Hold(
        payment_id=row.payment_id, control=control, why=why, since=row.since,
        released_by=released_by,
    )  # fmt: skip


_STEPS = tuple(
    kind.value
    for kind in (
        EventKind.PLANNED, EventKind.VOIDED, EventKind.APPROVED, EventKind.SCHEDULED,
        EventKind.FUNDED,
    )
)  # fmt: skip


@cache
def _last_step() -> sa.Subquery:
    """rows: one per payment not released, its last step; `since` when it first said the same."""
    event = payment_events.c
    said = event.kind + "/" + event.code
    steps = (
        sa.select(
            event.payment_id, event.code, event.detail, event.ordinal, event.occurred_at,
            said.label("said"), sa.func.lag(said)
            .over(partition_by=event.payment_id, order_by=(event.ordinal, event.event_id))
            .label("before"),
        )
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(payments.c.state.in_((State.PLANNED.value, State.SCHEDULED.value)))
        .where(event.kind.in_(_STEPS))
        .subquery("steps")
    )  # fmt: skip
    step = steps.c
    begins = sa.or_(step.before.is_(None), step.before != step.said)
    began = sa.func.max(sa.case((begins, step.ordinal))).over(partition_by=step.payment_id)
    last = sa.func.max(step.ordinal).over(partition_by=step.payment_id)
    marked = sa.select(steps, began.label("began"), last.label("last")).subquery("marked")
    mark = marked.c
    ends = sa.case((mark.ordinal == mark.last, 1), else_=0)
    since = sa.func.max(sa.case((mark.ordinal == mark.began, mark.occurred_at)))
    told = sa.select(
        mark.payment_id, mark.code, mark.detail, ends.label("ends"),
        since.over(partition_by=mark.payment_id).label("since"),
    ).subquery("told")  # fmt: skip
    return sa.select(told).where(told.c.ends == 1).subquery("last_step")


@cache
def last_scheduled() -> sa.Subquery:
    """rows: one per payment, its last event that made it wait: the control, and why."""
    event = payment_events.c
    place = sa.func.row_number().over(partition_by=event.payment_id, order_by=event.ordinal.desc())
    ranked = (
        sa.select(event.payment_id, event.code, event.detail, place.label("place"))
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(event.kind == EventKind.SCHEDULED.value)
        .where(payments.c.state.in_((State.SCHEDULED.value, State.APPROVED.value)))
        .subquery("scheduled")
    )
    return sa.select(ranked).where(ranked.c.place == 1).subquery("last_scheduled")
