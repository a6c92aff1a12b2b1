"""The one place where a refund changes its status. Every function here wants it from `lock_refund`.

`settled` can only become `reversed`. `rejected` becomes `settled` when the gateway says that it did give the
money back after all: the books follow the money.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nexus_kernel import Money, now, publish
from nexus_kernel.contracts.payments import (
    FailureCode,
    PaymentRefunded,
    RefundRejected,
    RefundSnapshot,
    Result,
    Status,
)
from nexus_payments.models import Payment, Refund, RefundStatus
from nexus_payments.services.ledger import note
from nexus_payments.services.refunds import LONGEST_REASON, lock_captured
from nexus_payments.services.schedule import is_refund_overdue, next_refund_check

log = logging.getLogger("nexus.payments")

NOT_GIVEN = "The gateway does not give the money back."
CAME_BACK = "The money came back to the shop."
NO_WORD = "The gateway does not say what became of it: look it up there."


@dataclass(frozen=True)
class Locked:
    """A refund and the captured payments of its payable, locked until the end of the transaction."""

    session: Session
    refund: Refund
    payments: dict[UUID, Payment]

    @property
    def payment(self) -> Payment:
        """The payment that the money is given back of."""
        return self.payments[self.refund.payment_id]

    def note(self, kind: str, **data: Any) -> None:
        """Write the ledger."""
        note(self.session, self.payment, kind, refund=self.refund.id, **data)


def lock_refund(session: Session, refund_id: UUID) -> Locked | None:
    """The refund, read afresh, after the payments that its sums are of; None for an unknown id."""
    refund = session.get(Refund, refund_id)
    if refund is None:
        return None
    payments = lock_captured(session, refund.payable_kind, refund.payable_id)
    session.refresh(refund, with_for_update=True)
    return Locked(session, refund, {payment.id: payment for payment in payments})


def apply_result(locked: Locked, result: Result, *, first: bool) -> None:
    """What the gateway answered to the sending. `first`: nothing was sent before, so that a no is certain."""
    failure = result.failure
    locked.note("refund_answer", status=result.status, failure=failure and failure.code, raw=result.raw)
    refund, at = locked.refund, now()
    refund.provider_ref = refund.provider_ref or _cut(result.provider_ref, 200)
    if result.status is Status.SUCCEEDED:
        settle(locked, "the gateway gave it back")
    elif refund.status != RefundStatus.UNKNOWN:
        return
    elif result.status in (Status.PENDING, Status.ACTION_REQUIRED):
        _move(locked, RefundStatus.ACCEPTED, "the gateway accepted it")
    elif failure is not None and failure.code is FailureCode.DUPLICATE_REFERENCE:
        _move(locked, RefundStatus.ACCEPTED, "an earlier sending got through")
    elif result.status in (Status.DECLINED, Status.CANCELED) and first:
        _refused(locked, result, at)
    refund.next_check_at = next_refund_check(refund, at)


def apply_snapshot(locked: Locked, snapshot: RefundSnapshot, at: datetime) -> None:
    """Bring the refund in line with what the gateway says, and plan the next look."""
    locked.note("refund_fetched", **_seen(snapshot))
    refund = locked.refund
    refund.provider_ref = refund.provider_ref or _cut(snapshot.provider_ref, 200)
    if snapshot.status is Status.SUCCEEDED:
        _settle_or_hand_over(locked, snapshot)
    elif snapshot.status is Status.CANCELED:
        reverse(locked)
    elif snapshot.status is Status.DECLINED:
        reverse(locked) if refund.status == RefundStatus.SETTLED else reject(locked, NOT_GIVEN)
    elif snapshot.status is Status.PENDING and refund.status == RefundStatus.UNKNOWN:
        _move(locked, RefundStatus.ACCEPTED, "the gateway knows it")
    if is_refund_overdue(refund, at):
        hand_over(locked, NO_WORD)
    refund.next_check_at = next_refund_check(refund, at)


def settle(locked: Locked, reason: str) -> None:
    """The money is given back."""
    refund = locked.refund
    if refund.status in (RefundStatus.SETTLED, RefundStatus.REVERSED):
        return
    _move(locked, RefundStatus.SETTLED, reason)
    refund.settled_at, refund.failure = now(), None
    refund.next_check_at = None
    captured = sum(payment.amount_minor for payment in _same_currency(locked))
    publish(
        PaymentRefunded(
            **_facts(locked),
            refunded=Money(_refunded(locked), refund.currency),
            captured=Money(captured, refund.currency),
        )
    )


def reject(locked: Locked, reason: str) -> None:
    """Nothing is given back."""
    if not locked.refund.has_ended:
        _end_without(locked, RefundStatus.REJECTED, reason)


def reverse(locked: Locked) -> None:
    """The money came back, perhaps after it was given."""
    if locked.refund.status not in (RefundStatus.REJECTED, RefundStatus.REVERSED):
        _end_without(locked, RefundStatus.REVERSED, CAME_BACK)


def send_anew(locked: Locked) -> None:
    """Let a worker try again what waits for a person and is certainly not at the gateway."""
    _move(locked, RefundStatus.REQUESTED, "a person lets it be tried again")
    refund = locked.refund
    refund.failure, refund.first_sent_at, refund.next_check_at = None, None, now()


def hand_over(locked: Locked, reason: str) -> None:
    """No gateway can do it, or say what it did: a person has to."""
    refund = locked.refund
    if refund.has_ended or refund.status == RefundStatus.NEEDS_PERSON:
        return
    log.error("refund %s waits for a person: %s", refund.reference, reason)
    _move(locked, RefundStatus.NEEDS_PERSON, reason)
    refund.failure = reason[:LONGEST_REASON]
    refund.next_check_at = None


def _refused(locked: Locked, result: Result, at: datetime) -> None:
    """A certain no: nothing is at the gateway, so that it may be sent as if for the first time."""
    refund, failure = locked.refund, result.failure
    refund.sends = 0
    reason = failure.safe_message if failure else NOT_GIVEN
    if failure is not None and failure.retryable and not is_refund_overdue(refund, at):
        refund.checks += 1
        _move(locked, RefundStatus.REQUESTED, reason)
    elif failure is not None and (failure.retryable or failure.code is FailureCode.CONFIGURATION):
        hand_over(locked, reason)
    else:
        reject(locked, reason)


def _settle_or_hand_over(locked: Locked, snapshot: RefundSnapshot) -> None:
    refund, found = locked.refund, []
    amount = snapshot.amount
    if amount is not None and amount != refund.amount:
        found.append(f"it gave {amount} {amount.currency}, not {refund.amount} {refund.currency}")
    if snapshot.reference is not None and snapshot.reference != refund.reference:
        found.append("it speaks of another refund")
    if found:
        hand_over(locked, f"The gateway's answer does not fit: {'; '.join(found)}.")
    else:
        settle(locked, "the gateway gave it back")


def _end_without(locked: Locked, status: RefundStatus, reason: str) -> None:
    _move(locked, status, reason)
    locked.refund.failure = reason[:LONGEST_REASON]
    locked.refund.next_check_at = None
    publish(RefundRejected(**_facts(locked), reason=reason))


def _move(locked: Locked, status: RefundStatus, reason: str) -> None:
    refund = locked.refund
    if refund.status != status:
        locked.note("refund_transition", source=refund.status, target=status, reason=reason)
        refund.status = status


def _refunded(locked: Locked) -> int:
    """The settled sum of the payable's refunds, this one included."""
    locked.session.flush()
    return int(
        locked.session.scalar(
            select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
                Refund.payable_kind == locked.refund.payable_kind,
                Refund.payable_id == locked.refund.payable_id,
                Refund.currency == locked.refund.currency,
                Refund.status == RefundStatus.SETTLED,
            )
        )
        or 0
    )


def _same_currency(locked: Locked) -> list[Payment]:
    currency = locked.refund.currency
    return [payment for payment in locked.payments.values() if payment.currency == currency]


def _facts(locked: Locked) -> dict[str, Any]:
    refund, payment = locked.refund, locked.payment
    return {
        "refund_id": refund.id,
        "payment_id": payment.id,
        "payable_kind": payment.payable_kind,
        "payable_id": payment.payable_id,
        "owner_id": payment.owner_id,
        "number": payment.payable_number,
        "reference": refund.caller_reference or "",
        "amount": refund.amount,
    }


def _seen(snapshot: RefundSnapshot) -> dict[str, object]:
    return {
        "status": snapshot.status,
        "known": snapshot.known,
        "amount": str(snapshot.amount) if snapshot.amount else None,
        "reference": snapshot.reference,
        "failure": snapshot.failure and snapshot.failure.code,
        "raw": snapshot.raw,
    }


def _cut(text: str | None, length: int) -> str | None:
    return text[:length] if text else None
