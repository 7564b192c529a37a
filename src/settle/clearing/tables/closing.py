"""What a window is made of, what it left to others, and what was put right in it since."""

import sqlalchemy as sa

from settle.store import Id, Instant, metadata

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("window_id", sa.String(10), primary_key=True, doc="ISO date of the day"),
    sa.Column("closed_at", Instant, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("late", sa.BigInteger, nullable=False),
    sa.Column("positions", sa.BigInteger, nullable=False),
    sa.Column("postings", sa.BigInteger, nullable=False),
    sa.Column("currencies", sa.String, nullable=False, doc="that sum to zero, by space"),
    sa.Column("settled_digest", sa.String(64), nullable=False, doc="sha256 of the settled file"),
    sa.Column("manifest_digest", sa.String(64), nullable=False),
    sa.Column("agreements_digest", sa.String(64), doc="terms it was netted under, in the lake"),
    sa.Column("fees_digest", sa.String(64), doc="likewise"),
    sa.Column("rates_on", sa.Date, doc="day of the rates used"),
    sa.Column(
        "failed",
        sa.String,
        nullable=False,
        server_default="[]",
        doc="participants that could not pay, in order, JSON",
    ),
    sa.Column(
        "outcome",
        sa.Integer,
        nullable=False,
        server_default="1",
        doc="which one stands: one more each time that the window was unwound",
    ),
)

unwindings = sa.Table(
    "unwindings",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("outcome", sa.Integer, primary_key=True, doc="that no longer stands"),
    sa.Column("failed", sa.String, nullable=False, doc="participants named then, in order, JSON"),
    sa.Column("actor", Id, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("unwound_at", Instant, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, doc="of its rows, kept in the lake"),
)

manifests = sa.Table(
    "manifests",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("batch_id", Id, sa.ForeignKey("intake_batches.batch_id"), primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False, doc="of this batch in this window"),
    sa.Column("digest", sa.String(64), nullable=False, doc="sha256 of the accepted file"),
    sa.Column(
        "whole",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        doc="all of it, as it lies in the lake",
    ),
    sa.Index(None, "batch_id"),
)

deferrals = sa.Table(
    "deferrals",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("settles_in", sa.String(10), primary_key=True, doc="window they were left to"),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, doc="sha256 of the window's deferred file"),
    sa.Column("taken_in", sa.String(10), doc="window that looked at them again"),
    sa.Index(None, "taken_in"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("record_id", Id, primary_key=True, doc="the settled record that was wrong"),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("replacement", sa.String, doc="what is other in the corrected record, JSON"),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("actor", Id, nullable=False),
    sa.Column("corrected_at", Instant, nullable=False),
)

left_out = sa.Table(
    "left_out",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("batch_id", Id, sa.ForeignKey("intake_batches.batch_id"), primary_key=True),
    sa.Column("participant_id", Id, primary_key=True, doc="who failed"),
    sa.Column("reason", Id, primary_key=True, doc="participant_failed | counterparty_failed"),
    sa.Column("records", sa.BigInteger, nullable=False),
)
