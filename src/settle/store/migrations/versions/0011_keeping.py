"""What exchanges are about, by which key they are kept, what was erased; stores put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchanges", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("key_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("digests", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("answer_key_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("answer_digests", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("erasure_id", sa.String(), nullable=True))
        batch_op.create_index(op.f("ix_exchanges_subject"), ["subject"])

    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.String(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("exchanges", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "restores",
        sa.Column("restore_id", sa.String(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("restored_at", sa.BigInteger(), nullable=False),
        sa.Column("searched_at", sa.BigInteger(), nullable=True),
        sa.Column("resumed_at", sa.BigInteger(), nullable=True),
        sa.Column("resumed_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("restore_id", name=op.f("pk_restores")),
    )
    op.create_table(
        "searches",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("searched_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_searches")),
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
