"""What the orders do about the payments' events. Each runs in the transaction of its delivery."""

from nexus_kernel import current_session
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.payments import (
    PaymentFailed,
    PaymentNeedsReview,
    PaymentRefunded,
    PaymentSucceeded,
    RefundRejected,
)
from nexus_orders.services.money import OrderMoney
from nexus_orders.services.refund_outcomes import RefundOutcomes


def on_payment_succeeded(event: PaymentSucceeded, delivery: Delivery) -> None:
    """Mark the order as paid."""
    OrderMoney(current_session()).succeeded(event)


def on_payment_failed(event: PaymentFailed, delivery: Delivery) -> None:
    """Show that the attempt failed."""
    OrderMoney(current_session()).failed(event)


def on_payment_needs_review(event: PaymentNeedsReview, delivery: Delivery) -> None:
    """Put the order under review."""
    OrderMoney(current_session()).needs_review(event)


def on_payment_refunded(event: PaymentRefunded, delivery: Delivery) -> None:
    """Show what went back, and end the cancellation that waited for it."""
    RefundOutcomes(current_session()).refunded(event)


def on_refund_rejected(event: RefundRejected, delivery: Delivery) -> None:
    """Give the request back to staff."""
    RefundOutcomes(current_session()).rejected(event)
