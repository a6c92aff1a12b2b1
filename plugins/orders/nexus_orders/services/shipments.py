"""Shipments: pieces leave, at once or in parts, and arrive. Everything happens under the order's lock."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nexus_kernel import invalid_field, new_id, now, publish, services
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.contracts.orders import OrderShipped
from nexus_orders import errors
from nexus_orders.models import Order, OrderCancellationRequest, OrderItem, Shipment, ShipmentLine
from nexus_orders.services.lifecycle import (
    check_legal,
    line_view,
    lock_order,
    note,
    reference_of,
    transition,
)
from nexus_orders.states import CancellationStatus, OrderStatus

log = logging.getLogger("nexus.orders")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Who carries a shipment, and how it is followed."""

    carrier: str = ""
    tracking_code: str = ""
    tracking_url: str | None = None


class Shipments:
    """What staff do with the shipments of orders, inside the caller's transaction."""

    def __init__(self, session: Session, actor_id: UUID | None) -> None:
        self._session = session
        self._actor_id = actor_id

    def create(self, order_id: UUID, args: Mapping[str, Any]) -> UUID:
        """Ship the lines named, or everything that is left, and return the shipment's id.

        Raises OrderNotFound, Invalid for an item that is not the order's, and what `ship` raises.
        """
        order = lock_order(self._session, order_id)
        parcel = Parcel(args["carrier"], args["tracking_code"], args.get("tracking_url"))
        return self.ship(order, parcel, args.get("lines")).id

    def ship(
        self,
        order: Order,
        parcel: Parcel,
        lines: Sequence[Mapping[str, Any]] | None = None,
        reason: str = "",
    ) -> Shipment:
        """Let these lines of a locked order leave, or all that is left; the last piece makes it shipped.

        Raises IllegalTransition, CancellationUnderWay, NotLeftToShip, and Invalid for a foreign item.
        """
        self._check_shippable(order)
        left = self._left(order)
        chosen = _chosen(lines, left)
        shipment = self._insert(order, parcel, chosen)
        is_complete = sum(chosen.values()) == sum(pieces for _, pieces in left.values())
        self._move(order, shipment, is_complete, reason)
        publish(
            _shipped(order, shipment, [(left[id][0], pieces) for id, pieces in chosen.items()], is_complete)
        )
        self._take_from_stock(order, {left[id][0].variant_id: pieces for id, pieces in chosen.items()})
        return shipment

    def change(self, order_id: UUID, shipment_id: UUID, args: Mapping[str, Any]) -> None:
        """Correct carrier and tracking. Raises OrderNotFound or ShipmentNotFound."""
        lock_order(self._session, order_id)
        shipment = self._get(order_id, shipment_id)
        for name, value in args.items():
            setattr(shipment, name, value)
        self._session.flush()

    def deliver(self, order_id: UUID, shipment_id: UUID) -> None:
        """A shipment arrived; with the last one of a shipped order, the order did. Again: nothing changes.

        Raises OrderNotFound or ShipmentNotFound.
        """
        order = lock_order(self._session, order_id)
        shipment = self._get(order_id, shipment_id)
        if shipment.delivered_at is not None:
            return
        shipment.delivered_at = now()
        self._session.flush()
        reason = f"Shipment {shipment.number} arrived"
        if order.status == OrderStatus.SHIPPED and not self._under_way(order):
            transition(self._session, order, OrderStatus.DELIVERED, actor_id=self._actor_id, reason=reason)
        else:
            note(self._session, order, reason, actor_id=self._actor_id)

    def deliver_all(self, order: Order, reason: str) -> None:
        """Everything that left of a locked order arrived. Raises IllegalTransition unless all of it left."""
        check_legal(order, OrderStatus.DELIVERED)
        for shipment in self._under_way(order):
            shipment.delivered_at = now()
        transition(self._session, order, OrderStatus.DELIVERED, actor_id=self._actor_id, reason=reason)

    def _check_shippable(self, order: Order) -> None:
        if order.status != OrderStatus.CONFIRMED:
            check_legal(order, OrderStatus.SHIPPED)
        approved = select(OrderCancellationRequest.id).where(
            OrderCancellationRequest.order_id == order.id,
            OrderCancellationRequest.status == CancellationStatus.APPROVED,
        )
        if self._session.scalar(approved) is not None:
            raise errors.CancellationUnderWay("The money of this order is on its way back; nothing leaves.")

    def _left(self, order: Order) -> dict[UUID, tuple[OrderItem, int]]:
        """Every item of the order with the pieces that have not left, by the item's id."""
        gone = (
            select(func.coalesce(func.sum(ShipmentLine.quantity), 0))
            .where(ShipmentLine.item_id == OrderItem.id)
            .correlate(OrderItem)
            .scalar_subquery()
        )
        items = select(OrderItem, OrderItem.quantity - gone).where(OrderItem.order_id == order.id)
        rows = self._session.execute(items.order_by(OrderItem.position))
        return {item.id: (item, pieces) for item, pieces in rows}

    def _insert(self, order: Order, parcel: Parcel, chosen: Mapping[UUID, int]) -> Shipment:
        last = select(func.coalesce(func.max(Shipment.number), 0)).where(Shipment.order_id == order.id)
        shipment = Shipment(
            id=new_id(),
            order_id=order.id,
            number=self._session.scalars(last).one() + 1,
            carrier=parcel.carrier,
            tracking_code=parcel.tracking_code,
            tracking_url=parcel.tracking_url,
            actor_id=self._actor_id,
            shipped_at=now(),
        )
        self._session.add(shipment)
        self._session.flush()
        self._session.add_all(
            ShipmentLine(shipment_id=shipment.id, item_id=item_id, quantity=pieces)
            for item_id, pieces in chosen.items()
        )
        self._session.flush()
        return shipment

    def _move(self, order: Order, shipment: Shipment, is_complete: bool, reason: str) -> None:
        reason = reason or f"Shipment {shipment.number} left"
        if order.status == OrderStatus.CONFIRMED:
            transition(self._session, order, OrderStatus.PROCESSING, actor_id=self._actor_id, reason=reason)
        elif not is_complete:
            note(self._session, order, reason, actor_id=self._actor_id)
        if is_complete:
            transition(self._session, order, OrderStatus.SHIPPED, actor_id=self._actor_id, reason=reason)
        self._session.flush()

    def _take_from_stock(self, order: Order, quantities: Mapping[UUID, int]) -> None:
        if not services.get(StockService).ship(reference_of(order.id), quantities):
            log.error("pieces of order %s were shipped, but no stock was held for them", order.number)

    def _under_way(self, order: Order) -> Sequence[Shipment]:
        statement = select(Shipment).where(Shipment.order_id == order.id, Shipment.delivered_at.is_(None))
        return self._session.scalars(statement.order_by(Shipment.id)).all()

    def _get(self, order_id: UUID, shipment_id: UUID) -> Shipment:
        statement = select(Shipment).where(Shipment.id == shipment_id, Shipment.order_id == order_id)
        shipment = self._session.scalars(statement, execution_options={"populate_existing": True}).first()
        if shipment is None:
            raise errors.ShipmentNotFound("The order has no such shipment.")
        return shipment


