"""What workers do about refunds: send each one to its gateway once, and ask until it has ended.

The intent is committed before the gateway is called, as `unknown`: whoever finds it so asks what became of
it, and sends it again only where the gateway says that it never heard of it and gives no reference twice.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update

from nexus_kernel import current_nexus, now, reading, settings, transaction
from nexus_kernel.contracts.payments import (
    Capability,
    FailureCode,
    PaymentProvider,
    RefundSnapshot,
    Status,
)
from nexus_payments.config import PaymentsConfig
from nexus_payments.models import Payment, Refund, RefundStatus
from nexus_payments.services.checks import RUN_SECONDS
from nexus_payments.services.claims import claim_due
from nexus_payments.services.gateway import fetch_refund, refund_payment
from nexus_payments.services.refund_states import (
    Locked,
    apply_result,
    apply_snapshot,
    hand_over,
    lock_refund,
)

log = logging.getLogger("nexus.payments")

MOST_SENDS = 10
SETTLING = timedelta(seconds=20)
"""A gateway may not know yet what it was sent a moment ago: no refund is sent again sooner."""


@dataclass(frozen=True)
class Claim:
    """A refund that is ours until `until`, and its payment."""

    refund: Refund
    payment: Payment
    until: datetime


def run(refund_id: UUID, *, forced: bool = False) -> bool | None:
    """Do what is due for one refund; with `forced` ask about it in any case.

    False when the gateway could not say, None when another worker is at it or, unforced, nothing is due.
    """
    claim = _claim(refund_id, forced)
    if claim is None:
        return None
    refund = claim.refund
    provider = current_nexus().payment_providers.get(refund.provider)
    if refund.status == RefundStatus.REQUESTED:
        obstacle = _obstacle(provider, claim)
        if provider is None or obstacle is not None:
            return _give_to_person(claim, obstacle or "")
        return _send(provider, claim)
    if refund.sends == 0:
        return _release(claim)
    if provider is None or provider.test_mode != (claim.payment.mode == "test"):
        log.warning("refund %s waits for the provider %s in its mode", refund.reference, refund.provider)
        return _note_snapshot(claim, RefundSnapshot(status=Status.UNKNOWN))
    return _ask(provider, claim)


def run_due(seconds: float = RUN_SECONDS) -> int:
    """Do what is due, for at most so long; returns how many. Safe to run in several processes.

    A gateway that cannot say is left alone for the rest of the run.
    """
    end, done = time.monotonic() + seconds, 0
    silent: set[str] = set()
    while time.monotonic() < end:
        found = claim_due(Refund, "next_check_at", silent, _lease())
        if found is None:
            break
        refund_id, provider = found
        done += 1
        if run(refund_id, forced=True) is False:
            silent.add(provider)
    return done


def named_by(
    provider: str,
    *,
    reference: str | None,
    provider_ref: str | None,
    refund_reference: str | None,
    refund_provider_ref: str | None,
) -> list[UUID]:
    """The refunds that a webhook speaks of: the one that it names, else all that were sent of its payment."""
    row = Refund
    named = [
        column == value
        for column, value in ((row.reference, refund_reference), (row.provider_ref, refund_provider_ref))
        if value
    ]
    payment = [
        column == value
        for column, value in ((Payment.reference, reference), (Payment.provider_ref, provider_ref))
        if value
    ]
    with reading() as session:
        found = named and session.scalars(select(row.id).where(row.provider == provider, or_(*named))).all()
        if found or not payment:
            return list(found)
        of = select(Payment.id).where(Payment.provider == provider, or_(*payment))
        sent = select(row.id).where(row.payment_id.in_(of), row.sends > 0).order_by(row.id)
        return list(session.scalars(sent))


def learn(refund_reference: str, refund_provider_ref: str, provider: str) -> None:
    """Keep the gateway's name of a refund whose answer was lost, from a signed webhook."""
    with reading() as session:
        session.execute(
            update(Refund)
            .where(
                Refund.provider == provider,
                Refund.reference == refund_reference,
                Refund.provider_ref.is_(None),
            )
            .values(provider_ref=refund_provider_ref[:200])
        )


