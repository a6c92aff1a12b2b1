"""Kept averages of reviews on the product."""

import sqlalchemy as sa
from alembic import op

revision = "catalog_0002"
down_revision = "catalog_0001"
branch_labels = None
depends_on = None

AVERAGE = (
    "CASE WHEN rating_count = 0 THEN 0 ELSE round(rating_sum::numeric / rating_count, 2) END::numeric(3,2)"
)


def upgrade() -> None:
    table = "catalog_product"
    op.add_column(table, sa.Column("rating_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column(table, sa.Column("rating_sum", sa.Integer(), server_default="0", nullable=False))
    average = sa.Column(
        "rating_average", sa.Numeric(3, 2), sa.Computed(AVERAGE, persisted=True), nullable=False
    )
    op.add_column(table, average)
    op.create_check_constraint(
        "ck_catalog_product_rating_range", table, "rating_sum BETWEEN rating_count AND rating_count * 5"
    )


def downgrade() -> None:
    for column in ("rating_average", "rating_sum", "rating_count"):
        op.drop_column("catalog_product", column)
