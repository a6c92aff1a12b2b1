"""Several links a person, none of which carries a password; addresses that several people registered."""

import sqlalchemy as sa
from alembic import op

revision = "accounts_0002"
down_revision = "accounts_0001"
branch_labels = None
depends_on = None

_UNIQUE = "uq_accounts_single_use_token_user_id_purpose"
_INDEX = "ix_accounts_single_use_token_user_id_purpose_issued_at"


def upgrade() -> None:
    contested = sa.Column("contested", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("accounts_user", contested)
    op.execute(
        "UPDATE accounts_user SET contested = true FROM accounts_single_use_token AS link "
        "WHERE link.user_id = accounts_user.id AND link.password_hash IS NOT NULL"
    )
    op.drop_constraint(_UNIQUE, "accounts_single_use_token")
    op.drop_column("accounts_single_use_token", "password_hash")
    op.create_index(_INDEX, "accounts_single_use_token", ["user_id", "purpose", "issued_at"])


def downgrade() -> None:
    op.drop_index(_INDEX, "accounts_single_use_token")
    # The earlier revision lets a link without a password confirm whoever registered first.
    op.execute(
        "DELETE FROM accounts_single_use_token AS link USING accounts_user AS person "
        "WHERE person.id = link.user_id AND (person.contested OR link.id < "
        "(SELECT max(newer.id::text)::uuid FROM accounts_single_use_token AS newer "
        "WHERE newer.user_id = link.user_id AND newer.purpose = link.purpose))"
    )
    op.add_column("accounts_single_use_token", sa.Column("password_hash", sa.String(255), nullable=True))
    op.create_unique_constraint(_UNIQUE, "accounts_single_use_token", ["user_id", "purpose"])
    op.drop_column("accounts_user", "contested")
