"""Orders, their lines, adjustments and history."""

import sqlalchemy as sa
from alembic import op

revision = "orders_0001"
down_revision = None
branch_labels = ("orders",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "orders_order",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("payment_status", sa.String(length=20), nullable=False),
        sa.Column("payment_method", sa.String(length=50), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("address_line", sa.String(length=300), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("cart_generation", sa.Integer(), nullable=False),
        sa.Column("paid_payment_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_order_currency_code"),
        sa.CheckConstraint(
            "payment_status IN ('pending', 'authorized', 'paid', 'failed', 'partially_refunded', 'refunded',"
            " 'needs_review')",
            name="ck_orders_order_payment_status_known",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled')",
            name="ck_orders_order_status_known",
        ),
        sa.CheckConstraint("discount_minor <= subtotal_minor", name="ck_orders_order_discount_bound"),
        sa.CheckConstraint(
            "discount_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_order_discount_minor_range"
        ),
        sa.CheckConstraint(
            "shipping_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_order_shipping_minor_range"
        ),
        sa.CheckConstraint(
            "subtotal_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_order_subtotal_minor_range"
        ),
        sa.CheckConstraint(
            "tax_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_order_tax_minor_range"
        ),
        sa.CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor",
            name="ck_orders_order_total_sum",
        ),
        sa.CheckConstraint(
            "total_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_order_total_minor_range"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_order"),
        sa.UniqueConstraint("cart_id", "cart_generation", name="uq_orders_order_cart_id_cart_generation"),
        sa.UniqueConstraint("number", name="uq_orders_order_number"),
    )
    op.create_index("ix_orders_order_all", "orders_order", ["placed_at", "id"], unique=False)
    op.create_index(
        "ix_orders_order_due",
        "orders_order",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND expires_at IS NOT NULL"),
    )
    op.create_index("ix_orders_order_own", "orders_order", ["user_id", "placed_at", "id"], unique=False)
    op.create_table(
        "orders_adjustment",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_adjustment_currency_code"),
        sa.CheckConstraint(
            "phase IN ('discount', 'shipping', 'tax')", name="ck_orders_adjustment_phase_known"
        ),
        sa.CheckConstraint(
            "amount_minor BETWEEN 0 AND 1000000000000000",
            name="ck_orders_adjustment_amount_minor_range",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_adjustment_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_adjustment"),
        sa.UniqueConstraint("order_id", "position", name="uq_orders_adjustment_order_id_position"),
    )
    op.create_table(
        "orders_history",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("old_status", sa.String(length=20), nullable=True),
        sa.Column("new_status", sa.String(length=20), nullable=False),
        sa.Column("payment_status", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_history_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_history"),
    )
    op.create_index("ix_orders_history_order", "orders_history", ["order_id", "id"], unique=False)
    op.create_table(
        "orders_item",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_orders_item_currency_code"),
        sa.CheckConstraint("quantity >= 1", name="ck_orders_item_quantity_positive"),
        sa.CheckConstraint("total_minor = unit_price_minor * quantity", name="ck_orders_item_total_product"),
        sa.CheckConstraint(
            "total_minor BETWEEN 0 AND 1000000000000000", name="ck_orders_item_total_minor_range"
        ),
        sa.CheckConstraint(
            "unit_price_minor BETWEEN 0 AND 1000000000000000",
            name="ck_orders_item_unit_price_minor_range",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_item_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_item"),
        sa.UniqueConstraint("order_id", "position", name="uq_orders_item_order_id_position"),
        sa.UniqueConstraint("order_id", "variant_id", name="uq_orders_item_order_id_variant_id"),
    )


def downgrade() -> None:
    op.drop_table("orders_item")
    op.drop_index("ix_orders_history_order", table_name="orders_history")
    op.drop_table("orders_history")
    op.drop_table("orders_adjustment")
    op.drop_index("ix_orders_order_own", table_name="orders_order")
    op.drop_index(
        "ix_orders_order_due",
        table_name="orders_order",
        postgresql_where=sa.text("status = 'pending' AND expires_at IS NOT NULL"),
    )
    op.drop_index("ix_orders_order_all", table_name="orders_order")
    op.drop_table("orders_order")
