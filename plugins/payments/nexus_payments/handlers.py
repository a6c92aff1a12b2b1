"""What payments do about the orders' events. Each runs in the transaction of its delivery."""

from nexus_kernel import current_session
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.orders import OrderStatusChanged
from nexus_payments import tasks
from nexus_payments.services.attempts import withdraw

CANCELLED = "cancelled"


def on_order_status_changed(event: OrderStatusChanged, delivery: Delivery) -> None:
    """Nobody is to pay for a cancelled order: a worker closes its pages at their gateways."""
    if event.new_status == CANCELLED:
        for payment_id in withdraw(current_session(), "order", event.order_id):
            tasks.check.enqueue(str(payment_id))
