"""What is to be paid of a position, by us and to us."""

import sqlalchemy as sa

from settle.store import Id, Instant, Minor, metadata

obligations = sa.Table(
    "obligations",
    metadata,
    sa.Column("obligation_id", sa.String(64), primary_key=True),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("position_id", sa.String(64), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("participant_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("value_date", sa.Date, nullable=False),
    sa.Column("beneficiary_name", sa.String, nullable=False),
    sa.Column("beneficiary_country", sa.String, nullable=False),
    sa.Column("beneficiary_town", sa.String, nullable=False),
    sa.Column("beneficiary_account", sa.String, nullable=False),
    sa.Column("beneficiary_bic", sa.String),
    sa.Column("beneficiary_bank_code", sa.String),
    sa.Column("covered_at", Instant, doc="when a payment took it up"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "window_id"),
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("claim_id", sa.String(64), primary_key=True, doc="derived, as an obligation's id"),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("position_id", sa.String(64), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False),
    sa.Column("participant_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("since", sa.Date, nullable=False, doc="first window of the debt"),
    sa.Column("reason", Id, nullable=False, doc="gross | terminated | default"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "window_id"),
)
