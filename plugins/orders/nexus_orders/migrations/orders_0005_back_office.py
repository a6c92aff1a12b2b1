"""What staff read orders by: words, states, totals; notes; invoices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "orders_0005"
down_revision = "orders_0004"
branch_labels = None
depends_on = None

BLANKS = "'@._+-,;:!?/()[]\"''&|\u1361\u1362\u1363\u1364', '                       '"
WORDS = "array_to_tsvector(array_remove(array_remove(%s || ARRAY[%s], ''), NULL))"
SPLIT = f"string_to_array(translate(lower(left(%s, 400)), {BLANKS}), ' ')"
ORDER_WORDS = WORDS % (SPLIT % "city", "lower(number), lower(substr(number, 4))")
ITEM_WORDS = WORDS % (SPLIT % "title", "lower(left(sku, 400))")

FINAL = """
    CREATE FUNCTION orders_invoice_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'invoices are final' USING ERRCODE = 'restrict_violation';
    END $$
"""
FINAL_ROWS = """
    CREATE TRIGGER orders_invoice_final BEFORE UPDATE OR DELETE ON orders_invoice
    FOR EACH ROW EXECUTE FUNCTION orders_invoice_refuse_change()
"""
FINAL_TABLE = """
    CREATE TRIGGER orders_invoice_no_truncate BEFORE TRUNCATE ON orders_invoice
    FOR EACH STATEMENT EXECUTE FUNCTION orders_invoice_refuse_change()
"""


def upgrade() -> None:
    for table, words in (("orders_order", ORDER_WORDS), ("orders_item", ITEM_WORDS)):
        op.create_index(
            f"ix_{table}_words",
            table,
            [sa.literal_column(words)],
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        )
    op.create_index("ix_orders_order_status", "orders_order", ["status", "placed_at", "id"])
    op.create_index("ix_orders_order_payment_status", "orders_order", ["payment_status", "placed_at", "id"])
    op.create_index("ix_orders_order_total", "orders_order", ["total_minor", "id"])

    _notes()
    _invoices()


def downgrade() -> None:
    op.drop_table("orders_invoice")
    op.drop_table("orders_invoice_series")
    op.execute("DROP FUNCTION orders_invoice_refuse_change()")
    op.drop_table("orders_note")
    for name in ("total", "payment_status", "status", "words"):
        op.drop_index(f"ix_orders_order_{name}", table_name="orders_order")
    op.drop_index("ix_orders_item_words", table_name="orders_item")


def _notes() -> None:
    op.create_table(
        "orders_note",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("visible_to_buyer", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders_order.id"], name="fk_orders_note_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders_note"),
    )
    op.create_index("ix_orders_note_order", "orders_note", ["order_id", "id"])


def _invoices() -> None:
    op.create_table(
        "orders_invoice_series",
        sa.Column("series", sa.String(length=10), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last >= 1", name="ck_orders_invoice_series_last_positive"),
        sa.PrimaryKeyConstraint("series", "year", name="pk_orders_invoice_series"),
    )
    op.create_table(
        "orders_invoice",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("series", sa.String(length=10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders_order.id"], name="fk_orders_invoice_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_orders_invoice"),
        sa.UniqueConstraint("number", name="uq_orders_invoice_number"),
        sa.UniqueConstraint("order_id", name="uq_orders_invoice_order_id"),
        sa.UniqueConstraint("series", "year", "sequence", name="uq_orders_invoice_series_year_sequence"),
    )
    for statement in (FINAL, FINAL_ROWS, FINAL_TABLE):
        op.execute(statement)
