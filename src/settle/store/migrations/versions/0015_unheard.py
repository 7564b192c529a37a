"""Answers that are stored and that nobody has acted on are marked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exchanges",
        sa.Column("unheard", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index(
        "ix_exchanges_unheard",
        "exchanges",
        ["conversation_id"],
        sqlite_where=sa.text("unheard"),
        postgresql_where=sa.text("unheard"),
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
