"""Screening: the lists in force, every screening, how payments stand, what people decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screening_versions",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("lists", sa.String(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("review_at", sa.Integer(), nullable=False),
        sa.Column("block_at", sa.Integer(), nullable=False),
        sa.Column("adopted_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint(
            "tenant", "version", "adopted_at", name=op.f("pk_screening_versions")
        ),
    )
    op.create_index(
        "uq_screening_versions_in_force",
        "screening_versions",
        ["tenant"],
        unique=True,
        sqlite_where=sa.text("superseded_at is null"),
        postgresql_where=sa.text("superseded_at is null"),
    )
    op.create_table(
        "screenings",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("screened_at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("beneficiary_name", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("matches", sa.String(), nullable=False),
        sa.Column("matches_more", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "payment_id", "version", "occasion", "screened_at", name=op.f("pk_screenings")
        ),
    )
    _create_standings()
    _create_decisions()


def _create_standings() -> None:
    op.create_table(
        "screening_standings",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("beneficiary_name", sa.String(), nullable=False),
        sa.Column("beneficiary_account", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("matches", sa.String(), nullable=False),
        sa.Column("matches_more", sa.Integer(), nullable=False),
        sa.Column("block_at", sa.Integer(), nullable=False),
        sa.Column("screened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_screening_standings")),
    )
    op.create_index(op.f("ix_screening_standings_subject"), "screening_standings", ["subject"])


def _create_decisions() -> None:
    op.create_table(
        "screening_decisions",
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("entry_digest", sa.String(length=64), nullable=False),
        sa.Column("ruling", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_screening_decisions")),
    )
    op.create_index(
        op.f("ix_screening_decisions_tenant_subject"), "screening_decisions", ["tenant", "subject"]
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
