"""Calling providers: contexts in, results out, and no exception that could be mistaken for a failure."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nexus_kernel import current_nexus, reading, services, settings
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.payments import (
    Customer,
    PaymentContext,
    PaymentProvider,
    PaymentUrls,
    RefundSnapshot,
    Result,
    Snapshot,
    Status,
)
from nexus_payments.config import PaymentsConfig
from nexus_payments.models import Payment, Refund

log = logging.getLogger("nexus.payments")


def open_payment(provider: PaymentProvider, payment: Payment) -> Result:
    """Open the attempt at the gateway. Any exception is UNKNOWN."""
    ctx = replace(_context(payment), customer=_customer(payment))
    try:
        return _redacted(provider, provider.initiate(ctx, payment.amount))
    except Exception as error:
        return Result(status=Status.UNKNOWN, raw=_raised(provider, "initiate", error))


def cancel_payment(provider: PaymentProvider, payment: Payment) -> Result:
    """Close the attempt at the gateway. Any exception is UNKNOWN."""
    try:
        return _redacted(provider, provider.cancel(_context(payment)))
    except Exception as error:
        return Result(status=Status.UNKNOWN, raw=_raised(provider, "cancel", error))


def fetch_payment(provider: PaymentProvider, payment: Payment) -> Snapshot:
    """Ask the gateway how the attempt stands. Any exception is UNKNOWN."""
    try:
        snapshot = provider.fetch(_context(payment))
        return replace(snapshot, raw=_safe(provider, snapshot.raw))
    except Exception as error:
        return Snapshot(status=Status.UNKNOWN, raw=_raised(provider, "fetch", error))


def refund_payment(provider: PaymentProvider, payment: Payment, refund: Refund) -> Result:
    """Send the refund to the gateway. Any exception is UNKNOWN."""
    try:
        result = provider.refund(_refund_context(payment, refund), refund.amount, reason=refund.reason)
        return _redacted(provider, result)
    except Exception as error:
        return Result(status=Status.UNKNOWN, raw=_raised(provider, "refund", error))


def fetch_refund(provider: PaymentProvider, payment: Payment, refund: Refund) -> RefundSnapshot:
    """Ask the gateway how the refund stands. Any exception is UNKNOWN."""
    try:
        snapshot = provider.fetch_refund(_refund_context(payment, refund))
        return replace(snapshot, raw=_safe(provider, snapshot.raw))
    except Exception as error:
        return RefundSnapshot(status=Status.UNKNOWN, raw=_raised(provider, "fetch_refund", error))


def notify_url(provider: str) -> str:
    """The address to configure at the gateway for its webhooks."""
    return f"{_public_url()}/api/payments/webhook/{provider}/"


def _context(payment: Payment) -> PaymentContext:
    return PaymentContext(
        payment_id=payment.id,
        reference=payment.reference,
        idempotency_key=payment.idempotency_key,
        description=payment.description,
        customer=Customer(),
        urls=PaymentUrls(
            return_url=f"{_public_url()}/api/payments/return/{payment.id}/",
            notify_url=notify_url(payment.provider),
        ),
        timeout=settings(PaymentsConfig).call_timeout,
        provider_ref=payment.provider_ref,
    )


def _refund_context(payment: Payment, refund: Refund) -> PaymentContext:
    return replace(
        _context(payment),
        idempotency_key=f"refund-{refund.id}",
        refund_reference=refund.reference,
        refund_provider_ref=refund.provider_ref,
    )


def _customer(payment: Payment) -> Customer:
    if AccountService not in current_nexus().services.contracts():
        return Customer()
    with reading():
        person = services.get(AccountService).get_people([payment.owner_id]).get(payment.owner_id)
    if person is None:
        return Customer()
    return Customer(email=person.email, first_name=person.first_name, last_name=person.last_name)


def _redacted(provider: PaymentProvider, result: Result) -> Result:
    return replace(result, raw=_safe(provider, result.raw))


def _safe(provider: PaymentProvider, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return provider.redact(raw)
    except Exception:
        log.exception("%s could not redact an answer; it is not kept", provider.info.code)
        return {"redaction": "failed"}


def _raised(provider: PaymentProvider, operation: str, error: Exception) -> dict[str, str]:
    name = type(error).__name__
    log.warning("%s.%s did not end clearly: %s", provider.info.code, operation, name)
    log.debug("%s.%s", provider.info.code, operation, exc_info=error)
    return {"exception": name}


def _public_url() -> str:
    return current_nexus().config.public_url.rstrip("/")
