"""Orders as CSV, a batch at a time in the order of placing: no snapshot is held, no batch grows.

A batch is one statement's view of its orders; an order that is placed while the export runs comes last.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from nexus_kernel import Actor, Money, reading, spreadsheets
from nexus_orders.models import Order, OrderItem
from nexus_orders.services.filters import Filters

BATCH = 500
"""Orders a query."""
CONTENT_TYPE = "text/csv; charset=utf-8"

_ALWAYS = (Order.id.label("order_id"), Order.placed_at, Order.currency)
_STATE = (Order.number, Order.status, Order.payment_status)
_ORDERS = select(
    *_ALWAYS,
    *_STATE,
    Order.payment_method,
    Order.user_id,
    Order.subtotal_minor,
    Order.discount_minor,
    Order.shipping_minor,
    Order.tax_minor,
    Order.total_minor,
    Order.address_line,
    Order.city,
    Order.postal_code,
    Order.country,
    Order.region,
    Order.recipient,
    Order.phone,
).order_by(Order.placed_at, Order.id)
_ITEMS = (
    select(
        *_ALWAYS,
        *_STATE,
        OrderItem.position,
        OrderItem.sku,
        OrderItem.title,
        OrderItem.quantity,
        OrderItem.unit_price_minor,
        OrderItem.total_minor.label("line_total_minor"),
        OrderItem.discount_minor,
        OrderItem.tax_minor,
        OrderItem.variant_id,
        OrderItem.product_id,
    )
    .join(OrderItem, OrderItem.order_id == Order.id)
    .order_by(Order.placed_at, Order.id, OrderItem.position)
)
_STATEMENTS: dict[str, Select[Any]] = {"orders": _ORDERS, "items": _ITEMS}


def exported(actor: Actor, args: Mapping[str, Any]) -> Iterator[bytes]:
    """The file, a batch at a time, after its header. `args` are the loaded values of an ExportQuery.

    Raises at once what `Filters` raises.
    """
    with reading() as session:
        wanted = Filters(session, actor).conditions(args)
    return _pieces(_STATEMENTS[args["rows"]], wanted, with_mark=args["bom"])


def _pieces(
    statement: Select[Any], wanted: Sequence[ColumnElement[bool]], *, with_mark: bool
) -> Iterator[bytes]:
    header = [column.name.removesuffix("_minor") for column in statement.selected_columns]
    yield (spreadsheets.BOM if with_mark else b"") + spreadsheets.csv_rows([header])
    last: Row[Any] | None = None
    while rows := _batch(statement, wanted, last):
        last = rows[-1]
        yield spreadsheets.csv_rows(map(_cells, rows))


def _batch(
    statement: Select[Any], wanted: Sequence[ColumnElement[bool]], last: Row[Any] | None
) -> Sequence[Row[Any]]:
    page = select(Order.id).where(*wanted).order_by(Order.placed_at, Order.id).limit(BATCH)
    if last is not None:
        page = page.where(tuple_(Order.placed_at, Order.id) > tuple_(last.placed_at, last.order_id))
    with reading() as session:
        return session.execute(statement.where(Order.id.in_(page.correlate(None)))).all()


def _cells(row: Row[Any]) -> Iterator[Any]:
    for name, value in row._mapping.items():
        yield _amount(value, row.currency) if name.endswith("_minor") else _cell(value)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value) if isinstance(value, UUID) else value


def _amount(minor: int, currency: str) -> Decimal:
    return Decimal(str(Money(minor, currency)))
