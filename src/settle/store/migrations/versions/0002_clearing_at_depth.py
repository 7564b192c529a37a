"""Clearing at depth: parts of positions, cycles, recoveries, claims, savings, fee usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_tables()
    _widen_tables()


def _add_tables() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_claims_positive")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_claims_window_id")
        ),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claims")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claims_window_id"), ["window_id"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("replacement", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("corrected_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_corrections_window_id")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_corrections")),
    )
    op.create_table(
        "deferrals",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("settles_in", sa.String(length=10), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("taken_in", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_deferrals_window_id")
        ),
        sa.PrimaryKeyConstraint("window_id", "settles_in", name=op.f("pk_deferrals")),
    )
    with op.batch_alter_table("deferrals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deferrals_taken_in"), ["taken_in"], unique=False)

    op.create_table(
        "fee_usage",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_fee_usage_window_id")
        ),
        sa.PrimaryKeyConstraint(
            "window_id",
            "agreement_id",
            "schedule_id",
            "kind",
            "currency",
            "month",
            name=op.f("pk_fee_usage"),
        ),
    )
    with op.batch_alter_table("fee_usage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fee_usage_month"), ["month"], unique=False)

    op.create_table(
        "left_out",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["intake_batches.batch_id"], name=op.f("fk_left_out_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_left_out_window_id")
        ),
        sa.PrimaryKeyConstraint(
            "window_id", "batch_id", "participant_id", "reason", name=op.f("pk_left_out")
        ),
    )
    op.create_table(
        "savings",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("gross_count", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_count", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("payments_saved", sa.BigInteger(), nullable=False),
        sa.Column("efficiency_ppm", sa.BigInteger(), nullable=False),
        sa.Column("peak_gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("peak_net_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_savings_window_id")
        ),
        sa.PrimaryKeyConstraint("window_id", "currency", name=op.f("pk_savings")),
    )
    op.create_table(
        "recoveries",
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_recoveries_positive")),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.position_id"], name=op.f("fk_recoveries_position_id")
        ),
        sa.PrimaryKeyConstraint("position_id", "source", "source_id", name=op.f("pk_recoveries")),
    )
    with op.batch_alter_table("recoveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recoveries_source_agreement_id"),
            ["source", "agreement_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_recoveries_source_id"), ["source_id"], unique=False)


def _widen_tables() -> None:
    with op.batch_alter_table("carries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("manifests", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("whole", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("obligations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("position_lines", schema=None) as batch_op:
        # A bucket is of one rate: refunds at the rate of their sale stand apart.
        batch_op.drop_constraint(batch_op.f("pk_position_lines"), type_="primary")
        batch_op.create_primary_key(
            batch_op.f("pk_position_lines"), ["position_id", "currency", "rate_id"]
        )
        batch_op.add_column(
            sa.Column("via", sa.String(length=3), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("leg_in_e8", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("leg_out_e8", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("markup_ppm", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("convert_per", sa.String(), server_default="bucket", nullable=False)
        )
        batch_op.add_column(
            sa.Column("fx_party", sa.String(), server_default="hub", nullable=False)
        )
        batch_op.add_column(
            sa.Column("fx_result_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("rounding_result_minor", sa.BigInteger(), server_default="0", nullable=False)
        )

    with op.batch_alter_table("positions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.String(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("set_off_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "reserve_recovered_minor", sa.BigInteger(), server_default="0", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("collateral_used_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("claimed_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("paid_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("carried_out_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.drop_constraint(
            batch_op.f("uq_positions_window_id_agreement_id_currency"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_positions_window_id_agreement_id_part_currency"),
            ["window_id", "agreement_id", "part", "currency"],
        )

    with op.batch_alter_table("reserve_slices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.String(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("used_minor", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.alter_column("release_on", existing_type=sa.DATE(), nullable=True)
        batch_op.create_check_constraint(
            batch_op.f("ck_reserve_slices_held"), "used_minor between 0 and amount_minor"
        )
        batch_op.create_index(
            batch_op.f("ix_reserve_slices_released_in"), ["released_in"], unique=False
        )

    with op.batch_alter_table("windows", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agreements_digest", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("fees_digest", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("failed", sa.String(), server_default="[]", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
