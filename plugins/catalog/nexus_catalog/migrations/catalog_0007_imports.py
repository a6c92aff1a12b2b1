"""Imports that staff send in, and the sources of imported images."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "catalog_0007"
down_revision = "catalog_0006"
branch_labels = None
depends_on = None

COUNTS = ("created", "updated", "unchanged", "refused", "images", "images_refused", "attempts", "done_line")


def upgrade() -> None:
    op.create_table(
        "catalog_import",
        sa.Column("state", sa.String(length=20), server_default="queued", nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("set_stock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in COUNTS),
        sa.Column("warnings", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("claim", sa.Uuid()),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name="ck_catalog_import_state_known"
        ),
        sa.CheckConstraint("format IN ('csv', 'jsonl')", name="ck_catalog_import_format_known"),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_import"),
    )
    op.create_index(
        "ix_catalog_import_newest", "catalog_import", [sa.text("created_at DESC"), sa.text("id DESC")]
    )
    op.create_index(
        "ix_catalog_import_due",
        "catalog_import",
        ["claimed_until"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "catalog_import_chunk",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('input', 'refused')", name="ck_catalog_import_chunk_kind_known"),
        sa.ForeignKeyConstraint(
            ["import_id"], ["catalog_import.id"], name="fk_catalog_import_chunk_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "kind", "number", name="pk_catalog_import_chunk"),
    )
    op.create_table(
        "catalog_image_source",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("image_id", sa.Uuid()),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name="fk_catalog_image_source_product_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["catalog_product_image.id"],
            name="fk_catalog_image_source_image_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_image_source"),
        sa.UniqueConstraint("product_id", "digest", name="uq_catalog_image_source_product_id_digest"),
    )
    op.create_index("ix_catalog_image_source_image_id", "catalog_image_source", ["image_id"])


def downgrade() -> None:
    for table in ("image_source", "import_chunk", "import"):
        op.drop_table(f"catalog_{table}")
