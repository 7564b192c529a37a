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
    sa.Column("rails_down", sa.String, nullable=False, server_default="{}", doc="JSON: rail, why"),
)

night_batches = sa.Table(
    "night_batches",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("batch_id", Id, primary_key=True),
)

night_failures = sa.Table(
    "night_failures",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column(
        "participant_id", Id, primary_key=True,
        doc="named as one that cannot pay; a blank one: who was named to earlier nights is not",
    ),
)  # fmt: skip

funding_plans = sa.Table(
    "funding_plans",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, doc="the night that made it"),
    sa.Column("planned_at", Instant, nullable=False),
    sa.Column("told", sa.String, nullable=False, doc="JSON: the report's section on funding"),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("subject", Id, primary_key=True, doc="the file or obligation that was refused"),
    sa.Column("what", sa.String, nullable=False, doc="the place and why, in one line"),
)
