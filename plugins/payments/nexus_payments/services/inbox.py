"""The webhook inbox: store first, answer, and let a worker ask the gateway."""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import current_nexus, new_id, now, reading
from nexus_kernel.contracts.payments import (
    PaymentProvider,
    WebhookAuthError,
    WebhookMalformed,
    WebhookTrust,
)
from nexus_kernel.contracts.payments import ProviderEvent as Claim
from nexus_payments.errors import UnknownProvider, WebhookRefused, WebhookUnreadable
from nexus_payments.models import EventStatus, ProviderEvent
from nexus_payments.services import refund_work
from nexus_payments.services.checks import RUN_SECONDS, check, find_by_reference
from nexus_payments.services.claims import claim_due

log = logging.getLogger("nexus.payments")

MAX_BODY = 262_144
MAX_ATTEMPTS = 10
LEASE = timedelta(seconds=90)
KEPT_HEADERS = ("content-type", "content-length", "user-agent")


def provider_or_404(code: str) -> PaymentProvider:
    """The provider of this code. Raises UnknownProvider."""
    provider = current_nexus().payment_providers.get(code)
    if provider is None:
        raise UnknownProvider()
    return provider


def read_claims(provider: PaymentProvider, body: bytes, headers: Mapping[str, str]) -> Sequence[Claim]:
    """What the webhook claims. Raises WebhookRefused or WebhookUnreadable; nothing is stored then."""
    try:
        return provider.parse_webhook(body, headers)
    except WebhookAuthError as error:
        log.warning("a webhook of %s was refused: %s", provider.info.code, error)
        raise WebhookRefused("Sign the raw body with the configured secret.") from None
    except WebhookMalformed as error:
        raise WebhookUnreadable(str(error)) from None
    except Exception:
        log.exception("%s failed to read a webhook", provider.info.code)
        raise WebhookUnreadable("The webhook cannot be read.") from None


def store(
    session: Session, provider: str, claims: Sequence[Claim], body: bytes, headers: Mapping[str, str]
) -> list[UUID]:
    """Keep the claims; the ids of those that are new. A copy of a known one changes nothing."""
    kept = {name: _clean(headers[name], 200) for name in KEPT_HEADERS if name in headers}
    rows = [
        {
            "id": new_id(),
            "provider": provider,
            "dedupe_key": _clean(claim.dedupe_key, 128),
            "kind": _clean(claim.kind, 100),
            "reference": _clean(claim.reference, 100) or None,
            "provider_ref": _clean(claim.provider_ref, 200) or None,
            "about_refund": claim.about_refund,
            "refund_reference": _clean(claim.refund_reference, 100) or None,
            "refund_provider_ref": _clean(claim.refund_provider_ref, 200) or None,
            "headers": kept,
            "body": body,
            "status": EventStatus.RECEIVED,
        }
        for claim in claims
    ]
    if not rows:
        return []
    statement = insert(ProviderEvent).values(rows).on_conflict_do_nothing().returning(ProviderEvent.id)
    return list(session.scalars(statement))


def process_event(event_id: UUID) -> bool:
    """Ask the gateway about what a stored webhook names. False when the gateway could not say.

    Safe to run twice.
    """
    with reading() as session:
        event = session.get(ProviderEvent, event_id)
    if event is None or event.status == EventStatus.PROCESSED:
        return True
    status = _ask_about_refunds(event) if event.about_refund else _ask_about_payment(event)
    _finish(event, status)
    return status is not EventStatus.RECEIVED


def process_due(seconds: float = RUN_SECONDS) -> int:
    """Process what is due: new webhooks whose message was lost, and those to be tried again.

    A gateway that cannot say is left alone for the rest of the run. Safe to run in several processes.
    """
    end, done = time.monotonic() + seconds, 0
    silent: set[str] = set()
    while time.monotonic() < end:
        found = claim_due(ProviderEvent, "available_at", silent, LEASE)
        if found is None:
            break
        event_id, provider = found
        done += 1
        if not process_event(event_id):
            silent.add(provider)
    return done


def prune(older_than: datetime) -> int:
    """Forget the bodies of webhooks that came in before; the rows stay, so that copies stay known."""
    statement = (
        update(ProviderEvent)
        .where(ProviderEvent.received_at < older_than, ProviderEvent.body.is_not(None))
        .values(body=None)
    )
    with reading() as session:
        return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _ask_about_payment(event: ProviderEvent) -> EventStatus:
    payment_id = find_by_reference(event.provider, event.reference) if event.reference else None
    if payment_id is None:
        return EventStatus.ORPHAN
    return EventStatus.PROCESSED if check(payment_id) else EventStatus.RECEIVED


def _ask_about_refunds(event: ProviderEvent) -> EventStatus:
    provider = current_nexus().payment_providers.get(event.provider)
    signed = provider is not None and provider.info.webhook_trust is WebhookTrust.SIGNED
    if signed and event.refund_reference and event.refund_provider_ref:
        refund_work.learn(event.refund_reference, event.refund_provider_ref, event.provider)
    refunds = refund_work.named_by(
        event.provider,
        reference=event.reference,
        provider_ref=event.provider_ref,
        refund_reference=event.refund_reference,
        refund_provider_ref=event.refund_provider_ref,
    )
    if not refunds:
        return EventStatus.ORPHAN
    answers = [refund_work.run(refund_id, forced=True) for refund_id in refunds]
    return EventStatus.PROCESSED if all(answers) else EventStatus.RECEIVED


def _finish(event: ProviderEvent, status: EventStatus) -> None:
    attempts = event.attempts + 1
    if status is EventStatus.ORPHAN and event.status != EventStatus.ORPHAN:
        meant = "refund" if event.about_refund else "payment"
        log.warning("a webhook of %s names no %s of this shop (%s)", event.provider, meant, event.kind)
    if attempts >= MAX_ATTEMPTS and status is EventStatus.RECEIVED:
        status = EventStatus.PROCESSED
    named = event.reference or event.about_refund
    again = status is not EventStatus.PROCESSED and named and attempts < MAX_ATTEMPTS
    delay = timedelta(seconds=min(3600, 5 * 2**attempts))
    with reading() as session:
        session.execute(
            update(ProviderEvent)
            .where(ProviderEvent.id == event.id, ProviderEvent.status != EventStatus.PROCESSED)
            .values(
                status=status,
                attempts=attempts,
                available_at=now() + delay if again else None,
                processed_at=now() if status is EventStatus.PROCESSED else None,
            )
        )


def _clean(text: object, length: int) -> str:
    found = text if isinstance(text, str) else ""
    return "".join(char for char in found if char.isprintable())[:length]
