"""When attempts and refunds are looked at: after 30 s, then 1, 2, 5, 10, 20 ... minutes apart."""

from datetime import datetime, timedelta

from nexus_kernel import settings
from nexus_payments.config import PaymentsConfig
from nexus_payments.models import SETTLED, Payment, Refund, RefundStatus

STEPS = (60, 120, 300, 600, 1200)
AFTERCARE = (timedelta(hours=1), timedelta(days=1), timedelta(days=3))
"""Gateways can report money after an attempt ended, and its webhook can be lost: looks after the end."""
GIVE_UP = timedelta(days=3)
"""An attempt whose gateway gives no answer at all is closed this long after its deadline."""
REFUND_STEPS = (60, 120, 300, 600, 1200, 3600)
UNKNOWN_REFUND, ACCEPTED_REFUND = timedelta(days=1), timedelta(days=21)
"""How long after its sending a refund is given to a person, when its gateway does not bring it to an end."""


def next_check(payment: Payment, at: datetime) -> datetime | None:
    """When to ask the gateway next, or None for never."""
    if payment.status in SETTLED:
        return None
    if not payment.is_open:
        if payment.closed_at is None or payment.sends == 0:
            return None
        return next((payment.closed_at + step for step in AFTERCARE if payment.closed_at + step > at), None)
    step = timedelta(seconds=STEPS[min(payment.checks, len(STEPS)) - 1] if payment.checks else STEPS[0])
    end = expires_at(payment)
    return at + step if end is None or end <= at else min(at + step, end)


def expires_at(payment: Payment) -> datetime | None:
    """When an unpaid attempt is closed: its deadline and a margin; None when it never expires."""
    if payment.deadline is None:
        return None
    return payment.deadline + timedelta(seconds=settings(PaymentsConfig).expiry_margin)


def next_refund_check(refund: Refund, at: datetime) -> datetime | None:
    """When a worker looks at a refund next, or None for never."""
    if refund.has_ended or refund.status == RefundStatus.NEEDS_PERSON:
        return None
    if refund.checks == 0:
        return at + timedelta(seconds=settings(PaymentsConfig).first_check)
    return at + timedelta(seconds=REFUND_STEPS[min(refund.checks, len(REFUND_STEPS)) - 1])


def is_refund_overdue(refund: Refund, at: datetime) -> bool:
    """True when the gateway has had time enough to say what became of it."""
    if refund.has_ended or refund.status == RefundStatus.NEEDS_PERSON:
        return False
    limit = ACCEPTED_REFUND if refund.status == RefundStatus.ACCEPTED else UNKNOWN_REFUND
    return (refund.first_sent_at or at) + limit <= at
