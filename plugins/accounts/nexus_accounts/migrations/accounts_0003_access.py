"""Links for a new password and for a new address."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import conv

revision = "accounts_0003"
down_revision = "accounts_0002"
branch_labels = None
depends_on = None

_TABLE = "accounts_single_use_token"
_FIRST_NAME = conv("ck_accounts_single_use_token_ck_accounts_single_use_tok_d1e6")
_PURPOSE = conv("ck_accounts_single_use_token_purpose")
_EMAIL = conv("ck_accounts_single_use_token_email_of_change")


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("email", sa.String(length=254), nullable=True))
    op.drop_constraint(_FIRST_NAME, _TABLE)
    purposes = "purpose IN ('activation', 'password_reset', 'email_change')"
    op.create_check_constraint(_PURPOSE, _TABLE, purposes)
    op.create_check_constraint(_EMAIL, _TABLE, "(purpose = 'email_change') = (email IS NOT NULL)")


def downgrade() -> None:
    op.drop_constraint(_EMAIL, _TABLE)
    op.drop_constraint(_PURPOSE, _TABLE)
    op.execute("DELETE FROM accounts_single_use_token WHERE purpose <> 'activation'")
    op.create_check_constraint(_FIRST_NAME, _TABLE, "purpose IN ('activation')")
    op.drop_column(_TABLE, "email")
