"""Reading payments."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from nexus_kernel import Actor
from nexus_kernel.contracts.payments import Redirect
from nexus_payments.errors import PaymentNotFound
from nexus_payments.models import Payment, PaymentStatus
from nexus_payments.services.attempts import is_in_time

READ_ALL = "payments.payment.read"


def visible_payments(actor: Actor, filters: Mapping[str, Any]) -> Select[Any]:
    """The payments that this person may see: their own, and all of them for staff."""
    statement = select(Payment)
    if not actor.can(READ_ALL):
        statement = statement.where(Payment.owner_id == actor.person_id)
    if filters.get("status"):
        statement = statement.where(Payment.status == filters["status"])
    if filters.get("order_id"):
        statement = statement.where(
            Payment.payable_kind == "order", Payment.payable_id == filters["order_id"]
        )
    return statement


def find_payment(session: Session, actor: Actor, payment_id: UUID) -> Payment:
    """One payment. Raises PaymentNotFound for a stranger's too."""
    payment: Payment | None = session.scalar(visible_payments(actor, {}).where(Payment.id == payment_id))
    if payment is None:
        raise PaymentNotFound()
    return payment


def present(payment: Payment) -> dict[str, Any]:
    """A payment as `PaymentSchema` shows it."""
    wanted = payment.status == PaymentStatus.PENDING and payment.withdrawn_at is None
    usable = wanted and is_in_time(payment)
    failure = {"code": payment.failure_code, "message": payment.failure_message}
    return {
        "id": payment.id,
        "order_id": payment.payable_id,
        "order_number": payment.payable_number,
        "provider": payment.provider,
        "tx_ref": payment.reference,
        "amount": payment.amount,
        "currency": payment.currency,
        "mode": payment.mode,
        "status": PaymentStatus(payment.status),
        "payment_url": payment.checkout_url if usable else None,
        "method": payment.method,
        "failure": failure if payment.failure_code else None,
        "deadline": payment.deadline,
        "succeeded_at": payment.succeeded_at,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }


def present_initiated(payment: Payment) -> dict[str, Any]:
    """An open payment as `InitiatedSchema` shows it."""
    url = payment.checkout_url or ""
    return {
        "payment_url": url,
        "payment_id": payment.id,
        "tx_ref": payment.reference,
        "next_action": {"kind": Redirect.kind, "url": url},
        "status": PaymentStatus(payment.status),
    }
