"""Refunds: what is sent, and what Chapa's answers mean. Three versions of its documentation disagree.

Chapa's own reference in the path, a reason and our own reference fit all of them.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nexus_kernel.contracts.payments import (
    Failure,
    FailureCode,
    PaymentContext,
    RefundSnapshot,
    Result,
    Status,
)
from nexus_kernel.money import Money
from nexus_kernel.providers import Answer, GatewayClient, GatewayUnclear
from nexus_payments_chapa.answers import NOT_FOUND, read_money, read_text, refused

LIVE_ONLY = "Refunds can only be processed in live mode"
TOO_MUCH = "Refund amount cannot exceed"
REASON_LENGTH = 200
STATUSES = {
    "initiated": Status.PENDING,
    "refund initiated": Status.PENDING,
    "pending": Status.PENDING,
    "processing": Status.PENDING,
    "refunding": Status.PENDING,
    "refunded": Status.SUCCEEDED,
    "success": Status.SUCCEEDED,
    "reversed": Status.CANCELED,
    "failed": Status.DECLINED,
    "rejected": Status.DECLINED,
}
EVENTS = ("charge.refunded", "charge.reversed")


def send(client: GatewayClient, ctx: PaymentContext, amount: Money, reason: str) -> Result:
    """POST /refund/<Chapa's reference>; by our own where Chapa does not know that, which has no effect."""
    end, form = time.monotonic() + ctx.timeout, _form(ctx, amount, reason)
    answer, said = _post(client, ctx.provider_ref or ctx.reference, form, end)
    if answer.status == 404 and said.get("message") == NOT_FOUND and ctx.provider_ref:
        answer, said = _post(client, ctx.reference, form, end)
    data = said.get("data")
    if answer.status == 200 and said.get("status") == "success" and isinstance(data, dict):
        name = read_text(data, "ref_id") or read_text(data, "ref")
        return Result(status=Status.PENDING, provider_ref=name, raw=said)
    return _refusal(answer, said)


def ask(client: GatewayClient, ctx: PaymentContext) -> RefundSnapshot:
    """GET /refund/<ref_id>/verify, or by our own reference while Chapa's is not known."""
    name = ctx.refund_provider_ref or ctx.refund_reference or ""
    path = f"/refund/{quote(name, safe='')}/verify"
    answer = client.request("GET", path, timeout=ctx.timeout)
    said = answer.json()
    data = said.get("data")
    if answer.status == 200 and isinstance(data, dict):
        return _snapshot(data, said)
    if answer.status == 401:
        failure = Failure(code=FailureCode.CONFIGURATION, safe_message="The key is refused.")
        return RefundSnapshot(status=Status.UNKNOWN, failure=failure, raw=said)
    unheard_of = answer.status == 404 and "not found" in str(said.get("message")).lower()
    known = not unheard_of or ctx.refund_provider_ref is not None
    return RefundSnapshot(status=Status.UNKNOWN, known=known, raw=said)


def is_refund_event(kind: object) -> bool:
    """True for a webhook that tells of a refund: `charge.*` is documented, `refund.*` seen by integrators."""
    return isinstance(kind, str) and (kind in EVENTS or kind.startswith("refund."))


def refund_names(kind: str, data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Our name of the refund and Chapa's, where a webhook has them."""
    ours = read_text(data, "merchant_reference")
    if ours is None and kind.startswith("refund."):
        ours = read_text(data, "reference")
    return ours, read_text(data, "ref_id") or read_text(data, "ref")


def _form(ctx: PaymentContext, amount: Money, reason: str) -> dict[str, str]:
    return {
        "amount": str(amount),
        "reason": " ".join(reason.split())[:REASON_LENGTH] or "Refund",
        "reference": ctx.refund_reference or "",
    }


def _post(
    client: GatewayClient, name: str, form: Mapping[str, str], end: float
) -> tuple[Answer, dict[str, Any]]:
    timeout = max(end - time.monotonic(), 0.1)
    answer = client.request("POST", f"/refund/{quote(name, safe='')}", timeout=timeout, form_body=form)
    return answer, {"status": 429} if answer.status == 429 else answer.json()


def _refusal(answer: Answer, said: Mapping[str, Any]) -> Result:
    if answer.status == 429:
        return refused(FailureCode.UNAVAILABLE, "Chapa is busy.", said, retryable=True)
    if answer.status in (401, 403):
        return refused(FailureCode.CONFIGURATION, "Chapa refuses the key.", said)
    if answer.status not in (400, 404, 422):
        raise GatewayUnclear(f"status {answer.status}")
    message = str(said.get("message"))
    lowered = message.lower()
    if message.startswith(LIVE_ONLY):
        sentence = "Chapa gives money back in live mode only: give it back by hand, or with the live key."
        return refused(FailureCode.CONFIGURATION, sentence, said)
    if "insufficient" in lowered or "balance" in lowered:
        return refused(FailureCode.CONFIGURATION, "The balance at Chapa is too low for this refund.", said)
    if "partial" in lowered:
        return refused(FailureCode.CONFIGURATION, "This account gives back whole payments only.", said)
    if "reference" in lowered and "used" in lowered:
        return refused(FailureCode.DUPLICATE_REFERENCE, "The reference of the refund is known already.", said)
    if message.startswith(TOO_MUCH):
        return refused(FailureCode.INVALID_REQUEST, "This is more than Chapa has left of the payment.", said)
    return refused(FailureCode.INVALID_REQUEST, "Chapa does not take this refund.", said)


def _snapshot(data: Mapping[str, Any], said: Mapping[str, Any]) -> RefundSnapshot:
    return RefundSnapshot(
        status=STATUSES.get(str(data.get("status")).lower(), Status.UNKNOWN),
        amount=read_money(data.get("amount"), str(data.get("currency")).upper()),
        reference=read_text(data, "merchant_reference"),
        provider_ref=read_text(data, "ref_id") or read_text(data, "ref"),
        raw=said,
    )
