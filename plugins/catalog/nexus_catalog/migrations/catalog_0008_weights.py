"""What one piece of a variant weighs."""

import sqlalchemy as sa
from alembic import op

revision = "catalog_0008"
down_revision = "catalog_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "catalog_variant"
    op.add_column(table, sa.Column("weight_grams", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        "ck_catalog_variant_weight_grams_range", table, "weight_grams BETWEEN 0 AND 10000000"
    )


def downgrade() -> None:
    op.drop_column("catalog_variant", "weight_grams")
