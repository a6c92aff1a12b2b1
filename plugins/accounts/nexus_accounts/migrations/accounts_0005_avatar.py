"""A picture of the person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "accounts_0005"
down_revision = "accounts_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts_profile", sa.Column("avatar", JSONB()))


def downgrade() -> None:
    # The files stay known, so that a later sweep deletes them.
    op.execute(
        "INSERT INTO nexus_media_orphan (key, due_at) SELECT DISTINCT size.value ->> 'key', now() "
        "FROM accounts_profile, jsonb_each(avatar) AS size ON CONFLICT DO NOTHING"
    )
    op.drop_column("accounts_profile", "avatar")
