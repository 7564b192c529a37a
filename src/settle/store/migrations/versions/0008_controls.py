"""Controls before release: signatures, switches, confirmations, and the day of a release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SET = "UPDATE payments SET released_on = "
_DAY = {
    "sqlite": _SET + "date(released_at / 1000000, 'unixepoch')",
    "postgresql": _SET + "DATE '1970-01-01' + (released_at / 86400000000)::integer",
}
"""The day in UTC of an instant, which is kept as microseconds since 1970; none of none."""


def upgrade() -> None:
    op.add_column("payments", sa.Column("released_on", sa.Date(), nullable=True))
    op.execute(_DAY[op.get_bind().dialect.name])
    op.create_index(op.f("ix_payments_released_on"), "payments", ["released_on"])
    op.create_index(
        op.f("ix_payments_agreement_id_currency"), "payments", ["agreement_id", "currency"]
    )
    op.create_table(
        "signatures",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "payment_id", "role", "fingerprint", "person", name=op.f("pk_signatures")
        ),
    )
    op.create_table(
        "switches",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("turned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", "turn", name=op.f("pk_switches")),
    )
    op.create_table(
        "confirmations",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("up_to_minor", sa.BigInteger(), nullable=False),
        sa.Column("up_to_count", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "currency", "up_to_minor", "up_to_count", "person",
            name=op.f("pk_confirmations"),
        ),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
