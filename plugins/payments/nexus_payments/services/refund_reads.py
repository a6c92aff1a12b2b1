"""Reading refunds, and what staff do about them by hand."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from nexus_kernel import Money, invalid_field
from nexus_kernel.money import MoneyError
from nexus_payments.errors import RefundAtGateway, RefundNotFound, RefundNotWaiting
from nexus_payments.models import Payment, Refund, RefundStatus
from nexus_payments.services.refund_states import Locked, lock_refund, reject, send_anew, settle

REFUND = "payments.refund.write"


def parse_amount(amount: Any, payment: Payment) -> Money | None:
    """The amount of a request in the payment's currency. Raises Invalid about `amount`."""
    if amount is None:
        return None
    try:
        money = Money.parse(amount, payment.currency)
    except MoneyError as error:
        raise invalid_field("amount", f"{error}.") from None
    if money.minor <= 0:
        raise invalid_field("amount", "Must be more than nothing.", "too_small")
    return money


def refunds_of(payment: Payment) -> Select[Any]:
    """The refunds of one payment."""
    return select(Refund, Payment).join(Payment).where(Refund.payment_id == payment.id)


def refund_queue(filters: Mapping[str, Any]) -> Select[Any]:
    """Every refund, or those in one status, with their payments."""
    statement = select(Refund, Payment).join(Payment)
    if filters.get("status"):
        statement = statement.where(Refund.status == filters["status"])
    return statement


def confirm(session: Session, refund_id: UUID, *, remark: str, actor_id: UUID) -> Locked:
    """A person gave the money back. Raises RefundNotFound, and RefundNotWaiting unless it waits for one."""
    locked = _waiting(session, refund_id, "confirmed", remark, actor_id)
    settle(locked, "a person gave it back")
    return locked


def refuse(session: Session, refund_id: UUID, *, remark: str, actor_id: UUID) -> Locked:
    """A person decided that nothing is given back; raises as `confirm` does."""
    locked = _waiting(session, refund_id, "rejected", remark, actor_id)
    reject(locked, remark)
    return locked


def retry(session: Session, refund_id: UUID, *, remark: str, actor_id: UUID) -> Locked:
    """Let the gateway be asked again; raises as `confirm` does, and RefundAtGateway if it was sent."""
    locked = _waiting(session, refund_id, "retried", remark, actor_id)
    if locked.refund.sends:
        raise RefundAtGateway("Its answer was lost: look it up there, then confirm or reject it.")
    send_anew(locked)
    return locked


def present(refund: Refund, payment: Payment) -> dict[str, Any]:
    """A refund as `RefundSchema` and `StaffRefundSchema` show it."""
    return {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "order_id": refund.payable_id,
        "order_number": payment.payable_number,
        "provider": refund.provider,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": RefundStatus(refund.status),
        "reason": refund.reason,
        "settled_at": refund.settled_at,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
        "reference": refund.reference,
        "caller_reference": refund.caller_reference,
        "provider_ref": refund.provider_ref,
        "payment_provider_ref": payment.provider_ref,
        "failure": refund.failure,
        "actor_id": refund.actor_id,
        "sent_at": refund.sent_at,
    }


def present_row(row: Any) -> dict[str, Any]:
    """A row of the lists."""
    return present(row[0], row[1])


def _waiting(session: Session, refund_id: UUID, what: str, remark: str, actor_id: UUID) -> Locked:
    locked = lock_refund(session, refund_id)
    if locked is None:
        raise RefundNotFound()
    if locked.refund.status != RefundStatus.NEEDS_PERSON:
        raise RefundNotWaiting(f"It is {locked.refund.status}.")
    locked.note(f"refund_{what}", actor=actor_id, remark=remark)
    return locked
