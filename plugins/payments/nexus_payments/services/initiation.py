"""Opening a payment: one attempt however often and from wherever it is asked for.

The attempt is committed before its gateway is called, and no transaction is open during a call.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from nexus_kernel import Money, current_nexus, invalid_field, now, reading, settings, transaction
from nexus_kernel.contracts.payments import (
    Capability,
    FailureCode,
    Payable,
    PaymentProvider,
    Snapshot,
    Status,
)
from nexus_payments.config import PaymentsConfig
from nexus_payments.errors import (
    NotPayable,
    PayableNotFound,
    PaymentInProgress,
    PaymentRejected,
    ProviderMisconfigured,
    ProviderNotAvailable,
    ProviderUnavailable,
)
from nexus_payments.models import SETTLED, Payment
from nexus_payments.services import attempts
from nexus_payments.services.attempts import Turn
from nexus_payments.services.gateway import cancel_payment, fetch_payment, open_payment
from nexus_payments.services.settlement import apply_snapshot, locked

ROUNDS = 4
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Started:
    """A payment that the buyer can go on with; `created` is False when an earlier one is resumed."""

    payment: Payment
    created: bool


def initiate(owner_id: UUID, order_id: UUID, provider_code: str | None, return_url: str | None) -> Started:
    """Open the order's payment or resume the open one.

    Raises PayableNotFound, NotPayable, ProviderNotAvailable, PaymentInProgress, PaymentRejected,
    ProviderMisconfigured and ProviderUnavailable.
    """
    payable = resolve_payable("order", order_id, owner_id)
    provider = choose_provider(provider_code)
    check_limits(provider, payable)
    waited_until = time.monotonic() + settings(PaymentsConfig).wait_for_other
    rounds = 0
    while rounds < ROUNDS:
        claimed = attempts.claim(payable, provider, return_url)
        if claimed is not None and claimed.turn is Turn.WAIT:
            if time.monotonic() >= waited_until:
                raise PaymentInProgress()
            time.sleep(POLL_SECONDS)
            continue
        rounds += 1
        started = None if claimed is None else _take_turn(claimed, provider, payable)
        if started is not None:
            return started
    raise ProviderUnavailable()


def resolve_payable(kind: str, payable_id: UUID, owner_id: UUID) -> Payable:
    """What is to be paid. Raises PayableNotFound for a stranger's, NotPayable when it refuses."""
    source = current_nexus().payables.get(kind)
    with reading():
        payable = source.resolve([payable_id]).get(payable_id) if source is not None else None
    if payable is None or payable.owner_id != owner_id:
        raise PayableNotFound()
    if payable.refusal is not None:
        raise NotPayable(payable.refusal)
    if payable.amount.minor <= 0:
        raise NotPayable("There is nothing to pay.")
    return payable


def choose_provider(code: str | None) -> PaymentProvider:
    """The provider that was asked for, else the default one, else the first.

    Raises Invalid for an unknown code, ProviderNotAvailable when none is installed.
    """
    providers = current_nexus().payment_providers
    if not providers:
        raise ProviderNotAvailable("No way to pay is installed.")
    if code is None:
        code = settings(PaymentsConfig).default_provider or next(iter(providers))
    if code not in providers:
        raise invalid_field("provider", f"Must be one of: {', '.join(sorted(providers))}.", "unknown")
    return providers[code]


def check_limits(provider: PaymentProvider, payable: Payable) -> None:
    """Raises ProviderNotAvailable for a currency or an amount that the gateway does not take."""
    info, amount = provider.info, payable.amount
    if info.currencies is not None and amount.currency not in info.currencies:
        raise ProviderNotAvailable(f"{info.display_name} does not take {amount.currency}.")
    least = Money(info.min_minor, amount.currency)
    if amount.minor < info.min_minor:
        raise ProviderNotAvailable(f"{info.display_name} takes {least} {least.currency} and more.")
    if info.max_minor is not None and amount.minor > info.max_minor:
        most = Money(info.max_minor, amount.currency)
        raise ProviderNotAvailable(f"{info.display_name} takes at most {most} {most.currency} at a time.")


