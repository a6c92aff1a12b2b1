"""Chapa, API version 1, in the words of the payment contract.

Chapa's answers are decided on status code and message together: `verify` answers 404 both for a payment that
nobody has made yet and for one that it never heard of, and 401 for a key of the other mode. Whatever is not
known here raises, which the platform takes as UNKNOWN.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from nexus_kernel.contracts.payments import (
    Capability,
    Failure,
    FailureCode,
    PaymentContext,
    Problem,
    ProviderEvent,
    ProviderInfo,
    Redirect,
    RefundSnapshot,
    Result,
    Snapshot,
    Status,
    WebhookAuthError,
    WebhookMalformed,
    WebhookTrust,
)
from nexus_kernel.money import Money
from nexus_kernel.providers import Answer, BaseProvider, GatewayClient, GatewayUnclear
from nexus_payments_chapa import refunds
from nexus_payments_chapa.answers import NOT_FOUND, read_money, read_text, refused
from nexus_payments_chapa.config import ChapaConfig
from nexus_payments_chapa.fields import DESCRIPTION_LENGTH, TITLE_LENGTH, clean_text, customer_fields
from nexus_payments_chapa.signature import is_authentic

TEST_PREFIX, LIVE_PREFIX = "CHASECK_TEST-", "CHASECK-"
DUPLICATE = "Transaction reference has been used before"
NOT_PAID_YET = "Payment not paid yet"
ALREADY_EXPIRED = "Payment link already expired"
SHOPS_FAULT = ("User can't receive", "Payments through API", "Incorrect header", "subaccount", "Merchant")
TESTS = ("cli.test", "ping")
STATUSES = {
    "success": Status.SUCCEEDED,
    "pending": Status.PENDING,
    "failed": Status.DECLINED,
    "failed/cancelled": Status.DECLINED,
    "cancelled": Status.CANCELED,
}
FIELDS = {
    "amount": "amount",
    "currency": "currency",
    "email": "e-mail address",
    "first_name": "first name",
    "last_name": "last name",
    "phone_number": "phone number",
}
"""What a buyer may read of the fields that Chapa complains about; its own words are in the ledger."""
LOOPBACK = ("127.0.0.1", "localhost")


class ChapaProvider(BaseProvider):
    """A translator between the payment platform and Chapa; it decides nothing and keeps nothing."""

    def __init__(self, config: ChapaConfig) -> None:
        self._config = config
        self.test_mode = not config.secret_key.startswith(LIVE_PREFIX)
        self._client = GatewayClient(config.base_url, {"Authorization": f"Bearer {config.secret_key}"})
        self.info = ProviderInfo(
            code="chapa",
            display_name="Chapa",
            capabilities=_capabilities(config),
            currencies=frozenset({"ETB", "USD"}),
            webhook_trust=WebhookTrust.SIGNED,
            pending_ttl=timedelta(minutes=config.session_minutes),
            max_minor=config.max_amount * 100,
            retry_after_decline=True,
        )

    def check_config(self) -> Sequence[Problem]:
        """Keys, secrets and addresses that cannot work or are unsafe; no I/O."""
        config, found = self._config, []
        if not config.secret_key.startswith((TEST_PREFIX, LIVE_PREFIX)) or not config.secret_key.isascii():
            found.append(_problem("SECRET_KEY", f"must begin with {TEST_PREFIX} or {LIVE_PREFIX}"))
        if not config.webhook_secrets:
            found.append(_problem("WEBHOOK_SECRETS", "must hold the secret hash of Chapa's dashboard"))
        base = urlsplit(config.base_url)
        if base.hostname in LOOPBACK and not self.test_mode:
            found.append(_problem("BASE_URL", "sends a live key to this machine"))
        if base.scheme != "https" and base.hostname not in LOOPBACK:
            found.append(_problem("BASE_URL", "must begin with https://"))
        return found

    def initiate(self, ctx: PaymentContext, amount: Money) -> Result:
        """POST /transaction/initialize."""
        body: dict[str, object] = {
            "amount": str(amount),
            "currency": amount.currency,
            "tx_ref": ctx.reference,
            "callback_url": ctx.urls.notify_url,
            "return_url": ctx.urls.return_url,
            **customer_fields(ctx.customer),
        }
        description = clean_text(ctx.description, DESCRIPTION_LENGTH)
        if description:
            title = clean_text(ctx.description, TITLE_LENGTH)
            body["customization"] = {"title": title, "description": description}
        answer = self._client.request("POST", "/transaction/initialize", timeout=ctx.timeout, json_body=body)
        if answer.status == 429:
            return refused(FailureCode.UNAVAILABLE, "Too many requests.", {"status": 429}, retryable=True)
        said = answer.json()
        if answer.status == 200 and said.get("status") == "success" and isinstance(said.get("data"), dict):
            page = Redirect(self._checkout_url(said["data"].get("checkout_url")))
            return Result(status=Status.ACTION_REQUIRED, next_action=page, raw=said)
        return _refusal(answer, said)

    def fetch(self, ctx: PaymentContext) -> Snapshot:
        """GET /transaction/verify/<tx_ref>, the only truth."""
        answer = self._client.request("GET", _path("verify", ctx.reference), timeout=ctx.timeout)
        said = answer.json()
        message = said.get("message")
        if answer.status == 200 and isinstance(said.get("data"), dict):
            return _snapshot(said["data"], said)
        if answer.status == 404 and message == NOT_PAID_YET:
            return Snapshot(status=Status.ACTION_REQUIRED, reference=ctx.reference, raw=said)
        if answer.status == 404 and message == NOT_FOUND:
            return Snapshot(status=Status.UNKNOWN, known=False, raw=said)
        if answer.status == 401:
            refused = Failure(code=FailureCode.CONFIGURATION, safe_message="The key is refused.")
            return Snapshot(status=Status.UNKNOWN, failure=refused, raw=said)
        return Snapshot(status=Status.UNKNOWN, raw=said)

    def cancel(self, ctx: PaymentContext) -> Result:
        """PUT /transaction/cancel/<tx_ref>: the checkout page dies at once."""
        answer = self._client.request("PUT", _path("cancel", ctx.reference), timeout=ctx.timeout)
        said = answer.json()
        if answer.status == 200 and said.get("status") == "success":
            return Result(status=Status.CANCELED, raw=said)
        gone = (answer.status, said.get("message")) in ((400, ALREADY_EXPIRED), (404, NOT_FOUND))
        return Result(status=Status.DECLINED if gone else Status.UNKNOWN, raw=said)

    def refund(self, ctx: PaymentContext, amount: Money, *, reason: str) -> Result:
        """POST /refund/<reference>: accepted, and done one to three days later."""
        return refunds.send(self._client, ctx, amount, reason)

    def fetch_refund(self, ctx: PaymentContext) -> RefundSnapshot:
        """GET /refund/<ref_id>/verify."""
        return refunds.ask(self._client, ctx)

    def callback_reference(self, parameters: Mapping[str, str]) -> str | None:
        """Chapa's GET names our reference `trx_ref`, its documentation `tx_ref`."""
        return parameters.get("trx_ref") or parameters.get("tx_ref")

    def parse_webhook(self, raw_body: bytes, headers: Mapping[str, str]) -> Sequence[ProviderEvent]:
        """One event, or none for the dashboard's tests. Raises WebhookAuthError, WebhookMalformed."""
        if not is_authentic(raw_body, headers, (*self._config.webhook_secrets, self._config.secret_key)):
            raise WebhookAuthError("no header holds the HMAC of this body")
        payload = _payload(raw_body)
        kind = payload.get("event")
        if kind in TESTS:
            return ()
        inner = payload.get("data")
        charge = inner if isinstance(inner, dict) else payload
        if refunds.is_refund_event(kind):
            return (_refund_event(str(kind), raw_body, charge, payload),)
        return (
            ProviderEvent(
                dedupe_key=hashlib.sha256(raw_body).hexdigest(),
                kind=kind if isinstance(kind, str) else "unknown",
                reference=read_text(charge, "tx_ref") or read_text(charge, "trx_ref"),
                provider_ref=read_text(charge, "reference"),
                raw=payload,
            ),
        )

    def _checkout_url(self, url: Any) -> str:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not secure or parts.netloc not in self._config.checkout_hosts:
            raise GatewayUnclear("the checkout page is on a host that is not allowed")
        return str(url)


