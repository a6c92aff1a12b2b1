"""Rates of tax."""

import sqlalchemy as sa
from alembic import op

revision = "tax_0001"
down_revision = None
branch_labels = ("tax",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_rate",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=100), server_default="", nullable=False),
        sa.Column("label", sa.String(length=50), nullable=False),
        sa.Column("rate", sa.Numeric(6, 5), nullable=False),
        sa.Column("included", sa.Boolean(), nullable=False),
        sa.Column("applies_to_shipping", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True)),
        sa.Column("valid_to", sa.DateTime(timezone=True)),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_tax_rate_country_code"),
        sa.CheckConstraint("label <> ''", name="ck_tax_rate_label_not_empty"),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name="ck_tax_rate_rate_range"),
        sa.CheckConstraint("valid_from < valid_to", name="ck_tax_rate_validity_in_order"),
        sa.PrimaryKeyConstraint("id", name="pk_tax_rate"),
    )
    op.create_index("ix_tax_rate_country", "tax_rate", ["country"])
    op.create_index(
        "uq_tax_rate_begin",
        "tax_rate",
        ["country", "region", "label", "valid_from"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_active"),
    )


def downgrade() -> None:
    op.drop_table("tax_rate")
