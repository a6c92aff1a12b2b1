"""Giving money back."""

from typing import Any
from uuid import UUID

from nexus_kernel import PageQuery, current_actor, page_of, paginate, reading, transaction
from nexus_payments import tasks
from nexus_payments.models import Refund
from nexus_payments.schemas.refunds import (
    RefundCreateSchema,
    RefundDecisionSchema,
    RefundQuery,
    RefundSchema,
    StaffRefundSchema,
)
from nexus_payments.services import refund_reads, refunds
from nexus_payments.services.reads import READ_ALL, find_payment
from nexus_payments.services.refund_reads import REFUND, present, present_row
from nexus_payments.views.blueprint import blp

NEWEST_FIRST = (Refund.created_at, Refund.id)


@blp.post("/<uuid:payment_id>/refunds/")
@blp.requires(REFUND)
@blp.idempotent()
@blp.arguments(RefundCreateSchema)
@blp.response(201, StaffRefundSchema)
def create_refund(args: dict[str, Any], payment_id: UUID) -> Any:
    """Give a payment back, or a part of it. A worker asks the gateway; follow the status."""
    actor = current_actor()
    with transaction() as session:
        payment = find_payment(session, actor, payment_id)
        amount = refund_reads.parse_amount(args["amount"], payment)
        refund = refunds.ask_for_payment(
            session, payment, amount, reason=args["reason"], actor_id=actor.person_id
        )
        tasks.refund.enqueue(str(refund.id))
        return present(refund, payment)


@blp.get("/<uuid:payment_id>/refunds/")
@blp.requires()
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(RefundSchema))
def list_payment_refunds(args: dict[str, Any], payment_id: UUID) -> Any:
    """The refunds of one's own payment, newest first; of any payment for staff."""
    with reading() as session:
        payment = find_payment(session, current_actor(), payment_id)
        rows = refund_reads.refunds_of(payment)
        return paginate(session, rows, order=NEWEST_FIRST, args=args, present=present_row)


@blp.get("/refunds/")
@blp.requires(READ_ALL)
@blp.arguments(RefundQuery, location="query")
@blp.response(200, page_of(StaffRefundSchema))
def list_refunds(args: dict[str, Any]) -> Any:
    """Every refund, newest first; `status=needs_person` are those that somebody has to see to."""
    with reading() as session:
        rows = refund_reads.refund_queue(args)
        return paginate(session, rows, order=NEWEST_FIRST, args=args, present=present_row)


@blp.post("/refunds/<uuid:refund_id>/confirm/")
@blp.requires(REFUND)
@blp.idempotent()
@blp.arguments(RefundDecisionSchema)
@blp.response(200, StaffRefundSchema)
def confirm_refund(args: dict[str, Any], refund_id: UUID) -> Any:
    """Say that a person gave the money back, where no gateway could."""
    actor_id = current_actor().person_id
    with transaction() as session:
        locked = refund_reads.confirm(session, refund_id, remark=args["note"], actor_id=actor_id)
        return present(locked.refund, locked.payment)


@blp.post("/refunds/<uuid:refund_id>/reject/")
@blp.requires(REFUND)
@blp.idempotent()
@blp.arguments(RefundDecisionSchema)
@blp.response(200, StaffRefundSchema)
def reject_refund(args: dict[str, Any], refund_id: UUID) -> Any:
    """Say that nothing is given back, where no gateway could; the amount can be asked for again."""
    actor_id = current_actor().person_id
    with transaction() as session:
        locked = refund_reads.refuse(session, refund_id, remark=args["note"], actor_id=actor_id)
        return present(locked.refund, locked.payment)


@blp.post("/refunds/<uuid:refund_id>/retry/")
@blp.requires(REFUND)
@blp.idempotent()
@blp.arguments(RefundDecisionSchema)
@blp.response(200, StaffRefundSchema)
def retry_refund(args: dict[str, Any], refund_id: UUID) -> Any:
    """Let the gateway be asked again, once what stood in the way is gone; never if it may have the refund."""
    actor_id = current_actor().person_id
    with transaction() as session:
        locked = refund_reads.retry(session, refund_id, remark=args["note"], actor_id=actor_id)
        tasks.refund.enqueue(str(refund_id))
        return present(locked.refund, locked.payment)
