"""Carts and their lines."""

import sqlalchemy as sa
from alembic import op

revision = "cart_0001"
down_revision = None
branch_labels = ("cart",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cart_cart",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("generation >= 1", name="ck_cart_cart_generation_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_cart_cart"),
        sa.UniqueConstraint("user_id", name="uq_cart_cart_user_id"),
    )
    op.create_table(
        "cart_item",
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_cart_item_currency_code"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name="ck_cart_item_quantity_range"),
        sa.CheckConstraint(
            "unit_price_minor BETWEEN 0 AND 1000000000000000", name="ck_cart_item_unit_price_minor_range"
        ),
        sa.ForeignKeyConstraint(
            ["cart_id"], ["cart_cart.id"], name="fk_cart_item_cart_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cart_item"),
        sa.UniqueConstraint("cart_id", "variant_id", name="uq_cart_item_cart_id_variant_id"),
    )


def downgrade() -> None:
    op.drop_table("cart_item")
    op.drop_table("cart_cart")
