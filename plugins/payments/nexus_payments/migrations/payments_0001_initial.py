"""Attempts, the webhook inbox, and the ledger with its guard."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "payments_0001"
down_revision = None
branch_labels = ("payments",)
depends_on = None


APPEND_ONLY = """
CREATE FUNCTION payments_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payments_transaction_log is append-only';
END $$
"""
GUARD_ROWS = """
CREATE TRIGGER payments_transaction_log_append_only BEFORE UPDATE OR DELETE ON payments_transaction_log
FOR EACH ROW EXECUTE FUNCTION payments_append_only()
"""
GUARD_TABLE = """
CREATE TRIGGER payments_transaction_log_no_truncate BEFORE TRUNCATE ON payments_transaction_log
FOR EACH STATEMENT EXECUTE FUNCTION payments_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "payments_payment",
        sa.Column("payable_kind", sa.String(length=32), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("payable_number", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("checkout_url", sa.String(), nullable=True),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("method", sa.String(length=64), nullable=True),
        sa.Column("return_url", sa.String(length=2000), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("check_failure", sa.String(length=32), nullable=True),
        sa.Column("failure_code", sa.String(length=32), nullable=True),
        sa.Column("failure_message", sa.String(length=300), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_payments_payment_currency_code")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payments_payment_mode_known")),
        sa.CheckConstraint(
            "(status = 'succeeded') = (succeeded_at IS NOT NULL)",
            name=op.f("ck_payments_payment_succeeded_has_time"),
        ),
        sa.CheckConstraint("reference ~ '^[A-Z0-9]{1,20}$'", name=op.f("ck_payments_payment_reference_form")),
        sa.CheckConstraint(
            "status IN ('created', 'pending', 'unknown', 'succeeded', 'failed', 'canceled', 'expired', "
            "'needs_review')",
            name=op.f("ck_payments_payment_status_known"),
        ),
        sa.CheckConstraint(
            "amount_minor BETWEEN 0 AND 1000000000000000", name=op.f("ck_payments_payment_amount_minor_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments_payment")),
        sa.UniqueConstraint("reference", name=op.f("uq_payments_payment_reference")),
    )
    op.create_index("ix_payments_payment_created", "payments_payment", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_payments_payment_due",
        "payments_payment",
        ["next_check_at"],
        unique=False,
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_payment_owner", "payments_payment", ["owner_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_payments_payment_payable", "payments_payment", ["payable_kind", "payable_id"], unique=False
    )
    op.create_index(
        "uq_payments_payment_open",
        "payments_payment",
        ["payable_kind", "payable_id", "provider"],
        unique=True,
        postgresql_where=sa.text("status IN ('created', 'pending', 'unknown')"),
    )
    op.create_table(
        "payments_provider_event",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('received', 'processed', 'orphan')",
            name=op.f("ck_payments_provider_event_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments_provider_event")),
        sa.UniqueConstraint(
            "provider", "dedupe_key", name=op.f("uq_payments_provider_event_provider_dedupe_key")
        ),
    )
    op.create_index(
        "ix_payments_provider_event_due",
        "payments_provider_event",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("available_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_provider_event_received", "payments_provider_event", ["received_at"], unique=False
    )
    op.create_table(
        "payments_transaction_log",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments_payment.id"], name=op.f("fk_payments_transaction_log_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments_transaction_log")),
    )
    op.create_index(
        "ix_payments_transaction_log_payment", "payments_transaction_log", ["payment_id", "id"], unique=False
    )
    op.execute(APPEND_ONLY)
    op.execute(GUARD_ROWS)
    op.execute(GUARD_TABLE)


def downgrade() -> None:
    op.drop_table("payments_transaction_log")
    op.drop_table("payments_provider_event")
    op.drop_table("payments_payment")
    op.execute("DROP FUNCTION payments_append_only()")
