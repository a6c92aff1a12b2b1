"""What a whole checkout keeps: each line's shares, included taxes, fuller addresses, parts of other plugins.

Discounts of earlier orders are shared among their lines as those of later ones are. Their tax stays the
order's: which line it came from is not known any more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "orders_0003"
down_revision = "orders_0002"
branch_labels = None
depends_on = None

CHECKS = (
    ("orders_order", "extensions_object", "jsonb_typeof(extensions) = 'object'"),
    ("orders_item", "discount_minor_range", "discount_minor BETWEEN 0 AND 1000000000000000"),
    ("orders_item", "tax_minor_range", "tax_minor BETWEEN 0 AND 1000000000000000"),
    ("orders_item", "discount_bound", "discount_minor <= total_minor"),
    ("orders_adjustment", "included_tax", "NOT included OR phase = 'tax'"),
)
SHARE_DISCOUNTS = """
    WITH share AS (
        SELECT item.id, item.order_id, item.position, o.discount_minor,
               div(item.total_minor * o.discount_minor::numeric, o.subtotal_minor) AS whole,
               mod(item.total_minor * o.discount_minor::numeric, o.subtotal_minor) AS remainder
        FROM orders_item item JOIN orders_order o ON o.id = item.order_id
        WHERE o.discount_minor > 0
    ), ranked AS (
        SELECT id, whole, discount_minor - sum(whole) OVER (PARTITION BY order_id) AS missing,
               row_number() OVER (PARTITION BY order_id ORDER BY remainder DESC, position) AS place
        FROM share
    )
    UPDATE orders_item SET discount_minor = whole + CASE WHEN place <= missing THEN 1 ELSE 0 END
    FROM ranked WHERE ranked.id = orders_item.id
"""


def upgrade() -> None:
    for name, length in (("region", 100), ("recipient", 150), ("phone", 30)):
        _add("orders_order", name, sa.String(length=length), "")
    _add("orders_order", "extensions", postgresql.JSONB(), sa.text("'{}'"))
    _add("orders_item", "discount_minor", sa.BigInteger(), sa.text("0"))
    _add("orders_item", "tax_minor", sa.BigInteger(), sa.text("0"))
    _add("orders_adjustment", "included", sa.Boolean(), sa.text("false"))
    op.execute(SHARE_DISCOUNTS)
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    op.drop_column("orders_adjustment", "included")
    op.drop_column("orders_item", "tax_minor")
    op.drop_column("orders_item", "discount_minor")
    for name in ("extensions", "phone", "recipient", "region"):
        op.drop_column("orders_order", name)


def _add(table: str, name: str, kind: sa.types.TypeEngine, default: object) -> None:
    op.add_column(table, sa.Column(name, kind, server_default=default, nullable=False))
