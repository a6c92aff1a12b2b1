"""The attempt rows behind an initiate request: claiming one, and noting what the gateway answered.

A claim is a lease of one gateway call: it ends by itself when the process dies.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import new_id, now, settings, transaction
from nexus_kernel.contracts.payments import (
    FailureCode,
    Payable,
    PaymentProvider,
    ReferenceRule,
    Result,
    Status,
)
from nexus_payments.config import PaymentsConfig
from nexus_payments.errors import NotPayable
from nexus_payments.models import IS_OPEN, OPEN, REFERENCE_LENGTH, SETTLED, Payment, PaymentStatus
from nexus_payments.services.ledger import note
from nexus_payments.services.schedule import next_check
from nexus_payments.services.settlement import close, locked

STILL_VALID = timedelta(seconds=30)
"""A checkout page that closes sooner than this is not worth sending a buyer to."""


WITHDRAWN = "This was cancelled a moment ago."


class Turn(Enum):
    """What the one who claimed an attempt has to do with it."""

    OPEN = auto()
    RESUME = auto()
    RESOLVE = auto()
    WAIT = auto()


@dataclass(frozen=True)
class Claimed:
    """An attempt and what to do with it."""

    turn: Turn
    payment: Payment


def claim(payable: Payable, provider: PaymentProvider, return_url: str | None) -> Claimed | None:
    """The open attempt of this payable and provider, or a new one; None when it has just been closed.

    Raises NotPayable when another attempt was paid or is under review.
    """
    with transaction() as session:
        payment = _insert(session, payable, provider, return_url)
        turn = Turn.OPEN
        if payment is None:
            payment = _open_attempt(session, payable, provider)
            if payment is None:
                return None
            turn = _turn(payment, payable)
        _refuse_if_settled(session, payable)
        if payment.mode != _mode(provider):
            close(session, payment, PaymentStatus.CANCELED, replaced=True)
            return None
        if turn is not Turn.WAIT:
            payment.return_url = return_url
        if turn in (Turn.OPEN, Turn.RESOLVE):
            payment.busy_until = _lease()
        return Claimed(turn, payment)


def before_sending(payment: Payment) -> Payment | None:
    """Note that the attempt is sent to its gateway now; None when it was closed meanwhile.

    Raises NotPayable when its payable was cancelled meanwhile.
    """
    with transaction() as session:
        payment = locked(session, payment.id)
        if payment.withdrawn_at is not None:
            raise NotPayable(WITHDRAWN)
        if not payment.is_open:
            return None
        payment.sends += 1
        payment.busy_until = _lease()
        note(session, payment, "initiate", amount=str(payment.amount), currency=payment.currency)
        return payment


def renew(payment: Payment) -> None:
    """Keep the claim for one more gateway call."""
    with transaction() as session:
        locked(session, payment.id).busy_until = _lease()


def release(payment: Payment) -> Payment:
    """Give the claim back."""
    with transaction() as session:
        payment = locked(session, payment.id)
        payment.busy_until = None
        return payment


def after_sending(payment: Payment, result: Result) -> Payment:
    """Note the gateway's answer. Money is never taken from it: only `fetch` says that something is paid."""
    with transaction() as session:
        payment = locked(session, payment.id)
        note(session, payment, "answer", status=result.status, failure=_failure(result), raw=result.raw)
        payment.busy_until = None
        payment.provider_ref = payment.provider_ref or result.provider_ref
        payment.checkout_url = result.next_action.url if result.next_action else None
        if payment.is_open:
            _note_outcome(session, payment, result)
        return payment


def withdraw(session: Session, kind: str, payable_id: UUID) -> list[UUID]:
    """Mark the open attempts of a payable to be closed at their gateways now, and return them.

    One that a request is sending right now is due when that request is over.
    """
    at = now()
    statement = (
        update(Payment)
        .where(Payment.payable_kind == kind, Payment.payable_id == payable_id, Payment.status.in_(OPEN))
        .values(
            withdrawn_at=func.coalesce(Payment.withdrawn_at, at),
            next_check_at=func.greatest(at, func.coalesce(Payment.busy_until, at)),
        )
        .returning(Payment.id)
    )
    return list(session.scalars(statement))


def close_replaced(payment: Payment) -> None:
    """End an attempt that another one follows."""
    with transaction() as session:
        payment = locked(session, payment.id)
        payment.busy_until = None
        close(session, payment, PaymentStatus.CANCELED, replaced=True)
        payment.next_check_at = next_check(payment, now())


def note_cancel(payment: Payment, result: Result) -> None:
    """Note the gateway's answer to a cancellation."""
    with transaction() as session:
        note(session, payment, "cancel", status=result.status, raw=result.raw)