def _capabilities(config: ChapaConfig) -> frozenset[Capability]:
    found = {Capability.FETCH, Capability.WEBHOOK, Capability.CANCEL, Capability.REFUND}
    if config.partial_refunds:
        found.add(Capability.PARTIAL_REFUND)
    if config.unique_refund_references:
        found.add(Capability.NATIVE_IDEMPOTENCY)
    return frozenset(found)


def _refund_event(
    kind: str, raw_body: bytes, data: Mapping[str, Any], payload: Mapping[str, Any]
) -> ProviderEvent:
    ours, theirs = refunds.refund_names(kind, data)
    of_charge = read_text(data, "reference") if kind.startswith("charge.") else None
    return ProviderEvent(
        dedupe_key=hashlib.sha256(raw_body).hexdigest(),
        kind=kind,
        reference=read_text(data, "tx_ref") or read_text(data, "trx_ref"),
        provider_ref=read_text(data, "chapa_reference") or of_charge,
        about_refund=True,
        refund_reference=ours,
        refund_provider_ref=theirs,
        raw=payload,
    )


def _refusal(answer: Answer, said: Mapping[str, Any]) -> Result:
    message = said.get("message")
    if answer.status in (401, 403):
        return refused(FailureCode.CONFIGURATION, "The key is refused.", said)
    if answer.status not in (400, 404, 422):
        raise GatewayUnclear(f"status {answer.status}")
    if isinstance(message, dict):
        fields = ", ".join(sorted(words for key in message if (words := FIELDS.get(key)))) or "payment"
        return refused(FailureCode.INVALID_REQUEST, f"Chapa does not take this {fields}.", said)
    if message == DUPLICATE:
        return refused(FailureCode.DUPLICATE_REFERENCE, DUPLICATE, said)
    if str(message).startswith(SHOPS_FAULT) or answer.status == 404:
        return refused(FailureCode.CONFIGURATION, "The merchant account cannot take this payment.", said)
    return refused(FailureCode.INVALID_REQUEST, "Chapa does not take this payment.", said)


def _snapshot(data: Mapping[str, Any], said: Mapping[str, Any]) -> Snapshot:
    status = STATUSES.get(str(data.get("status")).lower(), Status.UNKNOWN)
    currency = str(data.get("currency")).upper()
    mode = data.get("mode")
    return Snapshot(
        status=status,
        captured=read_money(data.get("amount"), currency),
        reference=read_text(data, "tx_ref"),
        provider_ref=read_text(data, "reference"),
        test_mode=mode == "test" if mode in ("test", "live") else None,
        method=read_text(data, "method") or read_text(data, "payment_method"),
        fee=read_money(data.get("charge"), currency),
        raw=said,
    )


def _payload(raw_body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw_body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise WebhookMalformed("The body is not JSON.") from None
    if not isinstance(payload, dict):
        raise WebhookMalformed("The body is not a JSON object.")
    return payload


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _path(action: str, reference: str) -> str:
    return f"/transaction/{action}/{quote(reference, safe='')}"


def _problem(key: str, message: str) -> Problem:
    return Problem(setting=f"NEXUS_PAYMENTS_CHAPA__{key}", message=message)
