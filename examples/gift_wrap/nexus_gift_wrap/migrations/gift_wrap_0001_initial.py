"""Papers, and orders that are wrapped in them."""

import sqlalchemy as sa
from alembic import op

revision = "gift_wrap_0001"
down_revision = None
branch_labels = ("gift_wrap",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gift_wrap_paper",
        sa.Column("code", sa.String(50), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "fee_minor BETWEEN 0 AND 1000000000000000", name="ck_gift_wrap_paper_fee_minor_range"
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_gift_wrap_paper_currency_code"),
        sa.PrimaryKeyConstraint("id", name="pk_gift_wrap_paper"),
        sa.UniqueConstraint("code", name="uq_gift_wrap_paper_code"),
    )
    op.create_table(
        "gift_wrap_wrapping",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("paper_id", sa.Uuid(), nullable=False),
        sa.Column("message", sa.String(200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["gift_wrap_paper.id"], name="fk_gift_wrap_wrapping_paper_id_gift_wrap_paper"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_gift_wrap_wrapping"),
        sa.UniqueConstraint("order_id", name="uq_gift_wrap_wrapping_order_id"),
    )


def downgrade() -> None:
    op.drop_table("gift_wrap_wrapping")
    op.drop_table("gift_wrap_paper")
