"""People, profiles, refresh token families and single-use tokens."""

import sqlalchemy as sa
from alembic import op

revision = "accounts_0001"
down_revision = None
branch_labels = ("accounts",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts_user",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("username", sa.String(length=30), nullable=True),
        sa.Column("username_key", sa.String(), nullable=True),
        sa.Column("first_name", sa.String(length=150), server_default="", nullable=False),
        sa.Column("last_name", sa.String(length=150), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.String(length=50)), server_default="{}", nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "array_position(roles, NULL) IS NULL AND NOT 'member' = ANY (roles)",
            name="ck_accounts_user_roles",
        ),
        sa.CheckConstraint(
            "(username IS NULL) = (username_key IS NULL)", name="ck_accounts_user_username_has_key"
        ),
        sa.CheckConstraint("erased_at IS NULL OR NOT is_active", name="ck_accounts_user_erased_is_inactive"),
        sa.CheckConstraint("length(email) BETWEEN 3 AND 254", name="ck_accounts_user_email_length"),
        sa.CheckConstraint("token_version >= 0", name="ck_accounts_user_token_version_range"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_user"),
        sa.UniqueConstraint("email_key", name="uq_accounts_user_email_key"),
        sa.UniqueConstraint("username_key", name="uq_accounts_user_username_key"),
    )
    op.create_table(
        "accounts_profile",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.String(length=20), server_default="", nullable=False),
        sa.Column("bio", sa.String(length=2000), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name="fk_accounts_profile_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_accounts_profile"),
    )
    op.create_table(
        "accounts_refresh_family",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("jti", sa.Uuid(), nullable=False),
        sa.Column("previous_jti", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name="fk_accounts_refresh_family_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_refresh_family"),
    )
    op.create_index(
        "ix_accounts_refresh_family_expires_at", "accounts_refresh_family", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_accounts_refresh_family_user_id", "accounts_refresh_family", ["user_id"], unique=False
    )
    op.create_table(
        "accounts_single_use_token",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("purpose IN ('activation')", name="ck_accounts_single_use_token_purpose"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name="fk_accounts_single_use_token_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_single_use_token"),
        sa.UniqueConstraint("user_id", "purpose", name="uq_accounts_single_use_token_user_id_purpose"),
    )


def downgrade() -> None:
    op.drop_table("accounts_single_use_token")
    op.drop_index("ix_accounts_refresh_family_user_id", table_name="accounts_refresh_family")
    op.drop_index("ix_accounts_refresh_family_expires_at", table_name="accounts_refresh_family")
    op.drop_table("accounts_refresh_family")
    op.drop_table("accounts_profile")
    op.drop_table("accounts_user")
