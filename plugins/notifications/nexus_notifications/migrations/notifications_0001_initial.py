"""Notifications inside the shop, and mails on their way."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notifications_0001"
down_revision = None
branch_labels = ("notifications",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications_email_task",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("template", sa.String(length=50), nullable=False),
        sa.Column("channel", sa.String(length=50), server_default="email", nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("context", JSONB(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("claim", sa.Uuid()),
        sa.Column("last_error", sa.String()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name="ck_notifications_email_task_sent_at"
        ),
        sa.CheckConstraint("recipient !~ '[[:cntrl:]]'", name="ck_notifications_email_task_recipient"),
        sa.CheckConstraint(
            "state IN ('queued', 'failed', 'sent', 'dead')", name="ck_notifications_email_task_state"
        ),
        sa.CheckConstraint("attempts >= 0", name="ck_notifications_email_task_attempts"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications_email_task"),
        sa.UniqueConstraint(
            "event_id", "template", "channel", "recipient", name="uq_notifications_email_task_once"
        ),
        sa.UniqueConstraint("message_id", name="uq_notifications_email_task_message_id"),
    )
    op.create_index(
        "ix_notifications_email_task_dead",
        "notifications_email_task",
        ["id"],
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_notifications_email_task_due",
        "notifications_email_task",
        ["next_attempt_at", "id"],
        postgresql_where=sa.text("state IN ('queued', 'failed')"),
    )
    op.create_table(
        "notifications_notification",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications_notification"),
        sa.UniqueConstraint(
            "event_id", "kind", "user_id", name="uq_notifications_notification_event_id_kind_user_id"
        ),
    )
    op.create_index(
        "ix_notifications_notification_unread",
        "notifications_notification",
        ["user_id", "id"],
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_index(
        "ix_notifications_notification_user_id_id", "notifications_notification", ["user_id", "id"]
    )


def downgrade() -> None:
    op.drop_table("notifications_notification")
    op.drop_table("notifications_email_task")
