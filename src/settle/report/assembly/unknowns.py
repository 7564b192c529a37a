"""Payments whose outcome was unknown this night, and the evidence that ended that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Source
from settle.payments import EventKind
from settle.payments.tables import payment_events
from settle.report.assembly.night import NightFacts
from settle.report.assembly.story import SOURCES, Happened, happened

ENDS = frozenset({
    EventKind.ACCEPTED, EventKind.BOOKED, EventKind.CREDITED, EventKind.RETURNED,
    EventKind.FAILED, EventKind.REJECTED, EventKind.CANCELLED, EventKind.NOT_DEBITED,
})  # fmt: skip
"""Events that say how a payment stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an unknown ended: in a few words, to be counted, and with its evidence."""

    at: datetime
    how: str
    evidence: str


def ended(connection: Connection, night: NightFacts) -> Mapping[str, Ended]:
    """By payment: how its unknown ended, where it began or ended this night."""
    event = payment_events.c
    was_unknown = sa.select(event.payment_id).where(event.kind == EventKind.UNKNOWN.value)
    tonight = was_unknown.intersect(
        sa.select(event.payment_id).where(night.within(event.recorded_at))
    )
    found: dict[str, Ended] = {}
    events = happened(connection, sa.select(tonight.subquery().c.payment_id))
    for payment_id, of_payment in groupby(events, key=lambda one: one.payment_id):
        one = ending(list(of_payment), night)
        if one is not None:
            found[payment_id] = one
    return found


def ending(events: Iterable[Happened], night: NightFacts) -> Ended | None:
    """How the unknown of one payment ended; None if it did not, or not this night. This is pure.

    `events`: all of the payment's, in the order of their recording.
    """
    seen = list(events)
    began = next((one.recorded_at for one in seen if one.kind is EventKind.UNKNOWN), None)
    ends = [one for one in seen if one.kind in ENDS]
    if began is None or not ends:
        return None
    end = next((one for one in ends if one.recorded_at >= began), ends[0])
    if not (night.has(began) or night.has(end.recorded_at)):
        return None
    resent = end.source == Source.SUBMIT and any(one.kind is EventKind.RESENT for one in seen)
    how = _how(end, resent=resent)
    notes = ", ".join(filter(None, (end.code, end.detail)))
    return Ended(at=end.recorded_at, how=how, evidence=f"{how} ({notes})" if notes else how)


def _how(end: Happened, *, resent: bool) -> str:
    said = end.kind.value.replace("_", " ")
    if resent:
        return f"sent again under the same key and {said}"
    return f"{said}, as {SOURCES.get(end.source, end.source)} showed"
