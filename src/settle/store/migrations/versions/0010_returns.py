"""Cancellations, recalls, payments made again, who bears a short return, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _payments()
    _reconciliation()
    _deliveries()


def _payments() -> None:
    op.add_column(
        "payments", sa.Column("recall", sa.String(length=24), server_default="", nullable=False)
    )
    op.add_column("payments", sa.Column("repays", sa.String(), nullable=True))
    op.add_column(
        "payments",
        sa.Column("owed_from", sa.String(length=16), server_default="payable", nullable=False),
    )
    op.create_index(op.f("ix_payments_repays"), "payments", ["repays"])
    op.add_column(
        "returned_payables",
        sa.Column("borne_minor", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("returned_payables", sa.Column("repaid_by", sa.String(), nullable=True))


def _reconciliation() -> None:
    op.add_column(
        "statement_lines", sa.Column("charges", sa.Text(), server_default="[]", nullable=False)
    )
    op.add_column("line_payments", sa.Column("reopened_on", sa.Date(), nullable=True))
    op.add_column("line_payments", sa.Column("reopened_by", sa.String(), nullable=True))


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("look_up", sa.Boolean(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("rail", "delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "refused_deliveries",
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rail", "day", "reason", name=op.f("pk_refused_deliveries")),
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