def is_valid(payment: Payment, payable: Payable) -> bool:
    """True when the attempt is still for this amount, and in time."""
    return payment.amount == payable.amount and is_in_time(payment)


def is_in_time(payment: Payment) -> bool:
    """True while the gateway's page can be used."""
    return payment.deadline is None or payment.deadline > now() + STILL_VALID


def is_duplicate(result: Result) -> bool:
    """True when an earlier try got through although its answer was lost."""
    return result.failure is not None and result.failure.code is FailureCode.DUPLICATE_REFERENCE


def _note_outcome(session: Session, payment: Payment, result: Result) -> None:
    at = now()
    definite = result.status in (Status.DECLINED, Status.CANCELED)
    if definite and not is_duplicate(result):
        failure = result.failure
        payment.failure_code = failure.code if failure else FailureCode.DECLINED
        payment.failure_message = failure.safe_message[:300] if failure else None
        close(session, payment, PaymentStatus.FAILED)
        payment.next_check_at = None
        return
    answered = payment.checkout_url and result.status is not Status.UNKNOWN
    status = PaymentStatus.PENDING if answered else PaymentStatus.UNKNOWN
    note(session, payment, "transition", source=payment.status, target=status, reason="initiate")
    payment.status = status
    urgent = result.status is Status.SUCCEEDED or payment.withdrawn_at is not None
    soon = 0 if urgent else settings(PaymentsConfig).first_check
    payment.next_check_at = at + timedelta(seconds=soon)


def _insert(
    session: Session, payable: Payable, provider: PaymentProvider, return_url: str | None
) -> Payment | None:
    at, ttl = now(), provider.info.pending_ttl
    payment_id = new_id()
    statement = (
        insert(Payment)
        .values(
            id=payment_id,
            payable_kind=payable.kind,
            payable_id=payable.id,
            payable_number=payable.number[:64],
            description=payable.description[:200],
            owner_id=payable.owner_id,
            provider=provider.info.code,
            reference=new_reference(provider.info.reference_rule),
            idempotency_key=f"initiate-{payment_id}",
            amount_minor=payable.amount.minor,
            currency=payable.amount.currency,
            mode=_mode(provider),
            status=PaymentStatus.CREATED,
            return_url=return_url,
            deadline=at + ttl if ttl is not None else None,
            next_check_at=at + timedelta(seconds=settings(PaymentsConfig).first_check),
        )
        .on_conflict_do_nothing(
            index_elements=["payable_kind", "payable_id", "provider"],
            index_where=IS_OPEN,
        )
        .returning(Payment.id)
    )
    inserted = session.execute(statement).scalar()
    return None if inserted is None else locked(session, inserted)


def new_reference(rule: ReferenceRule) -> str:
    """A random reference, unique for ever: capitals and digits, within the gateway's rule."""
    alphabet = "".join(char for char in rule.alphabet if char in ReferenceRule().alphabet)
    length = min(rule.max_length, REFERENCE_LENGTH)
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _open_attempt(session: Session, payable: Payable, provider: PaymentProvider) -> Payment | None:
    return session.scalar(
        select(Payment)
        .where(
            Payment.payable_kind == payable.kind,
            Payment.payable_id == payable.id,
            Payment.provider == provider.info.code,
            Payment.status.in_(OPEN),
        )
        .with_for_update()
    )


def _turn(payment: Payment, payable: Payable) -> Turn:
    if payment.busy_until is not None and payment.busy_until > now():
        return Turn.WAIT
    fresh = payment.status == PaymentStatus.PENDING and payment.failure_code is None
    return Turn.RESUME if fresh and is_valid(payment, payable) else Turn.RESOLVE


def _refuse_if_settled(session: Session, payable: Payable) -> None:
    status = session.scalar(
        select(Payment.status)
        .where(
            Payment.payable_kind == payable.kind,
            Payment.payable_id == payable.id,
            Payment.status.in_(SETTLED),
        )
        .limit(1)
    )
    if status == PaymentStatus.SUCCEEDED:
        raise NotPayable("This is paid already.")
    if status is not None:
        raise NotPayable("A payment for this is being looked into.")


def _mode(provider: PaymentProvider) -> str:
    return "test" if provider.test_mode else "live"


def _lease() -> datetime:
    return now() + timedelta(seconds=settings(PaymentsConfig).call_timeout + 2)


def _failure(result: Result) -> dict[str, object] | None:
    return (
        None if result.failure is None else {"code": result.failure.code, "said": result.failure.safe_message}
    )
