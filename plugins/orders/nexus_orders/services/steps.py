"""The next status of an order, as staff name it."""

from uuid import UUID

from sqlalchemy.orm import Session

from nexus_orders.models import Order
from nexus_orders.services.lifecycle import check_legal, transition
from nexus_orders.services.shipments import Parcel, Shipments
from nexus_orders.states import OrderStatus


def set_status(
    session: Session, order: Order, to: OrderStatus, *, actor_id: UUID | None, reason: str
) -> None:
    """Move a locked order. `shipped`: all that is left leaves as one shipment; `delivered`: all arrived.

    Raises what `transition` and `Shipments.ship` raise.
    """
    if to is OrderStatus.SHIPPED:
        check_legal(order, to)
        Shipments(session, actor_id).ship(order, Parcel(), reason=reason)
    elif to is OrderStatus.DELIVERED:
        Shipments(session, actor_id).deliver_all(order, reason)
    else:
        transition(session, order, to, actor_id=actor_id, reason=reason)
