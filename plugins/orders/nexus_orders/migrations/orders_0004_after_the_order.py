"""Shipments, cancellation requests, refund requests, refunds, and the payments that were told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "orders_0004"
down_revision = "orders_0003"
branch_labels = None
depends_on = None

_OPEN = sa.text("status IN ('requested', 'approved', 'refund_failed')")
_LARGEST = 1000000000000000


def upgrade() -> None:
    _create_shipments()
    _create_cancellation_requests()
    _create_refund_requests()
    _create_refunds()
    _create_payments()


def _create_shipments() -> None:
    op.create_table(
        "orders_shipment",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("carrier", sa.String(length=100), nullable=False),
        sa.Column("tracking_code", sa.String(length=100), nullable=False),
        sa.Column("tracking_url", sa.String(length=500), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number >= 1", name="ck_orders_shipment_number_positive"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_shipment_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_shipment"),
        sa.UniqueConstraint("order_id", "number", name="uq_orders_shipment_order_id_number"),
    )
    op.create_table(
        "orders_shipment_line",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 1", name="ck_orders_shipment_line_quantity_positive"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["orders_item.id"], name="fk_orders_shipment_line_item_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"],
            ["orders_shipment.id"],
            name="fk_orders_shipment_line_shipment_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shipment_id", "item_id", name="pk_orders_shipment_line"),
    )
    op.create_index("ix_orders_shipment_line_item_id", "orders_shipment_line", ["item_id"], unique=False)


def _create_cancellation_requests() -> None:
    op.create_table(
        "orders_cancellation_request",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("attempts >= 0", name="ck_orders_cancellation_request_attempts_range"),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'refund_failed', 'declined', 'withdrawn', 'completed')",
            name="ck_orders_cancellation_request_status_known",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders_order.id"],
            name="fk_orders_cancellation_request_order_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_cancellation_request"),
    )
    _create_indexes_of_requests("orders_cancellation_request")


def _create_refund_requests() -> None:
    op.create_table(
        "orders_refund_request",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("approved_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="ck_orders_refund_request_amount_positive"),
        sa.CheckConstraint("attempts >= 0", name="ck_orders_refund_request_attempts_range"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_refund_request_currency_code"),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'refund_failed', 'declined', 'refunded')",
            name="ck_orders_refund_request_status_known",
        ),
        *_amounts("orders_refund_request", "amount_minor", "approved_minor"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_refund_request_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_refund_request"),
    )
    _create_indexes_of_requests("orders_refund_request")


def _create_refunds() -> None:
    op.create_table(
        "orders_refund",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("cancellation_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=True),
        sa.Column("captured_minor", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_refund_currency_code"),
        sa.CheckConstraint(
            "status IN ('asked', 'refunded', 'rejected')", name="ck_orders_refund_status_known"
        ),
        *_amounts("orders_refund", "amount_minor", "refunded_minor", "captured_minor"),
        sa.ForeignKeyConstraint(
            ["cancellation_id"],
            ["orders_cancellation_request.id"],
            name="fk_orders_refund_cancellation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_refund_order_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["orders_refund_request.id"],
            name="fk_orders_refund_request_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_refund"),
    )
    op.create_index("ix_orders_refund_order", "orders_refund", ["order_id", "id"], unique=False)
    op.create_index("uq_orders_refund_refund_id", "orders_refund", ["refund_id"], unique=True)


def _create_payments() -> None:
    op.create_table(
        "orders_payment",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_payment_currency_code"),
        *_amounts("orders_payment", "amount_minor"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_payment_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("payment_id", name="pk_orders_payment"),
    )
    op.create_index("ix_orders_payment_order", "orders_payment", ["order_id"], unique=False)


def _create_indexes_of_requests(table: str) -> None:
    op.create_index(f"ix_{table}_order", table, ["order_id", "id"], unique=False)
    op.create_index(f"ix_{table}_status", table, ["status", "id"], unique=False)
    op.create_index(f"uq_{table}_open", table, ["order_id"], unique=True, postgresql_where=_OPEN)


def _amounts(table: str, *columns: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(f"{column} BETWEEN 0 AND {_LARGEST}", name=f"ck_{table}_{column}_range")
        for column in columns
    ]


def downgrade() -> None:
    for table in (
        "orders_payment",
        "orders_refund",
        "orders_refund_request",
        "orders_cancellation_request",
        "orders_shipment_line",
        "orders_shipment",
    ):
        op.drop_table(table)
