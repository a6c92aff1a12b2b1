"""Finding the mails of a person, to export or erase them."""

from alembic import op

revision = "notifications_0002"
down_revision = "notifications_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_notifications_email_task_user_id", "notifications_email_task", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_notifications_email_task_user_id", table_name="notifications_email_task")
