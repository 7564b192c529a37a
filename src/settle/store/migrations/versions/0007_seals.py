"""The chain of sealed blocks, and which row is where in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seal_blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("header", sa.String(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seal_blocks")),
    )
    op.create_table(
        "sealed_rows",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("key_2", sa.String(), nullable=False),
        sa.Column("key_3", sa.String(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("digests", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["block"], ["seal_blocks.number"], name=op.f("fk_sealed_rows_block")
        ),
        sa.PrimaryKeyConstraint(
            "source", "key", "key_2", "key_3", name=op.f("pk_sealed_rows")
        ),
        sa.UniqueConstraint("block", "position", name=op.f("uq_sealed_rows_block_position")),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
