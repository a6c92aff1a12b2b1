"""What orders know of a person, for the hook `nexus_data_subjects`.

The books need what was sold, when, for how much and into which country; they do not need the street. So an
order stays, and its address goes, with what other plugins froze in it, such as a greeting: at once when the
order is final, with its last step when it is still on its way to somebody who paid for it.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from nexus_kernel import Money, current_session, now
from nexus_orders.models import (
    Order,
    OrderCancellationRequest,
    OrderHistory,
    OrderInvoice,
    OrderItem,
    OrderNote,
    OrderRefund,
    OrderRefundRequest,
    Shipment,
)
from nexus_orders.models.order import FORGOTTEN
from nexus_orders.services.present import ADDRESS
from nexus_orders.states import FINAL


class OrdersData:
    """A person's orders."""

    name = "orders"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Every order with its address, its lines and what happened to it. Eight queries."""
        session, mine = current_session(), Order.user_id == person_id
        orders = session.scalars(select(Order).where(mine).order_by(Order.placed_at, Order.id)).all()
        parts: dict[str, dict[UUID, list[dict[str, Any]]]] = {}
        for name, (model, order_by, present) in _PARTS.items():
            parts[name] = {order.id: [] for order in orders}
            rows = select(model).join(Order, Order.id == model.order_id).where(mine)
            for row in session.scalars(rows.order_by(model.order_id, order_by)):
                parts[name][row.order_id].append(present(row))
        return {
            "orders": [
                _order(order) | {name: part[order.id] for name, part in parts.items()} for order in orders
            ]
        }

    def erase(self, person_id: UUID) -> None:
        """Blank the final orders (`FORGOTTEN`), what the person wrote in everything, and notes about them.

        Invoices stay as they were issued: the law that asks for them goes before (GDPR, article 17 (3) b).
        """
        session, mine = current_session(), Order.user_id == person_id
        final = Shipment.order_id.in_(select(Order.id).where(mine, Order.status.in_(FINAL)))
        statements = [
            update(Order).where(mine).values(buyer_erased_at=func.coalesce(Order.buyer_erased_at, now())),
            update(Order).where(mine, Order.status.in_(FINAL)).values(dict(FORGOTTEN)),
            update(Shipment).where(final).values(tracking_code="", tracking_url=None),
            update(OrderHistory).where(OrderHistory.actor_id == person_id, _of(person_id)).values(reason=""),
            delete(OrderNote).where(OrderNote.order_id.in_(_orders_of(person_id))),
        ]
        for request in (OrderCancellationRequest, OrderRefundRequest):
            theirs = (request.requested_by == person_id, request.order_id.in_(_orders_of(person_id)))
            statements.append(update(request).where(*theirs).values(reason=""))
        for statement in statements:
            session.execute(statement.execution_options(synchronize_session=False))


def _of(person_id: UUID) -> Any:
    return OrderHistory.order_id.in_(_orders_of(person_id))


def _orders_of(person_id: UUID) -> Any:
    return select(Order.id).where(Order.user_id == person_id)


def _order(order: Order) -> dict[str, Any]:
    names = ("number", "status", "payment_status", "payment_method", "currency", "placed_at")
    return {
        **{name: getattr(order, name) for name in names},
        "total": str(order.total),
        "shipping_address": {name: getattr(order, name) for name in ADDRESS},
        "extensions": order.extensions,
    }


def _line(line: OrderItem) -> dict[str, Any]:
    return {
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "total": str(Money(line.total_minor, line.currency)),
    }


def _shipment(shipment: Shipment) -> dict[str, Any]:
    names = ("number", "carrier", "tracking_code", "tracking_url", "shipped_at", "delivered_at")
    return {name: getattr(shipment, name) for name in names}


def _cancellation(wish: OrderCancellationRequest) -> dict[str, Any]:
    names = ("status", "reason", "note", "requested_at", "decided_at")
    return {name: getattr(wish, name) for name in names}


def _refund_request(wish: OrderRefundRequest) -> dict[str, Any]:
    names = ("status", "reason", "note", "currency", "requested_at", "decided_at")
    amount = str(Money(wish.amount_minor, wish.currency))
    return {**{name: getattr(wish, name) for name in names}, "amount": amount}


def _refund(refund: OrderRefund) -> dict[str, Any]:
    names = ("status", "reason", "currency", "asked_at")
    amount = str(Money(refund.amount_minor, refund.currency))
    return {**{name: getattr(refund, name) for name in names}, "amount": amount}


def _note(note: OrderNote) -> dict[str, Any]:
    return {"text": note.text, "created_at": note.created_at}


def _invoice(invoice: OrderInvoice) -> dict[str, Any]:
    return {"number": invoice.number, "document": invoice.document}


_PARTS: dict[str, tuple[Any, Any, Callable[[Any], dict[str, Any]]]] = {
    "items": (OrderItem, OrderItem.position, _line),
    "shipments": (Shipment, Shipment.number, _shipment),
    "cancellation_requests": (OrderCancellationRequest, OrderCancellationRequest.id, _cancellation),
    "refund_requests": (OrderRefundRequest, OrderRefundRequest.id, _refund_request),
    "refunds": (OrderRefund, OrderRefund.id, _refund),
    "notes": (OrderNote, OrderNote.id, _note),
    "invoices": (OrderInvoice, OrderInvoice.id, _invoice),
}
