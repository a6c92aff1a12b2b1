"""The tables."""

from nexus_payments.models.attempts import (
    IS_OPEN,
    OPEN,
    REFERENCE_LENGTH,
    SETTLED,
    EventStatus,
    Payment,
    PaymentStatus,
    ProviderEvent,
    TransactionLog,
)
from nexus_payments.models.refunds import ENDED, RETURNED, Refund, RefundStatus

__all__ = [
    "ENDED",
    "IS_OPEN",
    "OPEN",
    "REFERENCE_LENGTH",
    "RETURNED",
    "SETTLED",
    "EventStatus",
    "Payment",
    "PaymentStatus",
    "ProviderEvent",
    "Refund",
    "RefundStatus",
    "TransactionLog",
]
