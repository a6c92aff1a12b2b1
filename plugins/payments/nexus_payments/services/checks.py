"""Asking the gateway about attempts: when told to, and on a schedule: a lost webhook costs minutes."""

import logging
import time
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from nexus_kernel import current_nexus, now, reading, transaction
from nexus_kernel.contracts.payments import Capability, FailureCode, PaymentProvider, Snapshot, Status
from nexus_payments.models import SETTLED, Payment
from nexus_payments.services.claims import claim_due
from nexus_payments.services.gateway import cancel_payment, fetch_payment
from nexus_payments.services.ledger import note
from nexus_payments.services.schedule import expires_at
from nexus_payments.services.settlement import apply_snapshot, close_overdue, close_withdrawn, locked

log = logging.getLogger("nexus.payments")

LEASE = timedelta(seconds=90)
"""A check whose process died is done again after this long."""
HINT_PAUSE = timedelta(seconds=3)
"""Return pages and callbacks are unsigned; more often than this they cause no question to the gateway."""
RUN_SECONDS = 20.0


def check(payment_id: UUID) -> bool:
    """Ask the gateway about one attempt and apply its answer. False when the gateway could not say."""
    payment = _claim(payment_id)
    if payment is None or payment.status in SETTLED:
        return True
    provider = current_nexus().payment_providers.get(payment.provider)
    if provider is None:
        return _provider_missing(payment)
    cancelled = _cancel_if_over(provider, payment)
    snapshot = fetch_payment(provider, payment)
    _alarm(payment, snapshot)
    with transaction() as session:
        payment = locked(session, payment_id)
        at = now()
        payment.checks += 1
        retries, replaced = provider.info.retry_after_decline, payment.withdrawn_at is not None
        apply_snapshot(session, payment, snapshot, retries=retries, at=at, replaced=replaced)
        close_withdrawn(session, payment, cancelled, snapshot, at)
        close_overdue(session, payment, snapshot, at)
    return snapshot.status is not Status.UNKNOWN or not snapshot.known


def check_due(seconds: float = RUN_SECONDS) -> int:
    """Check what is due, for at most so long; returns how many.

    A gateway that cannot say is left alone for the rest of the run, so that one that is down does not keep
    the others waiting. Safe to run in several processes.
    """
    end, done = time.monotonic() + seconds, 0
    silent: set[str] = set()
    while time.monotonic() < end:
        found = claim_due(Payment, "next_check_at", silent, LEASE)
        if found is None:
            break
        payment_id, provider = found
        done += 1
        if not check(payment_id):
            silent.add(provider)
    return done


def hint(payment_id: UUID) -> bool:
    """Make an attempt due now, because something unproven says that it changed. True when it is worth asking.

    Wants a transaction.
    """
    at = now()
    statement = (
        update(Payment)
        .where(
            Payment.id == payment_id,
            Payment.status.not_in(SETTLED),
            Payment.sends > 0,
            or_(Payment.checked_at.is_(None), Payment.checked_at < at - HINT_PAUSE),
            or_(Payment.next_check_at.is_(None), Payment.next_check_at > at),
        )
        .values(next_check_at=at)
        .returning(Payment.id)
    )
    with transaction() as session:
        return session.execute(statement).scalar() is not None


def find_by_reference(provider: str, reference: str) -> UUID | None:
    """The attempt of this provider with this reference."""
    with reading() as session:
        return session.scalar(
            select(Payment.id).where(Payment.provider == provider, Payment.reference == reference)
        )


def _claim(payment_id: UUID) -> Payment | None:
    with reading() as session:
        return session.scalar(
            update(Payment)
            .where(Payment.id == payment_id)
            .values(next_check_at=now() + LEASE)
            .where(Payment.status.not_in(SETTLED))
            .returning(Payment)
        )


def _cancel_if_over(provider: PaymentProvider, payment: Payment) -> Status | None:
    """Close an attempt at its gateway when its time is over or its payable was cancelled."""
    end, at = expires_at(payment), now()
    over = payment.withdrawn_at is not None or (end is not None and at >= end)
    busy = payment.busy_until is not None and payment.busy_until > at
    if not payment.is_open or not over or busy or Capability.CANCEL not in provider.info.capabilities:
        return None
    result = cancel_payment(provider, payment)
    with transaction() as session:
        note(session, payment, "cancel", status=result.status, raw=result.raw)
    return result.status


def _provider_missing(payment: Payment) -> bool:
    log.warning("payment %s waits for the provider %s, which is not installed", payment.id, payment.provider)
    with reading() as session:
        session.execute(
            update(Payment)
            .where(Payment.id == payment.id)
            .values(next_check_at=now() + timedelta(hours=1), check_failure="provider_missing")
        )
    return False


def _alarm(payment: Payment, snapshot: Snapshot) -> None:
    if snapshot.failure is not None and snapshot.failure.code is FailureCode.CONFIGURATION:
        log.error("%s refuses the shop's key or account; check its settings", payment.provider)
