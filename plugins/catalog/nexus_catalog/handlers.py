"""What follows from events, each in the transaction of its delivery."""

from nexus_catalog.services.purchases import record_purchases
from nexus_kernel import current_session
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.orders import OrderCompleted


def on_order_completed(event: OrderCompleted, delivery: Delivery) -> None:
    """Remember what the buyer has received, so that their reviews are a buyer's."""
    record_purchases(
        current_session(), event.user_id, {line.product_id for line in event.lines if line.product_id}
    )
