"""The audit record, API keys, seller applications, devices; people found by what staff type."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "accounts_0004"
down_revision = "accounts_0003"
branch_labels = None
depends_on = None

APPEND_ONLY = """
    CREATE FUNCTION accounts_audit_entry_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_setting('accounts.audit_prune', true) = 'on' THEN
            IF OLD.created_at < now() - interval '30 days' THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION 'the audit record is append-only' USING ERRCODE = 'restrict_violation';
    END $$
"""
REFUSE_ROWS = """
    CREATE TRIGGER accounts_audit_entry_append_only BEFORE UPDATE OR DELETE ON accounts_audit_entry
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_entry_refuse_change()
"""
REFUSE_TRUNCATE = """
    CREATE TRIGGER accounts_audit_entry_no_truncate BEFORE TRUNCATE ON accounts_audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_entry_refuse_change()
"""
SEARCH = (
    "array_to_tsvector(array_remove(array_remove(string_to_array(translate("
    "lower(first_name || ' ' || last_name) || ' ' || email_key || ' ' || coalesce(username_key, ''), "
    "'@._+-', '     '), ' ') || ARRAY[email_key::text, username_key::text], ''), NULL))"
)


def upgrade() -> None:
    _audit()
    _api_keys()
    _applications()
    op.add_column(
        "accounts_refresh_family",
        sa.Column("device", sa.String(length=200), server_default="", nullable=False),
    )
    op.add_column(
        "accounts_refresh_family",
        sa.Column("network", sa.String(length=50), server_default="", nullable=False),
    )
    op.add_column("accounts_user", sa.Column("search", TSVECTOR(), sa.Computed(SEARCH, persisted=True)))
    op.create_index(
        "ix_accounts_user_search",
        "accounts_user",
        ["search"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_accounts_user_roles",
        "accounts_user",
        ["roles"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    op.drop_index("ix_accounts_user_roles", table_name="accounts_user")
    op.drop_index("ix_accounts_user_search", table_name="accounts_user")
    op.drop_column("accounts_user", "search")
    op.drop_column("accounts_refresh_family", "network")
    op.drop_column("accounts_refresh_family", "device")
    for table in ("seller_application", "api_key", "audit_entry"):
        op.drop_table(f"accounts_{table}")
    op.execute("DROP FUNCTION accounts_audit_entry_refuse_change()")


def _moment(name: str, *, required: bool = False) -> sa.Column[sa.DateTime]:
    default = sa.text("now()") if required else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not required)


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["accounts_user.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )


def _audit() -> None:
    op.create_table(
        "accounts_audit_entry",
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(length=50), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("network", sa.String(length=50), server_default="", nullable=False),
        sa.Column("request_id", sa.String(length=100), nullable=True),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_audit_entry"),
    )
    for columns in (
        ["created_at", "id"],
        ["subject_id", "created_at", "id"],
        ["act", "created_at", "id"],
    ):
        op.create_index(f"ix_accounts_audit_entry_{'_'.join(columns)}", "accounts_audit_entry", columns)
    for statement in (APPEND_ONLY, REFUSE_ROWS, REFUSE_TRUNCATE):
        op.execute(statement)


def _api_keys() -> None:
    op.create_table(
        "accounts_api_key",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String(length=100)), nullable=False),
        _moment("created_at", required=True),
        _moment("expires_at"),
        _moment("last_used_at"),
        _moment("revoked_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("cardinality(scopes) > 0", name="ck_accounts_api_key_has_scopes"),
        _person("accounts_api_key"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_api_key"),
        sa.UniqueConstraint("prefix", name="uq_accounts_api_key_prefix"),
    )
    op.create_index("ix_accounts_api_key_user_id", "accounts_api_key", ["user_id"])


def _applications() -> None:
    table = "accounts_seller_application"
    op.create_table(
        table,
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("shop_name", sa.String(length=100), nullable=False),
        sa.Column("message", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("status", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        _moment("decided_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        _moment("created_at", required=True),
        _moment("updated_at", required=True),
        sa.CheckConstraint("status IN ('pending', 'approved', 'declined')", name=f"ck_{table}_status_known"),
        sa.CheckConstraint(
            "(status = 'pending') = (decided_at IS NULL)", name=f"ck_{table}_decided_has_time"
        ),
        _person(table),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(
        f"uq_{table}_open", table, ["user_id"], unique=True, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_index(f"ix_{table}_user_id_id", table, ["user_id", "id"])
    op.create_index(f"ix_{table}_status_id", table, ["status", "id"])
