"""Orders as something that can be paid for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from nexus_kernel import now, reading
from nexus_kernel.contracts.payments import Payable
from nexus_orders.models import Order
from nexus_orders.states import UNPAID, OrderStatus, PaymentStatus


class OrderPayables:
    """The payables of kind `order`."""

    kind = "order"

    def resolve(self, ids: Sequence[UUID]) -> Mapping[UUID, Payable]:
        """As the contract says, in the unit of work under way or in one of its own."""
        with reading() as session:
            orders = session.scalars(select(Order).where(Order.id.in_(ids))).all()
        return {order.id: _payable(order, now()) for order in orders}


def _payable(order: Order, at: datetime) -> Payable:
    return Payable(
        kind=OrderPayables.kind,
        id=order.id,
        number=order.number,
        owner_id=order.user_id,
        amount=order.total,
        description=f"Order {order.number}",
        refusal=_refusal(order, at),
    )


def _refusal(order: Order, at: datetime) -> str | None:
    if order.status == OrderStatus.CANCELLED:
        return f"Order {order.number} is cancelled."
    if order.payment_status == PaymentStatus.NEEDS_REVIEW:
        return f"A payment of order {order.number} is being looked at."
    if order.payment_status not in UNPAID:
        return f"Order {order.number} is already paid."
    if order.status == OrderStatus.PENDING and order.expires_at is not None and order.expires_at <= at:
        return f"Order {order.number} has expired."
    return None
