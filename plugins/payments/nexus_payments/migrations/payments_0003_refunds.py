"""Refunds, and webhooks that tell of them."""

import sqlalchemy as sa
from alembic import op

revision = "payments_0003"
down_revision = "payments_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payments_refund",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payable_kind", sa.String(length=32), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("caller_reference", sa.String(length=200), nullable=True),
        sa.Column("part", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("failure", sa.String(length=300), nullable=True),
        sa.Column("sends", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("checks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_refund_amount_positive")),
        sa.CheckConstraint(
            "amount_minor BETWEEN 0 AND 1000000000000000", name=op.f("ck_payments_refund_amount_minor_range")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_payments_refund_currency_code")),
        sa.CheckConstraint("part >= 0", name=op.f("ck_payments_refund_part_range")),
        sa.CheckConstraint("reference ~ '^[A-Z0-9]{1,20}$'", name=op.f("ck_payments_refund_reference_form")),
        sa.CheckConstraint(
            "status <> 'settled' OR settled_at IS NOT NULL", name=op.f("ck_payments_refund_settled_has_time")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'accepted', 'unknown', 'needs_person', 'settled', 'rejected', "
            "'reversed')",
            name=op.f("ck_payments_refund_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments_payment.id"], name=op.f("fk_payments_refund_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments_refund")),
        sa.UniqueConstraint("reference", name=op.f("uq_payments_refund_reference")),
        sa.UniqueConstraint(
            "caller_reference", "part", name=op.f("uq_payments_refund_caller_reference_part")
        ),
    )
    op.create_index("ix_payments_refund_payment", "payments_refund", ["payment_id", "id"], unique=False)
    op.create_index(
        "ix_payments_refund_payable", "payments_refund", ["payable_kind", "payable_id"], unique=False
    )
    op.create_index(
        "ix_payments_refund_status", "payments_refund", ["status", "created_at", "id"], unique=False
    )
    op.create_index("ix_payments_refund_created", "payments_refund", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_payments_refund_due",
        "payments_refund",
        ["next_check_at"],
        unique=False,
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    events = "payments_provider_event"
    op.add_column(events, sa.Column("provider_ref", sa.String(length=200), nullable=True))
    op.add_column(
        events, sa.Column("about_refund", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(events, sa.Column("refund_reference", sa.String(length=100), nullable=True))
    op.add_column(events, sa.Column("refund_provider_ref", sa.String(length=200), nullable=True))


def downgrade() -> None:
    for column in ("refund_provider_ref", "refund_reference", "about_refund", "provider_ref"):
        op.drop_column("payments_provider_event", column)
    op.drop_table("payments_refund")
