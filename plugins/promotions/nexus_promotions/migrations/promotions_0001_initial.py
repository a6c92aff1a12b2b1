"""Coupons and their redemptions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "promotions_0001"
down_revision = None
branch_labels = ("promotions",)
depends_on = None

_COUPON_CHECKS = {
    "code_form": "code ~ '^[A-Z0-9][A-Z0-9_-]*$'",
    "kind_known": "kind IN ('percentage', 'fixed', 'free_shipping')",
    "percentage_of_kind": "(kind = 'percentage') = (percentage IS NOT NULL)",
    "percentage_range": "percentage > 0 AND percentage <= 100",
    "amount_of_kind": "(kind = 'fixed') = (amount_minor IS NOT NULL)",
    "amount_positive": "amount_minor > 0",
    "amount_minor_range": "amount_minor BETWEEN 0 AND 1000000000000000",
    "minimum_spend_minor_range": "minimum_spend_minor BETWEEN 0 AND 1000000000000000",
    "currency_code": "currency ~ '^[A-Z]{3}$'",
    "currency_of_amounts": (
        "(currency IS NOT NULL) = (amount_minor IS NOT NULL OR minimum_spend_minor IS NOT NULL)"
    ),
    "validity_in_order": "starts_at < ends_at",
    "usage_limit_range": "usage_limit BETWEEN 1 AND 1000000000",
    "usage_limit_per_person_range": "usage_limit_per_person BETWEEN 1 AND 1000000000",
    "uses_counted": "uses >= 0 AND (uses = 0 OR usage_limit IS NOT NULL)",
    "product_ids_bound": "cardinality(product_ids) <= 200 AND array_position(product_ids, NULL) IS NULL",
    "variant_ids_bound": "cardinality(variant_ids) <= 200 AND array_position(variant_ids, NULL) IS NULL",
}
_REDEMPTION_CHECKS = {
    "state_known": "state IN ('taken', 'returned')",
    "amount_positive": "amount_minor > 0",
    "amount_minor_range": "amount_minor BETWEEN 0 AND 1000000000000000",
    "currency_code": "currency ~ '^[A-Z]{3}$'",
}


def upgrade() -> None:
    op.create_table(
        "promotions_coupon",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=100), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("percentage", sa.Numeric(5, 2)),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("minimum_spend_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(length=3)),
        sa.Column("starts_at", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("usage_limit", sa.Integer()),
        sa.Column("usage_limit_per_person", sa.Integer()),
        sa.Column("uses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_combinable", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("variant_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_checks("promotions_coupon", _COUPON_CHECKS),
        sa.PrimaryKeyConstraint("id", name="pk_promotions_coupon"),
        sa.UniqueConstraint("code", name="uq_promotions_coupon_code"),
    )
    op.create_table(
        "promotions_redemption",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("settled_by", sa.Uuid()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *_checks("promotions_redemption", _REDEMPTION_CHECKS),
        sa.ForeignKeyConstraint(
            ["coupon_id"],
            ["promotions_coupon.id"],
            name="fk_promotions_redemption_coupon_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_promotions_redemption"),
        sa.UniqueConstraint("order_id", "coupon_id", name="uq_promotions_redemption_order_id_coupon_id"),
    )
    op.create_index("ix_promotions_redemption_coupon", "promotions_redemption", ["coupon_id", "id"])
    op.create_index(
        "ix_promotions_redemption_taken",
        "promotions_redemption",
        ["coupon_id", "user_id"],
        postgresql_where=sa.text("state = 'taken'"),
    )
    op.create_index(
        "ix_promotions_redemption_person",
        "promotions_redemption",
        ["user_id", "id"],
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("promotions_redemption")
    op.drop_table("promotions_coupon")


def _checks(table: str, checks: dict[str, str]) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(sql, name=op.f(f"ck_{table}_{name}")) for name, sql in checks.items()]
