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

epochs = sa.Table(
    "epochs",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, doc="there is one row"),
    sa.Column("store_id", Id, nullable=False, doc="of this store, and of its backups"),
    sa.Column("count", sa.BigInteger, nullable=False, doc="runs that sent"),
    sa.Column("accepted_by", Id, doc="who last let it go on after a restore"),
)

restores = sa.Table(
    "restores",
    metadata,
    sa.Column("restore_id", Id, primary_key=True, doc="time-ordered"),
    sa.Column("taken_at", Instant, nullable=False, doc="when the backup was taken"),
    sa.Column("restored_at", Instant, nullable=False),
    sa.Column("searched_at", Instant, doc="when the last search ended that left nothing open"),
    sa.Column("resumed_at", Instant),
    sa.Column("resumed_by", Id, doc="who let it go on"),
    sa.Column("reason", sa.String),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("subject", Id, primary_key=True, doc="the file or obligation that was refused"),
    sa.Column("what", sa.String, nullable=False, doc="the place and why, in one line"),
)
