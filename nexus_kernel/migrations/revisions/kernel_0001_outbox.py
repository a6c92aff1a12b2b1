"""The outbox and the idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "kernel_0001"
down_revision = None
branch_labels = ("kernel",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nexus_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("trace_id", sa.String()),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_nexus_outbox"),
    )
    op.create_index("ix_nexus_outbox_created_at", "nexus_outbox", ["created_at"])
    op.create_table(
        "nexus_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("dead_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_nexus_delivery"),
        sa.ForeignKeyConstraint(
            ["event_id"], ["nexus_outbox.id"], name="fk_nexus_delivery_event_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("event_id", "subscription", name="uq_nexus_delivery_event_id_subscription"),
    )
    op.create_index(
        "ix_nexus_delivery_due",
        "nexus_delivery",
        ["available_at", "id"],
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "nexus_idempotency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("status", sa.Integer()),
        sa.Column("content_type", sa.String()),
        sa.Column("location", sa.String()),
        sa.Column("etag", sa.String()),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_nexus_idempotency"),
        sa.UniqueConstraint("scope", "key", name="uq_nexus_idempotency_scope_key"),
    )
    op.create_index("ix_nexus_idempotency_claimed_at", "nexus_idempotency", ["claimed_at"])


def downgrade() -> None:
    op.drop_table("nexus_idempotency")
    op.drop_table("nexus_delivery")
    op.drop_table("nexus_outbox")
