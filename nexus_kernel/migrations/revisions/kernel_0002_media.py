"""Files without a row, by their keys."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0002"
down_revision = "kernel_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nexus_media_orphan",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name="pk_nexus_media_orphan"),
    )
    op.create_index("ix_nexus_media_orphan_due_at", "nexus_media_orphan", ["due_at"])


def downgrade() -> None:
    op.drop_table("nexus_media_orphan")
