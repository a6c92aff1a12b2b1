"""Methods of shipping, and what they cost where."""

import sqlalchemy as sa
from alembic import op

revision = "shipping_0001"
down_revision = None
branch_labels = ("shipping",)
depends_on = None

LARGEST = 1000000000000000


def upgrade() -> None:
    op.create_table(
        "shipping_method",
        sa.Column("code", sa.String(length=50), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("min_days", sa.Integer()),
        sa.Column("max_days", sa.Integer()),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9][a-z0-9_-]*$'", name="ck_shipping_method_code_form"),
        sa.CheckConstraint("title <> ''", name="ck_shipping_method_title_not_empty"),
        sa.CheckConstraint("position BETWEEN 0 AND 10000", name="ck_shipping_method_position_range"),
        sa.CheckConstraint(
            "(min_days IS NULL) = (max_days IS NULL)", name="ck_shipping_method_days_together"
        ),
        sa.CheckConstraint(
            "0 <= min_days AND min_days <= max_days AND max_days <= 365", name="ck_shipping_method_days_range"
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_shipping_method_currency_code"),
        sa.PrimaryKeyConstraint("id", name="pk_shipping_method"),
        sa.UniqueConstraint("code", name="uq_shipping_method_code"),
        sa.UniqueConstraint("id", "currency", name="uq_shipping_method_id_currency"),
    )
    op.create_table(
        "shipping_band",
        sa.Column("method_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=2)),
        sa.Column("region", sa.String(length=100), server_default="", nullable=False),
        sa.Column("min_weight_grams", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_weight_grams", sa.Integer()),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("free_from_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_shipping_band_country_code"),
        sa.CheckConstraint("country IS NOT NULL OR region = ''", name="ck_shipping_band_region_of_country"),
        sa.CheckConstraint(
            "0 <= min_weight_grams AND min_weight_grams < coalesce(max_weight_grams, 1000000001)",
            name="ck_shipping_band_weight_range",
        ),
        sa.CheckConstraint(f"price_minor BETWEEN 0 AND {LARGEST}", name="ck_shipping_band_price_minor_range"),
        sa.CheckConstraint(
            f"free_from_minor BETWEEN 0 AND {LARGEST}", name="ck_shipping_band_free_from_minor_range"
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_shipping_band_currency_code"),
        sa.ForeignKeyConstraint(
            ["method_id", "currency"],
            ["shipping_method.id", "shipping_method.currency"],
            name="fk_shipping_band_method_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shipping_band"),
        sa.UniqueConstraint(
            "method_id",
            "country",
            "region",
            "min_weight_grams",
            name="uq_shipping_band_begin",
            postgresql_nulls_not_distinct=True,
        ),
    )


def downgrade() -> None:
    op.drop_table("shipping_band")
    op.drop_table("shipping_method")
