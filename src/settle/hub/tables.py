"""What the hub itself keeps: which nights have begun, what each took, and how it ended."""

import sqlalchemy as sa

from settle.store import Id, Instant, metadata

nights = sa.Table(
    "nights",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("as_of", Instant, nullable=False, doc="when the night first began"),
    sa.Column("exit_code", sa.Integer, doc="none while it has not ended"),
    sa.Column("lines", sa.String, doc="JSON: the last lines that it printed"),
)

night_batches = sa.Table(
    "night_batches",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("batch_id", Id, primary_key=True),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("what", Id, primary_key=True, doc="file, place and why, in one line"),
)
