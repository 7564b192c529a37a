"""Windows that are unwound: which outcome of a window stands, and why earlier ones do not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("windows", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outcome", sa.Integer(), server_default="1", nullable=False))

    op.create_table(
        "unwindings",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("failed", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("unwound_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_unwindings_window_id")
        ),
        sa.PrimaryKeyConstraint("window_id", "outcome", name=op.f("pk_unwindings")),
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
