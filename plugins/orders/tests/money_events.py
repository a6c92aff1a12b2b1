"""What payments tell of an order, for the tests."""

from uuid import UUID

from sqlalchemy import select

from nexus_kernel import Money, new_id, now, reading
from nexus_kernel.contracts.payments import PaymentRefunded, PaymentSucceeded, RefundRejected
from nexus_kernel.outbox import OutboxEvent


def about(placed):
    return {
        "payment_id": new_id(),
        "payable_kind": "order",
        "payable_id": UUID(placed["id"]),
        "owner_id": UUID(placed["user_id"]),
        "number": placed["number"],
    }


def succeeded(placed, amount=None):
    told = {**about(placed), "provider": "chapa", "reference": "TX1", "succeeded_at": now()}
    return PaymentSucceeded(**told, amount=amount or Money(1000, "ETB"))


def refunded(placed, asked, refunded=None, captured=1000, reference=""):
    """The event of a refund that was asked; `refunded` and `captured` are the order's sums."""
    return PaymentRefunded(
        **about(placed),
        refund_id=asked.id,
        reference=reference,
        amount=asked.amount,
        refunded=Money(asked.amount.minor if refunded is None else refunded, "ETB"),
        captured=Money(captured, "ETB"),
    )


def rejected(placed, asked, reason="no funds"):
    told = {**about(placed), "refund_id": asked.id, "reference": "", "amount": asked.amount}
    return RefundRejected(**told, reason=reason)


def events_of(app, name):
    with app.app_context(), reading() as session:
        found = select(OutboxEvent.payload).where(OutboxEvent.name == name).order_by(OutboxEvent.id)
        return list(session.scalars(found))
