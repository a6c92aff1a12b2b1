"""The one place where an attempt changes its status. Every function here wants the row locked.

States are monotonic: nothing leaves `succeeded` and `needs_review`, and money that comes after an end is
recorded.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import now, publish
from nexus_kernel.contracts.payments import (
    FailureCode,
    PaymentFailed,
    PaymentNeedsReview,
    PaymentSucceeded,
    Snapshot,
    Status,
)
from nexus_payments.models import SETTLED, Payment, PaymentStatus
from nexus_payments.services.ledger import note
from nexus_payments.services.schedule import GIVE_UP, expires_at, next_check

log = logging.getLogger("nexus.payments")


def locked(session: Session, payment_id: UUID) -> Payment:
    """The attempt, locked until the end of the transaction and read afresh."""
    return session.get_one(Payment, payment_id, with_for_update=True, populate_existing=True)


def apply_snapshot(
    session: Session,
    payment: Payment,
    snapshot: Snapshot,
    *,
    retries: bool,
    at: datetime,
    replaced: bool = False,
) -> None:
    """Bring the attempt in line with what the gateway says.

    `retries`: a decline is not the end. `replaced`: a cancellation is our own, so nobody is told of it.
    Whatever the answer, the attempt's next look is scheduled.
    """
    note(session, payment, "fetched", **_seen(snapshot))
    payment.check_failure = snapshot.failure.code if snapshot.failure else None
    payment.provider_ref = payment.provider_ref or snapshot.provider_ref
    if snapshot.status is not Status.UNKNOWN:
        payment.checked_at = at
    if payment.status not in SETTLED:
        _apply(session, payment, snapshot, retries, replaced)
    payment.next_check_at = next_check(payment, at)


def close_overdue(session: Session, payment: Payment, snapshot: Snapshot, at: datetime) -> None:
    """End an open attempt whose time is over, unless the gateway could not say whether it was paid."""
    end = expires_at(payment)
    if not payment.is_open or end is None or at < end:
        return
    unclear = snapshot.status is Status.UNKNOWN and snapshot.known
    if unclear and at < end + GIVE_UP:
        return
    close(session, payment, _overdue_status(payment))
    payment.next_check_at = next_check(payment, at)


def close_withdrawn(
    session: Session, payment: Payment, cancelled: Status | None, snapshot: Snapshot, at: datetime
) -> None:
    """End an open attempt whose payable was cancelled, once its page is dead; nobody is told.

    `cancelled` is the gateway's answer to the cancellation, None when it was not asked for one.
    """
    busy = payment.busy_until is not None and payment.busy_until > at
    if not payment.is_open or payment.withdrawn_at is None or busy:
        return
    under_way = snapshot.status in (Status.PENDING, Status.UNKNOWN) and snapshot.known
    dead = cancelled is Status.CANCELED or (cancelled is Status.DECLINED and not under_way)
    if dead or not snapshot.known:
        close(session, payment, PaymentStatus.CANCELED, replaced=True)
        payment.next_check_at = next_check(payment, at)


def close(session: Session, payment: Payment, status: PaymentStatus, *, replaced: bool = False) -> None:
    """End an open attempt without money. `replaced`: it was not wanted any more, so nobody is told."""
    if not payment.is_open:
        return
    reason = _reason(payment, status)
    unwanted = "replaced" if payment.withdrawn_at is None else "withdrawn"
    _move(session, payment, status, unwanted if replaced else reason)
    payment.closed_at = now()
    if not replaced:
        publish(PaymentFailed(**_facts(payment), reason=reason))


def _apply(session: Session, payment: Payment, snapshot: Snapshot, retries: bool, replaced: bool) -> None:
    if snapshot.status is Status.SUCCEEDED:
        _succeed_or_review(session, payment, snapshot)
    elif not payment.is_open:
        return
    elif snapshot.status is Status.DECLINED:
        payment.failure_code = FailureCode.DECLINED
        payment.failure_message = "The payment was declined."
        if not retries:
            close(session, payment, PaymentStatus.FAILED)
    elif snapshot.status is Status.CANCELED:
        end = expires_at(payment)
        overdue = end is not None and now() >= end
        status = _overdue_status(payment) if overdue else PaymentStatus.CANCELED
        close(session, payment, status, replaced=replaced)
    else:
        _still_open(session, payment, snapshot)


def _still_open(session: Session, payment: Payment, snapshot: Snapshot) -> None:
    if snapshot.status is Status.PENDING:
        payment.failure_code = payment.failure_message = None
    if payment.status == PaymentStatus.CREATED:
        _move(session, payment, PaymentStatus.UNKNOWN, "its opening did not end")


def _succeed_or_review(session: Session, payment: Payment, snapshot: Snapshot) -> None:
    differences = _differences(payment, snapshot)
    if differences:
        reason = "; ".join(differences)
        log.error("payment %s needs review: %s", payment.reference, reason)
        _move(session, payment, PaymentStatus.NEEDS_REVIEW, reason)
        publish(
            PaymentNeedsReview(
                payment_id=payment.id,
                payable_kind=payment.payable_kind,
                payable_id=payment.payable_id,
                reason=reason,
            )
        )
        return
    _move(session, payment, PaymentStatus.SUCCEEDED, "the gateway confirmed the money")
    payment.succeeded_at = now()
    payment.method = (snapshot.method or "")[:64] or None
    payment.failure_code = payment.failure_message = None
    publish(PaymentSucceeded(**_facts(payment), succeeded_at=payment.succeeded_at))


def _differences(payment: Payment, snapshot: Snapshot) -> Sequence[str]:
    found = []
    captured = snapshot.captured
    if captured is None:
        found.append("the gateway names no amount")
    elif captured.currency != payment.currency:
        found.append(f"currency is {captured.currency}, not {payment.currency}")
    elif captured.minor != payment.amount_minor:
        found.append(f"amount is {captured}, not {payment.amount}")
    if snapshot.reference != payment.reference:
        found.append("the reference is another one")
    if snapshot.test_mode is not None and snapshot.test_mode != (payment.mode == "test"):
        found.append(f"mode is {'test' if snapshot.test_mode else 'live'}, not {payment.mode}")
    return found


def _overdue_status(payment: Payment) -> PaymentStatus:
    declined = payment.failure_code == FailureCode.DECLINED
    return PaymentStatus.FAILED if declined else PaymentStatus.EXPIRED


def _move(session: Session, payment: Payment, status: PaymentStatus, reason: str) -> None:
    note(session, payment, "transition", source=payment.status, target=status, reason=reason)
    payment.status = status


def _reason(payment: Payment, status: PaymentStatus) -> str:
    if status is PaymentStatus.FAILED:
        return payment.failure_code or FailureCode.DECLINED
    return str(status)


def _facts(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "payable_kind": payment.payable_kind,
        "payable_id": payment.payable_id,
        "owner_id": payment.owner_id,
        "number": payment.payable_number,
        "provider": payment.provider,
        "reference": payment.reference,
        "amount": payment.amount,
    }


def _seen(snapshot: Snapshot) -> dict[str, object]:
    return {
        "status": snapshot.status,
        "known": snapshot.known,
        "amount": str(snapshot.captured) if snapshot.captured else None,
        "currency": snapshot.captured.currency if snapshot.captured else None,
        "reference": snapshot.reference,
        "test_mode": snapshot.test_mode,
        "raw": snapshot.raw,
    }