def _take_turn(claimed: attempts.Claimed, provider: PaymentProvider, payable: Payable) -> Started | None:
    """None when the attempt has ended and another one has to be opened."""
    if claimed.turn is Turn.RESUME:
        return Started(claimed.payment, created=False)
    if claimed.turn is Turn.OPEN:
        _refuse_if_cancelled(claimed.payment)
        return _send(claimed.payment, provider)
    return _resolve(claimed.payment, provider, payable)


def _refuse_if_cancelled(payment: Payment) -> None:
    """The attempt is committed: a cancellation is seen here, or it sees the attempt and withdraws it."""
    try:
        resolve_payable(payment.payable_kind, payment.payable_id, payment.owner_id)
    except (NotPayable, PayableNotFound):
        attempts.close_replaced(payment)
        raise


def _send(payment: Payment, provider: PaymentProvider) -> Started | None:
    sent = attempts.before_sending(payment)
    if sent is None:
        return None
    result = open_payment(provider, sent)
    payment = attempts.after_sending(sent, result)
    if payment.status in SETTLED:
        raise NotPayable("This is paid already.")
    if attempts.is_duplicate(result) or (not payment.is_open and payment.failure_code is None):
        return None
    if payment.withdrawn_at is not None:
        raise NotPayable(attempts.WITHDRAWN)
    if payment.checkout_url and payment.is_open:
        return Started(payment, created=True)
    raise _refusal(payment)


def _resolve(payment: Payment, provider: PaymentProvider, payable: Payable) -> Started | None:
    """Find out what became of an attempt that cannot simply be resumed."""
    payment, snapshot = _ask(payment, provider)
    if not payment.is_open:
        return None
    if not snapshot.known:
        if payment.sends < 2 and payment.checkout_url is None and attempts.is_valid(payment, payable):
            return _send(payment, provider)
        attempts.close_replaced(payment)
        return None
    if snapshot.status is Status.UNKNOWN:
        return _stay(payment, payable, ProviderUnavailable())
    return _replace(payment, provider, payable)


def _replace(payment: Payment, provider: PaymentProvider, payable: Payable) -> Started | None:
    """Close an unpaid attempt at its gateway, so that never two can be paid."""
    if Capability.CANCEL in provider.info.capabilities:
        attempts.renew(payment)
        cancelled = cancel_payment(provider, payment)
        attempts.note_cancel(payment, cancelled)
        attempts.renew(payment)
        payment, snapshot = _ask(payment, provider, replaced=cancelled.status is Status.CANCELED)
        under_way = snapshot.status in (Status.PENDING, Status.UNKNOWN)
        dead = cancelled.status is Status.CANCELED or (cancelled.status is Status.DECLINED and not under_way)
    else:
        dead = payment.checkout_url is None or not attempts.is_in_time(payment)
    if payment.is_open and not dead:
        return _stay(payment, payable, PaymentInProgress())
    attempts.close_replaced(payment)
    return None


def _ask(payment: Payment, provider: PaymentProvider, *, replaced: bool = False) -> tuple[Payment, Snapshot]:
    retries = provider.info.retry_after_decline
    snapshot = fetch_payment(provider, payment)
    with transaction() as session:
        payment = locked(session, payment.id)
        apply_snapshot(session, payment, snapshot, retries=retries, at=now(), replaced=replaced)
    if payment.status in SETTLED:
        raise NotPayable("This is paid already.")
    return payment, snapshot


def _stay(payment: Payment, payable: Payable, otherwise: Exception) -> Started:
    """Send the buyer to the page that is open; raises `otherwise` when there is none of use."""
    payment = attempts.release(payment)
    if payment.is_open and payment.checkout_url and attempts.is_valid(payment, payable):
        return Started(payment, created=False)
    raise otherwise


def _refusal(payment: Payment) -> Exception:
    if payment.failure_code is None or payment.failure_code == FailureCode.UNAVAILABLE:
        return ProviderUnavailable()
    if payment.failure_code == FailureCode.CONFIGURATION:
        return ProviderMisconfigured("Choose another way to pay, or tell the shop.")
    return PaymentRejected(payment.failure_message or "The gateway refused the payment.")
