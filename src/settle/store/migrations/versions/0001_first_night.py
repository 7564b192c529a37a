"""The tables of the first night."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breaks",
        sa.Column("break_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("cured_on", sa.Date(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("next_action", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("cured_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_breaks_direction")),
        sa.PrimaryKeyConstraint("break_id", name=op.f("pk_breaks")),
    )
    op.create_index(op.f("ix_breaks_cured_on"), "breaks", ["cured_on"], unique=False)
    op.create_table(
        "carries",
        sa.Column("carry_id", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("taken_in", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("carry_id", name=op.f("pk_carries")),
    )
    op.create_index(op.f("ix_carries_taken_in"), "carries", ["taken_in"], unique=False)
    op.create_table(
        "epochs",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_epochs")),
    )
    op.create_table(
        "exchanges",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("headers", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer_headers", sa.String(), nullable=True),
        sa.Column("answer_content", sa.LargeBinary(), nullable=True),
        sa.Column("silence", sa.String(), nullable=True),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "step", "turn", name=op.f("pk_exchanges")),
    )
    op.create_table(
        "intake_batches",
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=False),
        sa.Column("agreements_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("records_in", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "records_in = accepted + duplicates + quarantined", name=op.f("ck_intake_batches_sums")
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_intake_batches")),
        sa.UniqueConstraint(
            "content_id",
            "agreements_digest",
            name=op.f("uq_intake_batches_content_id_agreements_digest"),
        ),
    )
    op.create_table(
        "journal",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.String(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_journal_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_journal_moves")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_journal")),
    )
    op.create_index(op.f("ix_journal_subject"), "journal", ["subject"], unique=False)
    op.create_table(
        "line_outcomes",
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("judged_on", sa.Date(), nullable=False),
        sa.Column("matched_on", sa.Date(), nullable=True),
        sa.Column("suspended_on", sa.Date(), nullable=True),
        sa.Column("pass", sa.String(), nullable=True),
        sa.Column("match_kind", sa.String(), nullable=True),
        sa.Column("contra", sa.String(), nullable=True),
        sa.Column("break_kind", sa.String(), nullable=True),
        sa.Column("payment_id", sa.String(), nullable=True),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_line_outcomes")),
    )
    op.create_index(
        op.f("ix_line_outcomes_judged_on"), "line_outcomes", ["judged_on"], unique=False
    )
    op.create_index(
        op.f("ix_line_outcomes_matched_on"), "line_outcomes", ["matched_on"], unique=False
    )
    op.create_table(
        "line_payments",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("charges_minor", sa.BigInteger(), nullable=False),
        sa.Column("state_seen", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id", "leg", name=op.f("pk_line_payments")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_line_payments_evidence_id")),
    )
    op.create_index(
        op.f("ix_line_payments_confirmed_at"), "line_payments", ["confirmed_at"], unique=False
    )
    op.create_index(op.f("ix_line_payments_line_id"), "line_payments", ["line_id"], unique=False)
    op.create_table(
        "night_batches",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day", "batch_id", name=op.f("pk_night_batches")),
    )
    op.create_table(
        "nights",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("lines", sa.String(), nullable=True),
        sa.Column("rails_down", sa.String(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_nights")),
    )
    op.create_table(
        "payment_events",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("charges_minor", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "event_id", name=op.f("pk_payment_events")),
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("not_before", sa.Date(), nullable=False),
        sa.Column("beneficiary_name", sa.String(), nullable=False),
        sa.Column("beneficiary_country", sa.String(), nullable=False),
        sa.Column("beneficiary_town", sa.String(), nullable=False),
        sa.Column("beneficiary_account", sa.String(), nullable=False),
        sa.Column("beneficiary_bic", sa.String(), nullable=True),
        sa.Column("beneficiary_bank_code", sa.String(), nullable=True),
        sa.Column("remittance_information", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("routing_reason", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("end_to_end_id", sa.String(length=35), nullable=False),
        sa.Column("uetr", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("approved_fingerprint", sa.String(), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("hold_reason", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("funded", sa.Boolean(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("in_transit", sa.Boolean(), nullable=False),
        sa.Column("contradiction", sa.String(), server_default="", nullable=False),
        sa.Column("releases", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("conversation_id", sa.String(), nullable=True),
        sa.Column("batch_id", sa.String(length=35), nullable=True),
        sa.Column("batch_on", sa.Date(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_positive")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sa.UniqueConstraint("end_to_end_id", name=op.f("uq_payments_end_to_end_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payments_idempotency_key")),
        sa.UniqueConstraint("uetr", name=op.f("uq_payments_uetr")),
    )
    op.create_index(op.f("ix_payments_batch_id"), "payments", ["batch_id"], unique=False)
    op.create_index(
        op.f("ix_payments_beneficiary_account"), "payments", ["beneficiary_account"], unique=False
    )
    op.create_index(
        op.f("ix_payments_conversation_id"), "payments", ["conversation_id"], unique=False
    )
    op.create_index(op.f("ix_payments_state_rail"), "payments", ["state", "rail"], unique=False)
    op.create_index(
        op.f("ix_payments_tenant_obligation_id"),
        "payments",
        ["tenant", "obligation_id"],
        unique=False,
    )
    op.create_index(
        "uq_payments_live_obligation",
        "payments",
        ["tenant", "obligation_id"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "refusals",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day", "subject", name=op.f("pk_refusals")),
    )
    op.create_table(
        "reserve_slices",
        sa.Column("slice_id", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("release_on", sa.Date(), nullable=False),
        sa.Column("released_in", sa.String(length=10), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_reserve_slices_positive")),
        sa.PrimaryKeyConstraint("slice_id", name=op.f("pk_reserve_slices")),
    )
    op.create_table(
        "returned_payables",
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("back_minor", sa.BigInteger(), nullable=False),
        sa.Column("charges_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_returned_payables")),
    )
    op.create_table(
        "statement_documents",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("lines_in", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_statement_documents")),
    )
    op.create_table(
        "statement_findings",
        sa.Column("finding_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_statement_findings")),
    )
    op.create_index(
        op.f("ix_statement_findings_document_id"),
        "statement_findings",
        ["document_id"],
        unique=False,
    )
    op.create_table(
        "statement_lines",
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("line_ref", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("end_to_end_id", sa.String(), nullable=True),
        sa.Column("uetr", sa.String(), nullable=True),
        sa.Column("batch_id", sa.String(), nullable=True),
        sa.Column("rail_reference", sa.String(), nullable=True),
        sa.Column("batch_count", sa.Integer(), nullable=False),
        sa.Column("instructed_minor", sa.BigInteger(), nullable=True),
        sa.Column("instructed_currency", sa.String(length=3), nullable=True),
        sa.Column("charges_minor", sa.BigInteger(), nullable=False),
        sa.Column("return_code", sa.String(), nullable=True),
        sa.Column("counterparty", sa.Text(), nullable=False),
        sa.Column("remittance_information", sa.Text(), nullable=False),
        sa.Column("reference_names", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_statement_lines")),
    )
    op.create_index(op.f("ix_statement_lines_day"), "statement_lines", ["day"], unique=False)
    op.create_index(
        op.f("ix_statement_lines_rail_account_day"),
        "statement_lines",
        ["rail", "account", "day"],
        unique=False,
    )
    op.create_table(
        "statements",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rail", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("statement_ref", sa.String(), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "place", name=op.f("pk_statements")),
    )
    op.create_index(
        op.f("ix_statements_rail_account_day"),
        "statements",
        ["rail", "account", "day"],
        unique=False,
    )
    op.create_table(
        "windows",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("positions", sa.BigInteger(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("currencies", sa.String(), nullable=False),
        sa.Column("settled_digest", sa.String(length=64), nullable=False),
        sa.Column("manifest_digest", sa.String(length=64), nullable=False),
        sa.Column("rates_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("window_id", name=op.f("pk_windows")),
    )
    op.create_table(
        "withdrawals",
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_withdrawals")),
    )
    op.create_index(op.f("ix_withdrawals_batch_id"), "withdrawals", ["batch_id"], unique=False)
    op.create_table(
        "findings",
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["intake_batches.batch_id"], name=op.f("fk_findings_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "row", name=op.f("pk_findings")),
    )
    op.create_table(
        "manifests",
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["intake_batches.batch_id"], name=op.f("fk_manifests_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_manifests_window_id")
        ),
        sa.PrimaryKeyConstraint("window_id", "batch_id", name=op.f("pk_manifests")),
    )
    op.create_index(op.f("ix_manifests_batch_id"), "manifests", ["batch_id"], unique=False)
    op.create_table(
        "obligations",
        sa.Column("obligation_id", sa.String(length=64), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("beneficiary_name", sa.String(), nullable=False),
        sa.Column("beneficiary_country", sa.String(), nullable=False),
        sa.Column("beneficiary_town", sa.String(), nullable=False),
        sa.Column("beneficiary_account", sa.String(), nullable=False),
        sa.Column("beneficiary_bic", sa.String(), nullable=True),
        sa.Column("beneficiary_bank_code", sa.String(), nullable=True),
        sa.Column("covered_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_obligations_positive")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_obligations_window_id")
        ),
        sa.PrimaryKeyConstraint("obligation_id", name=op.f("pk_obligations")),
    )
    op.create_index(op.f("ix_obligations_window_id"), "obligations", ["window_id"], unique=False)
    op.create_table(
        "positions",
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("window_id", sa.String(length=10), nullable=False),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("converted_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserve_withheld_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserve_released_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("carried_in_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.window_id"], name=op.f("fk_positions_window_id")
        ),
        sa.PrimaryKeyConstraint("position_id", name=op.f("pk_positions")),
        sa.UniqueConstraint(
            "window_id",
            "agreement_id",
            "currency",
            name=op.f("uq_positions_window_id_agreement_id_currency"),
        ),
    )
    op.create_index(op.f("ix_positions_agreement_id"), "positions", ["agreement_id"], unique=False)
    op.create_table(
        "position_lines",
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("sales_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunds_minor", sa.BigInteger(), nullable=False),
        sa.Column("chargebacks_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversals_minor", sa.BigInteger(), nullable=False),
        sa.Column("adjustments_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_percent_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_back_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_explicit_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate_id", sa.String(), nullable=False),
        sa.Column("mid_e8", sa.BigInteger(), nullable=False),
        sa.Column("client_e8", sa.BigInteger(), nullable=False),
        sa.Column("rounding", sa.String(), nullable=False),
        sa.Column("converted_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"], ["positions.position_id"], name=op.f("fk_position_lines_position_id")
        ),
        sa.PrimaryKeyConstraint("position_id", "currency", name=op.f("pk_position_lines")),
    )


def downgrade() -> None:
    raise NotImplementedError("a settlement store only goes forward; restore a backup instead")