def _chosen(
    lines: Sequence[Mapping[str, Any]] | None, left: Mapping[UUID, tuple[OrderItem, int]]
) -> dict[UUID, int]:
    """Pieces by item id: those of the lines, or all that are left."""
    if lines is None:
        return {item_id: pieces for item_id, (_, pieces) in left.items() if pieces}
    for position, line in enumerate(lines):
        if line["item_id"] not in left:
            message = "There is no such item in this order."
            raise invalid_field(f"lines[{position}].item_id", message, "unknown_item")
    chosen = {line["item_id"]: line["quantity"] for line in lines}
    short = [item_id for item_id, pieces in chosen.items() if pieces > left[item_id][1]]
    if short:
        named = [
            {"item_id": str(id), "requested": chosen[id], "left": left[id][1], "title": left[id][0].title}
            for id in short
        ]
        words = ", ".join(f"{line['title']}: {line['left']}" for line in named)
        raise errors.NotLeftToShip(f"Left to ship: {words}.", lines=named)
    return chosen


def _shipped(
    order: Order, shipment: Shipment, lines: Sequence[tuple[OrderItem, int]], is_complete: bool
) -> OrderShipped:
    return OrderShipped(
        order_id=order.id,
        number=order.number,
        user_id=order.user_id,
        shipment_id=shipment.id,
        carrier=shipment.carrier,
        tracking_code=shipment.tracking_code,
        tracking_url=shipment.tracking_url,
        lines=tuple(line_view(item, pieces) for item, pieces in lines),
        is_complete=is_complete,
    )
