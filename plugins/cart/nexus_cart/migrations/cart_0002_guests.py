"""Carts of guests, and when a cart was left alone. Carts of before are looked at after their next change."""

import sqlalchemy as sa
from alembic import op

revision = "cart_0002"
down_revision = "cart_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("cart_cart", "user_id", new_column_name="holder_id")
    op.execute("ALTER TABLE cart_cart RENAME CONSTRAINT uq_cart_cart_user_id TO uq_cart_cart_holder_id")
    op.add_column(
        "cart_cart", sa.Column("is_guest", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("cart_cart", sa.Column("abandoned_version", sa.BigInteger(), nullable=True))
    op.add_column("cart_cart", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_cart_cart_look_at", "cart_cart", ["look_at"], postgresql_where=sa.text("look_at IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("DELETE FROM cart_cart WHERE is_guest")
    op.drop_index("ix_cart_cart_look_at", table_name="cart_cart")
    op.drop_column("cart_cart", "look_at")
    op.drop_column("cart_cart", "abandoned_version")
    op.drop_column("cart_cart", "is_guest")
    op.execute("ALTER TABLE cart_cart RENAME CONSTRAINT uq_cart_cart_holder_id TO uq_cart_cart_user_id")
    op.alter_column("cart_cart", "holder_id", new_column_name="user_id")