def _claim(refund_id: UUID, forced: bool) -> Claim | None:
    at = now()
    until = at + _lease()
    free = or_(Refund.busy_until.is_(None), Refund.busy_until <= at)
    due = () if forced else (Refund.next_check_at <= at,)
    statement = (
        update(Refund)
        .where(Refund.id == refund_id, free, *due)
        .values(
            busy_until=until,
            next_check_at=func.least(Refund.next_check_at, until) if forced else until,
        )
        .returning(Refund)
    )
    with reading() as session:
        refund = session.scalar(statement)
        if refund is None:
            return None
        return Claim(refund, session.get_one(Payment, refund.payment_id), until)


def _obstacle(provider: PaymentProvider | None, claim: Claim) -> str | None:
    """Why no gateway can give this money back, as a sentence."""
    if provider is None:
        return f"The provider {claim.refund.provider} is not installed."
    info = provider.info
    if Capability.REFUND not in info.capabilities:
        return f"{info.display_name} gives no money back by itself."
    if claim.refund.amount != claim.payment.amount and Capability.PARTIAL_REFUND not in info.capabilities:
        return f"{info.display_name} gives back whole payments only."
    if provider.test_mode != (claim.payment.mode == "test"):
        return f"The payment was made in {claim.payment.mode} mode, and {info.display_name} is not set to it."
    return None


def _send(provider: PaymentProvider, claim: Claim) -> bool:
    with transaction() as session:
        locked = _still_ours(lock_refund(session, claim.refund.id), claim)
        if locked is None:
            return True
        refund = locked.refund
        first = refund.status == RefundStatus.REQUESTED
        refund.status, refund.sent_at = RefundStatus.UNKNOWN, now()
        refund.first_sent_at = refund.first_sent_at or refund.sent_at
        refund.sends += 1
        locked.note("refund_sent", amount=str(refund.amount), currency=refund.currency, sends=refund.sends)
    result = refund_payment(provider, claim.payment, refund)
    with transaction() as session:
        locked = _locked(lock_refund(session, refund.id))
        apply_result(locked, result, first=first)
        if locked.refund.busy_until == claim.until:
            locked.refund.busy_until = None
    return result.status is not Status.UNKNOWN


def _ask(provider: PaymentProvider, claim: Claim) -> bool:
    refund = claim.refund
    snapshot = fetch_refund(provider, claim.payment, refund)
    if _may_send_again(provider, refund, snapshot):
        return _send(provider, claim)
    if snapshot.failure is not None and snapshot.failure.code is FailureCode.CONFIGURATION:
        log.error("%s refuses the shop's key or account; check its settings", refund.provider)
    return _note_snapshot(claim, snapshot)


def _note_snapshot(claim: Claim, snapshot: RefundSnapshot) -> bool:
    with transaction() as session:
        locked = _locked(lock_refund(session, claim.refund.id))
        locked.refund.checks += 1
        apply_snapshot(locked, snapshot, now())
        if locked.refund.busy_until == claim.until:
            locked.refund.busy_until = None
    return snapshot.status is not Status.UNKNOWN or not snapshot.known


def _may_send_again(provider: PaymentProvider, refund: Refund, snapshot: RefundSnapshot) -> bool:
    safe = Capability.NATIVE_IDEMPOTENCY in provider.info.capabilities
    lost = refund.status == RefundStatus.UNKNOWN and not snapshot.known
    settled = refund.sent_at is None or refund.sent_at < now() - SETTLING
    return safe and lost and settled and refund.sends < MOST_SENDS


def _give_to_person(claim: Claim, reason: str) -> bool:
    with transaction() as session:
        locked = _locked(lock_refund(session, claim.refund.id))
        hand_over(locked, reason)
        locked.refund.busy_until = locked.refund.next_check_at = None
    return True


def _release(claim: Claim) -> bool:
    with transaction() as session:
        locked = _locked(lock_refund(session, claim.refund.id))
        locked.refund.busy_until = locked.refund.next_check_at = None
    return True


def _still_ours(locked: Locked | None, claim: Claim) -> Locked | None:
    """The refund, unless it went on while this worker slept."""
    if locked is None or locked.refund.busy_until != claim.until:
        return None
    sendable = (RefundStatus.REQUESTED, RefundStatus.UNKNOWN)
    return locked if locked.refund.status in sendable else None


def _locked(locked: Locked | None) -> Locked:
    if locked is None:
        raise LookupError("refunds are never deleted")
    return locked


def _lease() -> timedelta:
    """Longer than one question and one sending, after which a worker that died is followed by another."""
    return timedelta(seconds=2 * settings(PaymentsConfig).call_timeout + 30)
