"""What the merchant is told about an outcome."""

from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from nexus_chapa_sim.core.clock import timestamp
from nexus_chapa_sim.core.model import Refund, RefundState, State, Transaction
from nexus_chapa_sim.core.money import two_decimals

SUCCESS_EVENT = "charge.success"
FAILURE_EVENT = "charge.failed/cancelled"
FAILURE_STATUS = "failed/cancelled"


def charge_event(transaction: Transaction) -> dict[str, Any]:
    """The flat body of a ``charge.*`` webhook; amounts are text with two decimals."""
    request = transaction.request
    succeeded = transaction.state is State.SUCCESS
    return {
        "event": SUCCESS_EVENT if succeeded else FAILURE_EVENT,
        "first_name": request.first_name,
        "last_name": request.last_name,
        "email": request.email,
        "mobile": international_phone(transaction.phone or request.phone_number),
        "currency": request.currency,
        "amount": two_decimals(request.amount),
        "charge": two_decimals(transaction.charge),
        "status": "success" if succeeded else FAILURE_STATUS,
        "mode": transaction.mode,
        "reference": transaction.reference,
        "created_at": timestamp(transaction.created_at),
        "updated_at": timestamp(transaction.updated_at),
        "type": "API",
        "tx_ref": transaction.tx_ref,
        "payment_method": transaction.method,
        "customization": asdict(request.customization),
        "meta": request.meta,
    }


def charge_refund_event(transaction: Transaction, refund: Refund) -> dict[str, Any]:
    """The body of ``charge.refunded`` (also sent while it is under way) and ``charge.reversed``.

    It names the payment and no refund.
    """
    status = "reversed" if refund.state is RefundState.REVERSED else "refunded"
    changed = {"status": status, "updated_at": timestamp(refund.updated_at)}
    return charge_event(transaction) | changed | {"event": f"charge.{status}"}


def refund_event(transaction: Transaction, refund: Refund) -> dict[str, Any]:
    """The body of a ``refund.*`` webhook, whose shape is not documented."""
    outcome = "reversed" if refund.state is RefundState.REVERSED else "success"
    return {
        "event": f"refund.{outcome}",
        "type": "Refund",
        "amount": two_decimals(refund.amount),
        "currency": refund.currency,
        "status": str(refund.state),
        "mode": transaction.mode,
        "ref_id": refund.ref_id,
        "merchant_reference": refund.reference,
        "chapa_reference": transaction.reference,
        "tx_ref": transaction.tx_ref,
        "reason": refund.reason,
        "meta": refund.meta,
        "created_at": timestamp(refund.created_at),
        "updated_at": timestamp(refund.updated_at),
    }


def international_phone(phone: str | None) -> str | None:
    """``0912345678`` as ``251912345678``."""
    return f"251{phone[1:]}" if phone else None


def outcome_parameters(transaction: Transaction) -> dict[str, str]:
    """What callbacks carry; note the gateway's spelling of ``trx_ref``."""
    return {
        "trx_ref": transaction.tx_ref,
        "ref_id": transaction.reference or "",
        "status": str(transaction.state),
    }


def with_parameters(url: str, parameters: dict[str, str]) -> str:
    """The URL with more query parameters; the ones that it had stay in front."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
