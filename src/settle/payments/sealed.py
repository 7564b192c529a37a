"""What payments have sealed beside the journal: events, and digests of what was said and heard."""

from __future__ import annotations

import sqlalchemy as sa

from settle.ledger import Source
from settle.payments.ended import is_over
from settle.payments.gate.tables import confirmations, signatures, switches
from settle.payments.keeping import REQUEST, KeptContents
from settle.payments.screening.tables import screening_decisions
from settle.payments.tables import deliveries, erasures, exchanges, payment_events, payments

# Whoever takes a dead worker's conversation over may ask again what has no answer yet, at the same
# place. So an exchange is final once it was answered and nobody holds its payments any more.
_HELD = (
    sa.select(1)
    .where(payments.c.conversation_id == exchanges.c.conversation_id)
    .where(payments.c.worker.is_not(None))
    .exists()
)

# What nobody answered says less, and may yet be asked again at its place by whoever takes the
# payment over. Once that has ended, nobody does.
_ASKED_AGAIN = (
    sa.select(1)
    .where(payments.c.conversation_id == exchanges.c.conversation_id)
    .where(sa.not_(is_over()))
    .exists()
)

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
            "answered_at", "status", "sent", "subject",
        ),
        # Bodies and addresses are personal data: their digests are sealed, so they can be erased.
        erasable=("target", "headers", "content", "answer_headers", "answer_content"),
        contents=KeptContents(),
        final=sa.and_(exchanges.c.answered_at.is_not(None), ~_HELD),
    ),
    Source(
        name="requests",
        table=exchanges,
        recorded="intent_at",
        columns=("conversation_id", "step", "turn", "effect", "method", "fingerprint", "intent_at"),
        erasable=REQUEST.columns,
        contents=KeptContents((REQUEST,)),
        final=sa.and_(exchanges.c.answered_at.is_(None), ~_ASKED_AGAIN),
    ),
    Source(
        name="deliveries",
        table=deliveries,
        recorded="received_at",
        # How often it came since is counted, and is no evidence.
        columns=("rail", "delivery_id", "digest", "received_at"),
    ),
    Source(
        name="erasures",
        table=erasures,
        recorded="erased_at",
        columns=tuple(column.name for column in erasures.c),
    ),
    *(
        Source(
            name=table.name,
            table=table,
            recorded=recorded,
            columns=tuple(column.name for column in table.c),
        )
        for table, recorded in (
            (signatures, "signed_at"),
            (switches, "turned_at"),
            (confirmations, "confirmed_at"),
            (screening_decisions, "decided_at"),
        )
    ),
)  # fmt: skip
"""An event is sealed whole, as it is written, and so is a person's word; an exchange once final, a
request that nobody answered too."""
