"""What the promotions do about the orders' events. Each runs in the transaction of its delivery."""

from nexus_kernel import current_session
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.orders import OrderStatusChanged
from nexus_promotions.models import State
from nexus_promotions.services.redemptions import settle

CANCELLED = "cancelled"


def on_order_status_changed(event: OrderStatusChanged, delivery: Delivery) -> None:
    """Give the uses of a cancelled order back, and take those of one that comes back again.

    An event's id tells its time (UUIDv7), so that events that overtake one another end in the right state.
    """
    if CANCELLED in (event.old_status, event.new_status):
        state = State.RETURNED if event.new_status == CANCELLED else State.TAKEN
        settle(current_session(), event.order_id, state, delivery.event_id)
