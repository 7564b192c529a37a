"""The tables of the gate: who signed for what, which switches are off, which nights are confirmed.

All three are append-only: what is taken back is a further row.
"""

import sqlalchemy as sa

from settle.store import Id, Instant, Minor, metadata

signatures = sa.Table(
    "signatures",
    metadata,
    sa.Column("payment_id", Id, primary_key=True),
    sa.Column("role", Id, primary_key=True, doc="approves, or the control whose hold is cleared"),
    sa.Column("fingerprint", Id, primary_key=True, doc="of the instruction that was signed"),
    sa.Column("person", Id, primary_key=True, doc="the actor, however it was written"),
    sa.Column("actor", Id, nullable=False),
    sa.Column("signed_at", Instant, nullable=False),
)

switches = sa.Table(
    "switches",
    metadata,
    sa.Column("scope", sa.String(16), primary_key=True, doc="rail, currency or party"),
    sa.Column("name", Id, primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True, doc="odd: paused; even: resumed"),
    sa.Column("actor", Id, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("turned_at", Instant, nullable=False),
)

confirmations = sa.Table(
    "confirmations",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, doc="the night"),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("up_to_minor", Minor, primary_key=True, doc="the night's total that was seen"),
    sa.Column("up_to_count", sa.Integer, primary_key=True),
    sa.Column("person", Id, primary_key=True),
    sa.Column("actor", Id, nullable=False),
    sa.Column("confirmed_at", Instant, nullable=False),
)
