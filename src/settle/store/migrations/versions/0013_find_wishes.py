"""What a notification wishes to be asked, kept until the rail has answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "find_wishes",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("wished_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_find_wishes")),
    )
    with op.batch_alter_table("find_wishes", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_find_wishes_answered_at"), ["answered_at"])


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
