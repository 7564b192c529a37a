"""The journal: append-only rows of one amount, one currency, between two accounts; its seal."""

import sqlalchemy as sa

from settle.ledger.leaves import Source
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

JOURNAL = Source(
    name="journal",
    table=journal,
    recorded="recorded_at",
    columns=(
        "entry_id", "event", "subject", "posted_on", "recorded_at", "debit", "credit", "currency",
        "amount_minor",
    ),
)  # fmt: skip
"""The journal, as it is sealed: all of it."""

seal_blocks = sa.Table(
    "seal_blocks",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False, doc="from 1"),
    sa.Column("header", sa.String, nullable=False, doc="JSON, hashed byte for byte"),
    sa.Column("head", sa.String(64), nullable=False, doc="SHA-256 of the header"),
    sa.Column("signature", sa.String, doc="of the head; none without a key"),
)

sealed_rows = sa.Table(
    "sealed_rows",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True, doc="the name of what is sealed"),
    sa.Column("key", Id, primary_key=True),
    sa.Column("key_2", Id, primary_key=True, doc="empty where the key has one part"),
    sa.Column("key_3", Id, primary_key=True, doc="empty where the key has two"),
    sa.Column("block", sa.BigInteger, sa.ForeignKey("seal_blocks.number"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False, doc="in its block, from 0"),
    sa.Column("salt", sa.LargeBinary, nullable=False, doc="of its leaf"),
    sa.Column("leaf", sa.LargeBinary, nullable=False, doc="the leaf's hash"),
    sa.Column("digests", sa.String, doc="JSON: of columns that may be erased"),
    sa.UniqueConstraint("block", "position"),
)
