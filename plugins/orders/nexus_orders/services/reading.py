"""Reading orders: one statement for an order with all its lines, and for a page of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ScalarSelect, Select, String, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from nexus_kernel import Actor, paginate
from nexus_orders import errors
from nexus_orders.models import (
    Order,
    OrderAdjustment,
    OrderCancellationRequest,
    OrderHistory,
    OrderItem,
    OrderRefund,
    Shipment,
    ShipmentLine,
)
from nexus_orders.services.filters import SORTS, Filters
from nexus_orders.services.present import present_order, present_shipment
from nexus_orders.states import RefundStatus


class Orders:
    """The orders that somebody may see: their own, and every order for staff."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._actor = actor
        self._owner_id = None if actor.can("orders.manage") else actor.person_id

    @property
    def owner_id(self) -> UUID | None:
        """Whose orders may be seen; None means everybody's."""
        return self._owner_id

    def page(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of orders. One query, and one more for `email`, for `q` of staff, and for a count."""
        wanted = Filters(self._session, self._actor).conditions(args)
        statement = self._visible(_WHOLE_ORDER).where(*wanted)
        order, descending = SORTS[args["sort"]]
        return paginate(
            self._session, statement, order=order, args=args, present=_present, descending=descending
        )

    def get(self, order_id: UUID) -> dict[str, Any]:
        """The body of an order. Raises OrderNotFound. One query."""
        row = self._session.execute(self._visible(_WHOLE_ORDER).where(Order.id == order_id)).first()
        if row is None:
            raise errors.OrderNotFound()
        return _present(row)

    def history(self, order_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of what happened to an order, oldest first. Raises OrderNotFound."""
        self.check(order_id)
        statement = select(*OrderHistory.__table__.columns).where(OrderHistory.order_id == order_id)
        return paginate(
            self._session,
            statement,
            order=[OrderHistory.id],
            args=args,
            present=lambda row: row._mapping,
            descending=False,
        )

    def shipments(self, order_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of an order's shipments, in their order. Raises OrderNotFound. At most three queries."""
        self.check(order_id)
        statement = select(*Shipment.__table__.columns, _shipment_json().label("body"))
        return paginate(
            self._session,
            statement.where(Shipment.order_id == order_id),
            order=[Shipment.number],
            args=args,
            present=lambda row: present_shipment(row.body),
            descending=False,
        )

    def shipment(self, order_id: UUID, shipment_id: UUID) -> dict[str, Any]:
        """The body of a shipment that is there. One query."""
        statement = select(_shipment_json()).where(Shipment.id == shipment_id, Shipment.order_id == order_id)
        return present_shipment(self._session.scalars(statement).one())

    def check(self, order_id: UUID) -> None:
        """Raises OrderNotFound unless the order may be seen. One query."""
        if self._session.execute(self._visible(select(Order.id)).where(Order.id == order_id)).first() is None:
            raise errors.OrderNotFound()

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
        shipped_quantity=_shipped_quantity(),
    )
    rate = case((OrderAdjustment.rate.is_(None), None), else_=cast(OrderAdjustment.rate, String))
    adjustments = _lines_of(OrderAdjustment, "phase", "label", "amount_minor", "included", rate=rate)
    return select(
        *Order.__table__.columns,
        items.label("items_json"),
        adjustments.label("adjustments_json"),
        _shipments().label("shipments_json"),
        _cancellation().label("cancellation_json"),
        _refunded().label("refunded_minor"),
    )


def _shipped_quantity() -> ScalarSelect[Any]:
    pieces = select(func.coalesce(func.sum(ShipmentLine.quantity), 0))
    return pieces.where(ShipmentLine.item_id == OrderItem.id).correlate(OrderItem).scalar_subquery()


def _shipments() -> ScalarSelect[Any]:
    rows = func.jsonb_agg(aggregate_order_by(_shipment_json(), Shipment.number))
    shipments = select(func.coalesce(rows, cast([], JSONB))).where(Shipment.order_id == Order.id)
    return shipments.correlate(Order).scalar_subquery()


def _shipment_json() -> Any:
    line = _object(item_id=ShipmentLine.item_id, quantity=ShipmentLine.quantity)
    lines = (
        select(func.coalesce(func.jsonb_agg(aggregate_order_by(line, OrderItem.position)), cast([], JSONB)))
        .select_from(ShipmentLine)
        .join(OrderItem, OrderItem.id == ShipmentLine.item_id)
        .where(ShipmentLine.shipment_id == Shipment.id)
        .correlate(Shipment)
        .scalar_subquery()
    )
    names = ("id", "number", "carrier", "tracking_code", "tracking_url", "shipped_at", "delivered_at")
    return _object(**{name: getattr(Shipment, name) for name in names}, lines=lines)


def _cancellation() -> ScalarSelect[Any]:
    """The last wish to cancel the order."""
    wish = OrderCancellationRequest
    names = ("id", "status", "reason", "note", "requested_at", "decided_at")
    body = select(_object(**{name: getattr(wish, name) for name in names})).where(wish.order_id == Order.id)
    return body.order_by(wish.id.desc()).limit(1).correlate(Order).scalar_subquery()


def _refunded() -> ScalarSelect[Any]:
    given = select(cast(func.coalesce(func.sum(OrderRefund.amount_minor), 0), BigInteger))
    given = given.where(OrderRefund.order_id == Order.id, OrderRefund.status == RefundStatus.REFUNDED)
    return given.correlate(Order).scalar_subquery()


def _object(**columns: Any) -> Any:
    pairs = [part for name, column in columns.items() for part in (literal(name, String), column)]
    return func.jsonb_build_object(*pairs, type_=JSONB)


def _lines_of(model: Any, *names: str, **expressions: Any) -> Any:
    columns = {**{name: getattr(model, name) for name in names}, **expressions}
    rows = func.jsonb_agg(aggregate_order_by(_object(**columns), model.position))
    return (
        select(func.coalesce(rows, cast([], JSONB)))
        .where(model.order_id == Order.id)
        .correlate(Order)
        .scalar_subquery()
    )


_WHOLE_ORDER = _whole_order()
"""An order with all that belongs to it; made once, for it takes longer to build than to run."""
