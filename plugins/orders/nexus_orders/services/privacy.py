"""What orders know of a person, for the hook `nexus_data_subjects`.

The books need what was sold, when, for how much and into which country; they do not need the street. So an
order stays, and its address goes, with what other plugins froze in it, such as a greeting: at once when the
order is final, with its last step when it is still on its way to somebody who paid for it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from nexus_kernel import Money, current_session, now
from nexus_orders.models import Order, OrderHistory, OrderItem
from nexus_orders.models.order import FORGOTTEN
from nexus_orders.services.present import ADDRESS
from nexus_orders.states import FINAL


class OrdersData:
    """A person's orders."""

    name = "orders"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Every order with its address and lines. Two queries."""
        session, mine = current_session(), Order.user_id == person_id
        orders = session.scalars(select(Order).where(mine).order_by(Order.placed_at, Order.id)).all()
        lines = select(OrderItem).join(Order, Order.id == OrderItem.order_id).where(mine)
        by_order: dict[UUID, list[dict[str, Any]]] = {order.id: [] for order in orders}
        for line in session.scalars(lines.order_by(OrderItem.order_id, OrderItem.position)):
            by_order[line.order_id].append(_line(line))
        return {"orders": [_order(order, by_order[order.id]) for order in orders]}

    def erase(self, person_id: UUID) -> None:
        """Blank the final orders (`FORGOTTEN`), and what the person wrote in the history."""
        session, mine = current_session(), Order.user_id == person_id
        statements = (
            update(Order).where(mine).values(buyer_erased_at=func.coalesce(Order.buyer_erased_at, now())),
            update(Order).where(mine, Order.status.in_(FINAL)).values(dict(FORGOTTEN)),
            update(OrderHistory).where(OrderHistory.actor_id == person_id, _of(person_id)).values(reason=""),
        )
        for statement in statements:
            session.execute(statement.execution_options(synchronize_session=False))


def _of(person_id: UUID) -> Any:
    return OrderHistory.order_id.in_(select(Order.id).where(Order.user_id == person_id))


def _order(order: Order, lines: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("number", "status", "payment_status", "payment_method", "currency", "placed_at")
    return {
        **{name: getattr(order, name) for name in names},
        "total": str(order.total),
        "shipping_address": {name: getattr(order, name) for name in ADDRESS},
        "items": lines,
        "extensions": order.extensions,
    }


def _line(line: OrderItem) -> dict[str, Any]:
    return {
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "total": str(Money(line.total_minor, line.currency)),
    }
