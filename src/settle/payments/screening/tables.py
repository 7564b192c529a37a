"""The tables of screening: lists in force, every screening, how each payment stands, decisions."""

import sqlalchemy as sa

from settle.store import Id, Instant, metadata

screening_versions = sa.Table(
    "screening_versions",
    metadata,
    sa.Column("tenant", Id, primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("lists", sa.String, nullable=False, doc="JSON: name to its own version"),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("review_at", sa.Integer, nullable=False),
    sa.Column("block_at", sa.Integer, nullable=False),
    sa.Column("adopted_at", Instant, primary_key=True),
    sa.Column("superseded_at", Instant, doc="none: in force"),
    sa.Column("ended_by", Id, doc="who ended screening; none: another version followed"),
    sa.Column("ended_why", sa.String),
    sa.Index(
        "uq_screening_versions_in_force",
        "tenant",
        unique=True,
        sqlite_where=sa.text("superseded_at is null"),
        postgresql_where=sa.text("superseded_at is null"),
    ),
)

screenings = sa.Table(
    "screenings",
    metadata,
    sa.Column("payment_id", Id, primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("occasion", sa.String(16), primary_key=True),
    sa.Column("screened_at", Instant, primary_key=True),
    sa.Column("subject", sa.String(64), nullable=False, doc="digest of the beneficiary"),
    sa.Column("beneficiary_name", sa.String, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("score", sa.Integer, nullable=False, doc="parts per million, the highest"),
    sa.Column("matches", sa.String, nullable=False, doc="JSON, the best first"),
    sa.Column("matches_more", sa.Integer, nullable=False, doc="beyond those kept"),
)

screening_standings = sa.Table(
    "screening_standings",
    metadata,
    sa.Column("payment_id", Id, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("beneficiary_name", sa.String, nullable=False),
    sa.Column("beneficiary_account", sa.String, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("free", sa.Boolean, nullable=False, doc="it may be released"),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False, doc="for people, with signs escaped"),
    sa.Column("matches", sa.String, nullable=False),
    sa.Column("matches_more", sa.Integer, nullable=False),
    sa.Column("block_at", sa.Integer, nullable=False, doc="of that version"),
    sa.Column("screened_at", Instant, nullable=False),
    sa.Index(None, "subject"),
)

screening_decisions = sa.Table(
    "screening_decisions",
    metadata,
    sa.Column("decision_id", Id, primary_key=True, doc="time-ordered"),
    sa.Column("tenant", Id, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("list", sa.String, nullable=False),
    sa.Column("entry_id", sa.String, nullable=False),
    sa.Column("entry_digest", sa.String(64), nullable=False),
    sa.Column("ruling", sa.String(16), nullable=False),
    sa.Column("actor", Id, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("payment_id", Id, nullable=False, doc="that it was decided on"),
    sa.Column("decided_at", Instant, nullable=False),
    sa.Index(None, "tenant", "subject"),
)
