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

HOLDING = (*PAID, PaymentStatus.NEEDS_REVIEW)
"""The shop holds money of the buyer, or may do so."""


class CancellationStatus(StrEnum):
    """Where a buyer's wish to cancel a paid order stands. In `refund_failed` staff decide once more."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUND_FAILED = "refund_failed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"


class RefundRequestStatus(StrEnum):
    """Where a buyer's wish for money back stands. In `refund_failed` staff decide once more."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUND_FAILED = "refund_failed"
    DECLINED = "declined"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """What became of money that was asked back."""

    ASKED = "asked"
    REFUNDED = "refunded"
    REJECTED = "rejected"


UNDECIDED = (CancellationStatus.REQUESTED, CancellationStatus.REFUND_FAILED)
"""A request that staff can decide; both kinds of request share these words."""

OPEN = (*UNDECIDED, CancellationStatus.APPROVED)
"""A request that is not over; an order has one of a kind at most."""
