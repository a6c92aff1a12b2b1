"""Categories, products with their search, variants, stock with its ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "catalog_0001"
down_revision = None
branch_labels = ("catalog",)
depends_on = None

SEARCH = (
    "setweight(to_tsvector('simple'::regconfig, (title)::text), 'A'::\"char\") || "
    "setweight(to_tsvector('simple'::regconfig, description), 'B'::\"char\")"
)
SIMILAR = """
    CREATE FUNCTION catalog_similar_products(query text) RETURNS SETOF uuid
    LANGUAGE sql STABLE ROWS 20 SET pg_trgm.word_similarity_threshold = 0.45
    AS 'SELECT id FROM catalog_product WHERE is_active AND query <% title'
"""
# Moves go one after the other. The lock is taken by the statement, before any row's: taken by the row's own
# trigger, it deadlocks with the foreign key's look at the parent.
ONE_MOVE = """
    CREATE FUNCTION catalog_category_one_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('catalog_category'));
        RETURN NULL;
    END $$
"""
ONE_MOVE_TRIGGER = """
    CREATE TRIGGER catalog_category_one_move BEFORE UPDATE OF parent_id ON catalog_category
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_category_one_move()
"""
NO_CYCLE = """
    CREATE FUNCTION catalog_category_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            WITH RECURSIVE ancestor AS (
                SELECT NEW.parent_id AS id
                UNION SELECT c.parent_id FROM catalog_category c JOIN ancestor a ON c.id = a.id
            )
            SELECT FROM ancestor WHERE id = NEW.id
        ) THEN
            RAISE EXCEPTION 'category % would be its own ancestor', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_catalog_category_no_cycle';
        END IF;
        RETURN NEW;
    END $$
"""
NO_CYCLE_TRIGGER = """
    CREATE TRIGGER catalog_category_no_cycle BEFORE UPDATE OF parent_id ON catalog_category
    FOR EACH ROW EXECUTE FUNCTION catalog_category_refuse_cycle()
"""
APPEND_ONLY = """
    CREATE FUNCTION catalog_stock_movement_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the stock ledger is append-only' USING ERRCODE = 'restrict_violation';
    END $$
"""
APPEND_ONLY_TRIGGER = """
    CREATE TRIGGER catalog_stock_movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON catalog_stock_movement FOR EACH STATEMENT EXECUTE FUNCTION catalog_stock_movement_refuse_change()
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "catalog_category",
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name <> ''", name="ck_catalog_category_name_not_empty"),
        sa.CheckConstraint("parent_id <> id", name="ck_catalog_category_not_its_own_parent"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["catalog_category.id"], name="fk_catalog_category_parent_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_category"),
        sa.UniqueConstraint(
            "parent_id", "slug", name="uq_catalog_category_parent_id_slug", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_catalog_category_name_id", "catalog_category", ["name", "id"])
    op.create_index("ix_catalog_category_slug", "catalog_category", ["slug"])
    op.create_table(
        "catalog_product",
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("seller_id", sa.Uuid()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("search", TSVECTOR(), sa.Computed(SEARCH, persisted=True)),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("title <> ''", name="ck_catalog_product_title_not_empty"),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["catalog_category.id"],
            name="fk_catalog_product_category_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_product"),
        sa.UniqueConstraint("slug", name="uq_catalog_product_slug"),
    )
    op.create_index(
        "ix_catalog_product_category_newest",
        "catalog_product",
        ["category_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_catalog_product_newest",
        "catalog_product",
        [sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_catalog_product_search",
        "catalog_product",
        ["search"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_catalog_product_seller_newest",
        "catalog_product",
        ["seller_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_catalog_product_title_id",
        "catalog_product",
        ["title", "id"],
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_catalog_product_title_trgm",
        "catalog_product",
        ["title"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_catalog_product_updated",
        "catalog_product",
        ["updated_at", "id"],
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "catalog_variant",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("option_values", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_catalog_variant_currency_code"),
        sa.CheckConstraint(
            "jsonb_typeof(option_values) = 'object'", name="ck_catalog_variant_option_values_object"
        ),
        sa.CheckConstraint("sku <> ''", name="ck_catalog_variant_sku_not_empty"),
        sa.CheckConstraint(
            "price_minor BETWEEN 0 AND 1000000000000000", name="ck_catalog_variant_price_minor_range"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog_product.id"], name="fk_catalog_variant_product_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_variant"),
        sa.UniqueConstraint("sku", name="uq_catalog_variant_sku"),
    )
    op.create_index(
        "ix_catalog_variant_price",
        "catalog_variant",
        ["price_minor", "product_id"],
        postgresql_where=sa.text("is_default"),
    )
    op.create_index("ix_catalog_variant_product_id", "catalog_variant", ["product_id"])
    op.create_index(
        "uq_catalog_variant_default",
        "catalog_variant",
        ["product_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "catalog_stock",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "0 <= reserved AND reserved <= on_hand", name="ck_catalog_stock_reserved_within_on_hand"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["catalog_variant.id"], name="fk_catalog_stock_variant_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("variant_id", name="pk_catalog_stock"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "catalog_stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("delta_on_hand", sa.Integer(), nullable=False),
        sa.Column("delta_reserved", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=200)),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason IN ('initial', 'correction', 'import', 'reserve', 'release', 'ship')",
            name="ck_catalog_stock_movement_reason_known",
        ),
        sa.CheckConstraint(
            "delta_on_hand <> 0 OR delta_reserved <> 0", name="ck_catalog_stock_movement_moves_something"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["catalog_stock.variant_id"],
            name="fk_catalog_stock_movement_variant_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_stock_movement"),
    )
    op.create_index(
        "ix_catalog_stock_movement_reference",
        "catalog_stock_movement",
        ["reference"],
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_index("ix_catalog_stock_movement_variant_id_id", "catalog_stock_movement", ["variant_id", "id"])
    op.create_table(
        "catalog_stock_reservation",
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_catalog_stock_reservation_quantity_positive"),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["catalog_stock.variant_id"],
            name="fk_catalog_stock_reservation_variant_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("reference", "variant_id", name="pk_catalog_stock_reservation"),
    )
    op.create_index("ix_catalog_stock_reservation_variant_id", "catalog_stock_reservation", ["variant_id"])
    triggers = (ONE_MOVE, ONE_MOVE_TRIGGER, NO_CYCLE, NO_CYCLE_TRIGGER, APPEND_ONLY, APPEND_ONLY_TRIGGER)
    for statement in (SIMILAR, *triggers):
        op.execute(statement)


def downgrade() -> None:
    """The extension pg_trgm stays: others may use it."""
    for table in ("stock_reservation", "stock_movement", "stock", "variant", "product", "category"):
        op.drop_table(f"catalog_{table}")
    op.execute("DROP FUNCTION catalog_similar_products(text)")
    op.execute("DROP FUNCTION catalog_category_refuse_cycle()")
    op.execute("DROP FUNCTION catalog_category_one_move()")
    op.execute("DROP FUNCTION catalog_stock_movement_refuse_change()")
