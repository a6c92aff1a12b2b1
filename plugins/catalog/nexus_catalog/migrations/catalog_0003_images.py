"""Pictures of products, the first of which is kept on the product."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "catalog_0003"
down_revision = "catalog_0002"
branch_labels = None
depends_on = None

TABLE = "catalog_product_image"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alt", sa.String(300), server_default=sa.text("''"), nullable=False),
        sa.Column("sizes", JSONB(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog_product.id"], name=f"fk_{TABLE}_product_id", ondelete="RESTRICT"
        ),
        sa.UniqueConstraint(
            "product_id",
            "position",
            name=f"uq_{TABLE}_product_id_position",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.UniqueConstraint("product_id", "content_hash", name=f"uq_{TABLE}_product_id_content_hash"),
        sa.CheckConstraint("position >= 0", name=f"ck_{TABLE}_position_range"),
        sa.CheckConstraint("octet_length(content_hash) = 32", name=f"ck_{TABLE}_content_hash_length"),
        sa.CheckConstraint("jsonb_typeof(sizes) = 'object'", name=f"ck_{TABLE}_sizes_object"),
    )
    op.add_column("catalog_product", sa.Column("image", JSONB()))


def downgrade() -> None:
    op.drop_column("catalog_product", "image")
    # The files stay known, so that a later sweep deletes them.
    op.execute(
        "INSERT INTO nexus_media_orphan (key, due_at) SELECT DISTINCT size.value ->> 'key', now() "
        f"FROM {TABLE}, jsonb_each(sizes) AS size ON CONFLICT DO NOTHING"
    )
    op.drop_table(TABLE)
