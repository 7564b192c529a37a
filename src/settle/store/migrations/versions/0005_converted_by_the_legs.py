"""What was taken off both legs of a rate, kept with what was converted at it."""

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


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
