"""What payments have sealed beside the journal: their events, and the digests of exchanges."""

from __future__ import annotations

from settle.ledger import Source
from settle.payments.tables import exchanges, payment_events

SEALED = (
    Source(
        name="payment_events",
        table=payment_events,
        recorded="recorded_at",
        columns=tuple(column.name for column in payment_events.c),
    ),
    Source(
        name="exchanges",
        table=exchanges,
        recorded="answered_at",
        columns=(
            "conversation_id", "step", "turn", "effect", "method", "fingerprint", "intent_at",
            "answered_at", "status", "sent",
        ),
        # Bodies and addresses are personal data: their digests are sealed, so they can be erased.
        erasable=("target", "headers", "content", "answer_headers", "answer_content"),
        # An exchange without its answer is asked again at its place, and changes.
        final=exchanges.c.answered_at.is_not(None),
    ),
)  # fmt: skip
"""An event is sealed whole; an exchange once it was answered."""
