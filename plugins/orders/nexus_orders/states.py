"""The two state machines of an order."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order is on its way to the buyer."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """What is known of the money. In `needs_review` a person has to look at it."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    NEEDS_REVIEW = "needs_review"


TRANSITIONS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.CONFIRMED, OrderStatus.CANCELLED),
    OrderStatus.CONFIRMED: (OrderStatus.PROCESSING, OrderStatus.CANCELLED),
    OrderStatus.PROCESSING: (OrderStatus.SHIPPED, OrderStatus.CANCELLED),
    OrderStatus.SHIPPED: (OrderStatus.DELIVERED,),
    OrderStatus.DELIVERED: (),
    OrderStatus.CANCELLED: (),
}
"""From each status to the legal next ones."""

FINAL = tuple(status for status, following in TRANSITIONS.items() if not following)
"""Where an order has nowhere to go any more."""

PAID_LATE = "paid late"
"""The reason in the history of a cancelled order that its payment brought back."""

SYSTEM_TRANSITIONS = {(OrderStatus.CANCELLED, OrderStatus.CONFIRMED, PAID_LATE)}
"""Steps (from, to, reason) that only the system takes; nobody can ask for one."""

UNPAID = (PaymentStatus.PENDING, PaymentStatus.FAILED)
"""No money has come for the order."""

PAID = (PaymentStatus.AUTHORIZED, PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED)
"""The shop holds the buyer's money, and nobody has to look at it first."""
