"""Asking for money back: under the lock of the captured payments, never more than is left of them.

The gateway is not called here: a worker does that after the commit.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import Money, current_nexus, invalid_field, new_id, now
from nexus_kernel.contracts.payments import ReferenceRule
from nexus_payments.errors import NotRefundable, RefundReferenceUsed, RefundTooLarge
from nexus_payments.models import RETURNED, Payment, PaymentStatus, Refund, RefundStatus
from nexus_payments.services.attempts import new_reference
from nexus_payments.services.ledger import note

LONGEST_CALLER_REFERENCE = 200
LONGEST_REASON = 300


def ask(
    session: Session,
    kind: str,
    payable_id: UUID,
    amount: Money,
    *,
    reference: str,
    reason: str,
    actor_id: UUID | None,
) -> list[UUID]:
    """Ask for an amount of a payable: the ids of the refunds, the first one first; see the contract.

    Raises NotRefundable, RefundTooLarge and RefundReferenceUsed, which are conflicts, Invalid for an amount
    that is not positive, and ValueError for a reference of the wrong length.
    """
    if not 1 <= len(reference) <= LONGEST_CALLER_REFERENCE:
        raise ValueError(f"a refund's reference has 1 to {LONGEST_CALLER_REFERENCE} characters")
    if amount.minor <= 0:
        raise invalid_field("amount", "Must be more than nothing.", "too_small")
    payments = [
        payment for payment in lock_captured(session, kind, payable_id) if payment.currency == amount.currency
    ]
    earlier = _asked_before(session, kind, payable_id, reference)
    if earlier:
        return earlier
    if not payments:
        raise NotRefundable("No money was collected for this in this currency.")
    left = remainders(session, payments)
    _refuse_too_much(amount, Money(sum(left.values()), amount.currency))
    asked = []
    by_id = {payment.id: payment for payment in payments}
    for part, (payment_id, minor) in enumerate(split(amount.minor, left)):
        payment = by_id[payment_id]
        refund_id = _insert(session, payment, minor, reason, actor_id, reference=reference, part=part)
        if refund_id is None:
            raise RefundReferenceUsed(f"{reference} names a refund of something else.")
        asked.append(refund_id)
    return asked


def ask_for_payment(
    session: Session, payment: Payment, amount: Money | None, *, reason: str, actor_id: UUID
) -> Refund:
    """Ask for an amount of this very payment, or for what is left of it.

    Raises NotRefundable when it collected no money or nothing is left, RefundTooLarge for more than is left.
    """
    captured = {item.id: item for item in lock_captured(session, payment.payable_kind, payment.payable_id)}
    if payment.id not in captured:
        raise NotRefundable("This payment collected no money.")
    left = Money(remainders(session, [payment])[payment.id], payment.currency)
    if not left:
        raise NotRefundable("Everything of this payment is given back, or asked for.")
    wanted = left if amount is None else amount
    _refuse_too_much(wanted, left)
    refund_id = _insert(session, payment, wanted.minor, reason, actor_id)
    return session.get_one(Refund, refund_id)


def lock_captured(session: Session, kind: str, payable_id: UUID) -> Sequence[Payment]:
    """The payments that collected money for a payable, locked in the order of their ids."""
    statement = (
        select(Payment)
        .where(
            Payment.payable_kind == kind,
            Payment.payable_id == payable_id,
            Payment.status == PaymentStatus.SUCCEEDED,
        )
        .order_by(Payment.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def remainders(session: Session, payments: Sequence[Payment]) -> dict[UUID, int]:
    """What is left of each payment in minor units: its amount without what is given back or asked for.

    Wants them locked.
    """
    statement = (
        select(Refund.payment_id, func.sum(Refund.amount_minor))
        .where(
            Refund.payment_id.in_([payment.id for payment in payments]),
            Refund.status.not_in(RETURNED),
        )
        .group_by(Refund.payment_id)
    )
    taken = {payment_id: int(minor) for payment_id, minor in session.execute(statement)}
    return {payment.id: max(payment.amount_minor - taken.get(payment.id, 0), 0) for payment in payments}


def split(minor: int, left: Mapping[UUID, int]) -> list[tuple[UUID, int]]:
    """Which payments give how much: one alone when one has enough, the best fitting one first.

    `left` holds at least `minor` in all.
    """
    enough = [payment_id for payment_id, rest in left.items() if rest >= minor]
    if enough:
        return [(min(enough, key=lambda payment_id: (left[payment_id], payment_id)), minor)]
    parts = []
    for payment_id, rest in left.items():
        part = min(rest, minor)
        if part:
            parts.append((payment_id, part))
            minor -= part
    return parts


def _refuse_too_much(amount: Money, left: Money) -> None:
    if amount > left:
        raise RefundTooLarge(
            f"{left} {left.currency} of it can be given back.", available=str(left), currency=left.currency
        )


def _asked_before(session: Session, kind: str, payable_id: UUID, reference: str) -> list[UUID]:
    found = session.scalars(
        select(Refund).where(Refund.caller_reference == reference).order_by(Refund.part)
    ).all()
    if any((refund.payable_kind, refund.payable_id) != (kind, payable_id) for refund in found):
        raise RefundReferenceUsed(f"{reference} names a refund of something else.")
    return [refund.id for refund in found]


def _insert(
    session: Session,
    payment: Payment,
    minor: int,
    reason: str,
    actor_id: UUID | None,
    *,
    reference: str | None = None,
    part: int = 0,
) -> UUID | None:
    """The new refund's id; None when another transaction has taken the reference."""
    provider = current_nexus().payment_providers.get(payment.provider)
    rule = ReferenceRule() if provider is None else provider.info.reference_rule
    statement = (
        insert(Refund)
        .values(
            id=new_id(),
            payment_id=payment.id,
            payable_kind=payment.payable_kind,
            payable_id=payment.payable_id,
            provider=payment.provider,
            reference=new_reference(rule),
            caller_reference=reference,
            part=part,
            amount_minor=minor,
            currency=payment.currency,
            reason=reason[:LONGEST_REASON],
            actor_id=actor_id,
            status=RefundStatus.REQUESTED,
            next_check_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["caller_reference", "part"])
        .returning(Refund.id)
    )
    refund_id: UUID | None = session.execute(statement).scalar()
    if refund_id is not None:
        amount = {"amount": str(Money(minor, payment.currency)), "currency": payment.currency}
        note(session, payment, "refund_requested", refund=refund_id, actor=actor_id, **amount)
    return refund_id
