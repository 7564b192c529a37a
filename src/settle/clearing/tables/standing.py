"""What stands from window to window: reserves, unpaid rests, and where a debt was recovered."""

import sqlalchemy as sa

from settle.clearing.tables.columns import minor_zero
from settle.store import Id, Minor, metadata

reserve_slices = sa.Table(
    "reserve_slices",
    metadata,
    sa.Column("slice_id", sa.String(64), primary_key=True, doc="the withholding position's id"),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("amount_minor", Minor, nullable=False, doc="as it was withheld"),
    minor_zero("used_minor", doc="recovered from it since"),
    sa.Column("release_on", sa.Date, doc="null: of a fixed reserve, held until termination"),
    sa.Column("released_in", sa.String(10), doc="window that gave the rest of it back"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.CheckConstraint("used_minor between 0 and amount_minor", name="held"),
    sa.Index(None, "released_in"),
)

carries = sa.Table(
    "carries",
    metadata,
    sa.Column("carry_id", sa.String(64), primary_key=True, doc="the position's id"),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("reason", Id, nullable=False, doc="negative | below_minimum"),
    sa.Column("since", sa.Date, nullable=False, doc="first window of the unpaid rest"),
    sa.Column("taken_in", sa.String(10), doc="window that took it up"),
    sa.Index(None, "taken_in"),
)

recoveries = sa.Table(
    "recoveries",
    metadata,
    sa.Column(
        "position_id", sa.String(64), sa.ForeignKey("positions.position_id"), primary_key=True,
        doc="whose negative due it was",
    ),
    sa.Column("source", sa.String(10), primary_key=True, doc="set_off | reserve | collateral"),
    sa.Column(
        "source_id", Id, primary_key=True,
        doc="the giving position, the reserve slice, or the agreement of the collateral",
    ),
    sa.Column("nth", sa.BigInteger, nullable=False, doc="its place in the order of recovery"),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "source", "agreement_id"),
    sa.Index(None, "source_id"),
)  # fmt: skip

covers = sa.Table(
    "covers",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("agreement_id", Id, primary_key=True, doc="of who defaulted"),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("source", sa.String(10), primary_key=True, doc="collateral | reserve | own_funds"),
    sa.Column("source_id", Id, primary_key=True, doc="the reserve slice, or the agreement"),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
)
