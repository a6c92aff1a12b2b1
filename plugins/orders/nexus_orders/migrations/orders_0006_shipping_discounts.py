"""A phase between shipping and tax: what is taken off the shipping fee."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import conv

revision = "orders_0006"
down_revision = "orders_0005"
branch_labels = None
depends_on = None

_TABLE = "orders_adjustment"
_FIRST_NAME = conv("ck_orders_adjustment_ck_orders_adjustment_phase_known")
_KNOWN = conv("ck_orders_adjustment_phase_known")


def upgrade() -> None:
    op.alter_column(_TABLE, "phase", type_=sa.String(length=20))
    op.drop_constraint(_FIRST_NAME, _TABLE)
    phases = "phase IN ('discount', 'shipping', 'shipping_discount', 'tax')"
    op.create_check_constraint(_KNOWN, _TABLE, phases)


def downgrade() -> None:
    op.drop_constraint(_KNOWN, _TABLE)
    op.execute("DELETE FROM orders_adjustment WHERE phase = 'shipping_discount'")
    op.create_check_constraint(_FIRST_NAME, _TABLE, "phase IN ('discount', 'shipping', 'tax')")
    op.alter_column(_TABLE, "phase", type_=sa.String(length=10))
