"""What was taken off both legs of a rate, with what was converted at it; what covered defaults."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("position_lines", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("markup_ppm", sa.BigInteger(), server_default="0", nullable=False)
        )

    op.create_table(
        "covers",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_covers_positive")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_covers_window_id")
        ),
        sa.PrimaryKeyConstraint(
            "window_id", "agreement_id", "currency", "source", "source_id",
            name=op.f("pk_covers"),
        ),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
