"""Variants with options that can be retired, the history of prices, adjustments of stock and its low mark."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "catalog_0004"
down_revision = "catalog_0003"
branch_labels = None
depends_on = None

REASONS = ("initial", "correction", "import", "reserve", "release", "ship")
ADJUSTMENTS = ("received", "returned", "counted", "damaged", "lost", "found")
REASON_CHECKS = (
    "ck_catalog_stock_movement_reason_known",
    "ck_catalog_stock_movement_ck_catalog_stock_movement_rea_3631",
)
"""The name of the check, and the one under which the first revision made it."""
# `catalog.actor_id` is set for the transaction by the one who changes the price, where a person does.
NOTE_PRICE = """
    CREATE FUNCTION catalog_variant_note_price() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO catalog_price_change (product_id, variant_id, old_price_minor, old_currency,
                                          new_price_minor, new_currency, actor_id)
        VALUES (NEW.product_id, NEW.id, OLD.price_minor, OLD.currency, NEW.price_minor, NEW.currency,
                nullif(current_setting('catalog.actor_id', true), '')::uuid);
        SELECT min(old_price_minor) INTO NEW.prior_price_minor FROM catalog_price_change
        WHERE variant_id = NEW.id AND old_currency = NEW.currency AND at > now() - interval '30 days';
        RETURN NEW;
    END $$
"""
NOTE_PRICE_TRIGGER = """
    CREATE TRIGGER catalog_variant_note_price BEFORE UPDATE OF price_minor, currency ON catalog_variant
    FOR EACH ROW
    WHEN (OLD.price_minor IS DISTINCT FROM NEW.price_minor OR OLD.currency IS DISTINCT FROM NEW.currency)
    EXECUTE FUNCTION catalog_variant_note_price()
"""
APPEND_ONLY = """
    CREATE FUNCTION catalog_price_change_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the history of prices is append-only' USING ERRCODE = 'restrict_violation';
    END $$
"""
APPEND_ONLY_TRIGGER = """
    CREATE TRIGGER catalog_price_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON catalog_price_change FOR EACH STATEMENT EXECUTE FUNCTION catalog_price_change_refuse_change()
"""


def upgrade() -> None:
    options = sa.Column("options", JSONB(), server_default=sa.text("'[]'"), nullable=False)
    op.add_column("catalog_product", options)
    op.create_check_constraint(
        op.f("ck_catalog_product_options_array"), "catalog_product", "jsonb_typeof(options) = 'array'"
    )
    active = sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    op.add_column("catalog_variant", active)
    op.add_column("catalog_variant", sa.Column("prior_price_minor", sa.BigInteger()))
    op.create_check_constraint(
        op.f("ck_catalog_variant_default_is_active"), "catalog_variant", "is_active OR NOT is_default"
    )
    op.create_index(
        "uq_catalog_variant_option_values",
        "catalog_variant",
        ["product_id", "option_values"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.add_column("catalog_stock", sa.Column("low_stock_threshold", sa.Integer()))
    op.create_check_constraint(
        op.f("ck_catalog_stock_low_stock_threshold_range"), "catalog_stock", "low_stock_threshold >= 0"
    )
    op.add_column("catalog_stock_movement", sa.Column("note", sa.String(length=500)))
    _replace_reasons((*REASONS, *ADJUSTMENTS))
    _create_price_change()
    for statement in (NOTE_PRICE, NOTE_PRICE_TRIGGER, APPEND_ONLY, APPEND_ONLY_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Adjustments become corrections, because the ledger knew no other word for them."""
    op.execute("DROP TRIGGER catalog_variant_note_price ON catalog_variant")
    op.drop_table("catalog_price_change")
    op.execute("DROP FUNCTION catalog_variant_note_price()")
    op.execute("DROP FUNCTION catalog_price_change_refuse_change()")
    op.execute("ALTER TABLE catalog_stock_movement DISABLE TRIGGER catalog_stock_movement_append_only")
    op.execute(f"UPDATE catalog_stock_movement SET reason = 'correction' WHERE reason IN {ADJUSTMENTS}")
    op.execute("ALTER TABLE catalog_stock_movement ENABLE TRIGGER catalog_stock_movement_append_only")
    _replace_reasons(REASONS)
    op.drop_column("catalog_stock_movement", "note")
    op.drop_column("catalog_stock", "low_stock_threshold")
    op.drop_index("uq_catalog_variant_option_values", "catalog_variant")
    op.drop_constraint(op.f("ck_catalog_variant_default_is_active"), "catalog_variant")
    op.drop_column("catalog_variant", "prior_price_minor")
    op.drop_column("catalog_variant", "is_active")
    op.drop_column("catalog_product", "options")


def _replace_reasons(reasons: tuple[str, ...]) -> None:
    table = "catalog_stock_movement"
    for name in REASON_CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.create_check_constraint(op.f(REASON_CHECKS[0]), table, f"reason IN {reasons}")


def _create_price_change() -> None:
    table = "catalog_price_change"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("old_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("old_currency", sa.String(length=3), nullable=False),
        sa.Column("new_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("new_currency", sa.String(length=3), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name="fk_catalog_price_change_product_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["catalog_variant.id"],
            name="fk_catalog_price_change_variant_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_price_change"),
    )
    op.create_index("ix_catalog_price_change_product_id_id", table, ["product_id", "id"])
    op.create_index("ix_catalog_price_change_variant_id_at", table, ["variant_id", "at"])
