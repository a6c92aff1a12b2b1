"""What staff read orders by: words, states, totals; notes; invoices."""

import sqlalchemy as sa
from alembic import op

revision = "orders_0005"
down_revision = "orders_0003"
branch_labels = None
depends_on = None

BLANKS = "'@._+-,;:!?/()[]\"''&|\u1361\u1362\u1363\u1364', '                       '"
WORDS = "array_to_tsvector(array_remove(array_remove(%s || ARRAY[%s], ''), NULL))"
SPLIT = f"string_to_array(translate(lower(left(%s, 400)), {BLANKS}), ' ')"
ORDER_WORDS = WORDS % (SPLIT % "city", "lower(number), lower(substr(number, 4))")
ITEM_WORDS = WORDS % (SPLIT % "title", "lower(left(sku, 400))")


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


def downgrade() -> None:
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
