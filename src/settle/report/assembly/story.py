"""What happened to a payment, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Source
from settle.payments import ABSENCE, DECISION, EventKind
from settle.payments.tables import payment_events
from settle.report.figures import money
from settle.report.payments import StoryLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One stored event of a payment of `currency`, as it was recorded."""

    payment_id: str
    kind: EventKind
    recorded_at: datetime
    source: str
    amount_minor: int | None
    code: str
    detail: str


SOURCES: dict[str, str] = {
    Source.SUBMIT: "the rail's answer",
    Source.FIND: "asking the rail",
    Source.NOTIFICATION: "the rail's notification",
    Source.REPORT: "the rail's report of our account",
    Source.STATEMENT: "the bank's statement",
    ABSENCE: "absence from find and from gap-free statements",
    DECISION: "the word of two people",
}
"""Where evidence comes from, in words."""

_PLAIN: dict[EventKind, str] = {
    EventKind.PLANNED: "planned",
    EventKind.VOIDED: "approval withdrawn",
    EventKind.ENDORSED: "approved by one person",
    EventKind.APPROVED: "approved",
    EventKind.CLEARED: "a hold was cleared",
    EventKind.FUNDED: "funded",
    EventKind.RELEASED: "released to the rail",
    EventKind.NOT_MOVED: "nothing left for the rail",
    EventKind.RESENT: "sent again under the same key",
    EventKind.UNKNOWN: "outcome unknown",
    EventKind.FREED: "its obligation freed",
    EventKind.REPAID: "paid again",
    EventKind.CONTESTED: "one person contests what is known of it",
    EventKind.RETRACTED: "evidence was taken back, and its rows were reversed",
    EventKind.EXPLAINED: "what did not fit together was accounted for",
    EventKind.NOT_DEBITED: "proved never to have been debited",
    EventKind.RECALL_ASKED: "asked back",
    EventKind.RECALL_NOT_SENT: "the request for it did not reach the rail",
    EventKind.RECALL_UNKNOWN: "nobody knows what became of the request for it",
    EventKind.RECALL_PENDING: "the rail ponders the request for it",
    EventKind.RECALL_ACCEPTED: "the rail grants the request for it, and nothing is back by that",
    EventKind.RECALL_REJECTED: "the rail refuses the request for it",
    EventKind.NOT_FOUND: "the rail was asked and does not know it, which proves nothing yet",
}
_OURS = frozenset({EventKind.PLANNED, EventKind.VOIDED, EventKind.ENDORSED, EventKind.APPROVED,
                   EventKind.CLEARED, EventKind.UNKNOWN, EventKind.NOT_MOVED, EventKind.FREED,
                   EventKind.REPAID, EventKind.NOT_DEBITED, EventKind.RECALL_ASKED,
                   EventKind.RECALL_NOT_SENT, EventKind.RECALL_UNKNOWN, EventKind.RECALL_PENDING,
                   EventKind.RECALL_REJECTED, EventKind.RETRACTED,
                   EventKind.EXPLAINED})  # fmt: skip

_KINDS = {kind: place for place, kind in enumerate(EventKind)}
_STEPS = frozenset({EventKind.PLANNED, EventKind.VOIDED, EventKind.APPROVED, EventKind.SCHEDULED,
                    EventKind.FUNDED})  # fmt: skip
"""Steps before the release: their ordinal orders them; anything else goes by its kind."""


def happened(
    connection: Connection, payment_ids: sa.Select[tuple[str]] | Sequence[str]
) -> list[Happened]:
    """The events of some payments, by payment and time of recording.

    What was recorded at once is told in the order in which it can only have happened.
    """
    event = payment_events.c
    query = (
        sa.select(
            event.payment_id, event.kind, event.recorded_at, event.source, event.amount_minor,
            event.code, event.detail,
        )
        # Who bears a short return stands beside the story, in `borne_by`.
        .where(event.payment_id.in_(payment_ids), event.kind != EventKind.BORNE.value)
        .order_by(event.ordinal, event.event_id)
    )  # fmt: skip
    found = [
        Happened(**{**row, "kind": EventKind(row["kind"])})
        for row in connection.execute(query).mappings()
    ]
    return sorted(found, key=_course)


def _course(event: Happened) -> tuple[str, datetime, int]:
    return event.payment_id, event.recorded_at, 0 if event.kind in _STEPS else _KINDS[event.kind]


def told(event: Happened, *, currency: str) -> StoryLine:
    """One event as a line of a payment's story."""
    return StoryLine(at=event.recorded_at, what=_what(event, currency))


def _what(event: Happened, currency: str) -> str:
    if event.kind is EventKind.SCHEDULED:
        said = ", ".join(filter(None, (event.code, event.detail)))
        return f"waits: {said}" if said else "waits for funds"
    if event.kind in _PLAIN:
        why = f": {event.detail}" if event.detail and event.kind in _OURS else ""
        return _PLAIN[event.kind] + why
    said = event.kind.value.replace("_", " ")
    if event.amount_minor is not None:
        said += f" {money(event.amount_minor, currency)}"
    notes = ", ".join(filter(None, (event.code, event.detail)))
    return f"{said}, by {SOURCES.get(event.source, event.source)}" + (
        f" ({notes})" if notes else ""
    )
