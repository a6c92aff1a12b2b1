"""Reading orders: one statement for an order with all its lines, and for a page of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from nexus_kernel import Actor, paginate
from nexus_orders import errors
from nexus_orders.models import Order, OrderAdjustment, OrderHistory, OrderItem
from nexus_orders.services.present import present_order


class Orders:
    """The orders that somebody may see: their own, and every order for staff."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._owner_id = None if actor.can("orders.manage") else actor.person_id

    @property
    def owner_id(self) -> UUID | None:
        """Whose orders may be seen; None means everybody's."""
        return self._owner_id

    def page(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of orders, newest first. At most two queries."""
        statement = self._visible(_whole_order())
        for name in ("status", "payment_status"):
            if name in args:
                statement = statement.where(getattr(Order, name) == args[name])
        if "number" in args:
            statement = statement.where(Order.number == args["number"].upper())
        order = [Order.placed_at, Order.id]
        return paginate(self._session, statement, order=order, args=args, present=_present)

    def get(self, order_id: UUID) -> dict[str, Any]:
        """The body of an order. Raises OrderNotFound. One query."""
        row = self._session.execute(self._visible(_whole_order()).where(Order.id == order_id)).first()
        if row is None:
            raise errors.OrderNotFound()
        return _present(row)

    def history(self, order_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of what happened to an order, oldest first. Raises OrderNotFound."""
        if self._session.execute(self._visible(select(Order.id)).where(Order.id == order_id)).first() is None:
            raise errors.OrderNotFound()
        statement = select(*OrderHistory.__table__.columns).where(OrderHistory.order_id == order_id)
        return paginate(
            self._session,
            statement,
            order=[OrderHistory.id],
            args=args,
            present=lambda row: row._mapping,
            descending=False,
        )

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        return statement if self._owner_id is None else statement.where(Order.user_id == self._owner_id)


def _present(row: Any) -> dict[str, Any]:
    return present_order(row._mapping, row.items_json, row.adjustments_json)


def _whole_order() -> Select[Any]:
    items = _lines_of(
        OrderItem,
        "id",
        "product_id",
        "variant_id",
        "sku",
        "title",
        "quantity",
        "unit_price_minor",
        "total_minor",
        "discount_minor",
        "tax_minor",
    )
    rate = case((OrderAdjustment.rate.is_(None), None), else_=cast(OrderAdjustment.rate, String))
    adjustments = _lines_of(OrderAdjustment, "phase", "label", "amount_minor", "included", rate=rate)
    return select(*Order.__table__.columns, items.label("items_json"), adjustments.label("adjustments_json"))


def _lines_of(model: Any, *names: str, **expressions: Any) -> Any:
    columns = {**{name: getattr(model, name) for name in names}, **expressions}
    pairs = [part for name, column in columns.items() for part in (literal(name, String), column)]
    rows = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*pairs), model.position))
    return (
        select(func.coalesce(rows, cast([], JSONB)))
        .where(model.order_id == Order.id)
        .correlate(Order)
        .scalar_subquery()
    )
