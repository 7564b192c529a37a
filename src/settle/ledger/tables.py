"""The journal: append-only rows of one amount, one currency, from a debit to a credit account."""

import sqlalchemy as sa

from settle.store import Id, Instant, Minor, metadata

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("entry_id", Id, primary_key=True, doc="derived from the event and its row's name"),
    sa.Column("event", Id, nullable=False, doc="what happened: close, release, booking, return …"),
    sa.Column("subject", Id, nullable=False, doc="window, payment or statement line it is about"),
    sa.Column("posted_on", sa.Date, nullable=False, doc="business day"),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("debit", Id, nullable=False),
    sa.Column("credit", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.CheckConstraint("debit <> credit", name="moves"),
    sa.Index(None, "subject"),
)
