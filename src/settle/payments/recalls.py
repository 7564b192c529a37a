"""How the recall of a payment stands, as its events tell it: a pure fold.

A recall asks for money back. Whatever its answer, no money is back by it: only what a statement
of our own account shows is.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from settle.payments.state import Event, EventKind


class Recall(StrEnum):
    """How a recall stands. `ACCEPTED` is not back: the rail promised to send it."""

    ASKED = "asked"  # the wish is kept, and it has not left, or not yet
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"  # it may have left, and no answer is known
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONTRADICTED = "contradicted"  # said to be accepted, and to be rejected


OPEN = frozenset({Recall.ASKED, Recall.UNKNOWN, Recall.PENDING})
"""What a night asks about again."""

KINDS = {
    EventKind.RECALL_ASKED: Recall.ASKED,
    EventKind.RECALL_NOT_SENT: Recall.NOT_SENT,
    EventKind.RECALL_UNKNOWN: Recall.UNKNOWN,
    EventKind.RECALL_PENDING: Recall.PENDING,
    EventKind.RECALL_ACCEPTED: Recall.ACCEPTED,
    EventKind.RECALL_REJECTED: Recall.REJECTED,
}
"""What each event says about the recall of its ordinal."""

_STRENGTH = (Recall.PENDING, Recall.UNKNOWN, Recall.NOT_SENT, Recall.ASKED)


OPEN_RECALLS = frozenset(recall.value for recall in OPEN)
"""The same, as they are stored."""


def recall_of(events: Iterable[Event]) -> str:
    """How the last recall stands; empty where none was asked. This knows no order of events."""
    numbers = {event.ordinal for event in events if event.kind in KINDS}
    if not numbers:
        return ""
    last = max(numbers)
    said = {KINDS[event.kind] for event in events if event.kind in KINDS and event.ordinal == last}
    return _standing(said).value


def _standing(said: set[Recall]) -> Recall:
    if {Recall.ACCEPTED, Recall.REJECTED} <= said:
        return Recall.CONTRADICTED
    for final in (Recall.ACCEPTED, Recall.REJECTED):
        if final in said:
            return final
    return next(recall for recall in _STRENGTH if recall in said)
