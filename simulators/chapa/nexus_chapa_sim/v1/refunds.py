"""The refund routes. Each function's name is also its fault target."""

from decimal import Decimal
from typing import Any

from flask import Response, request

from nexus_chapa_sim.core.clock import timestamp
from nexus_chapa_sim.core.model import Refund, RefundState, Transaction
from nexus_chapa_sim.core.money import CENT, two_decimals
from nexus_chapa_sim.core.refunds import (
    NotPaid,
    PartialRefund,
    RefundReferenceUsed,
    RefundRequest,
    RefundTooLarge,
    UnknownRefund,
)
from nexus_chapa_sim.faults import FaultKind
from nexus_chapa_sim.v1 import rules
from nexus_chapa_sim.v1.auth import check_mode
from nexus_chapa_sim.v1.body import read_body
from nexus_chapa_sim.v1.envelope import ApiError, success
from nexus_chapa_sim.v1.views import blueprint, find, mode_of_key
from nexus_chapa_sim.web import faulty
from nexus_chapa_sim.web.context import simulator

__all__ = ["blueprint"]

LIVE_ONLY = "Refunds can only be processed in live mode"
TOO_MUCH = "Refund amount cannot exceed the full transaction amount or be less than 0"
NOT_FOUND = "Refund not found"


@blueprint.post("/refund/<reference>")
def refund(reference: str) -> Response:
    mode = mode_of_key()
    transaction = find(reference, by_reference=True)
    check_mode(transaction, mode)
    if mode == "test" and simulator().settings.refund_live_only:
        raise ApiError(400, LIVE_ONLY)
    faults = faulty.struck()
    if FaultKind.REJECTED in faults:
        raise ApiError(400, "This transaction cannot be refunded")
    outcome = RefundState.REVERSED if FaultKind.REVERSED in faults else RefundState.REFUNDED
    started = _start(transaction, _wanted(outcome))
    data = _started(started, transaction)
    if FaultKind.WITHOUT_REF_ID in faults:
        del data["ref"]
    return success("Refund initiated successfully. Processing time: 1-3 business days", data)


@blueprint.get("/refund/<ref_id>/verify")
def refund_verify(ref_id: str) -> Response:
    mode, settings = mode_of_key(), simulator().settings
    if settings.refund_signals == "webhook-only":
        raise ApiError(404, NOT_FOUND)
    try:
        found = simulator().refunds.find(ref_id, by_reference=settings.refund_verify_accepts_reference)
    except UnknownRefund:
        raise ApiError(404, NOT_FOUND) from None
    transaction = find(found.tx_ref)
    check_mode(transaction, mode)
    return success("Refund verified successfully", _verified(found, transaction))


def _start(transaction: Transaction, wanted: RefundRequest) -> Refund:
    try:
        return simulator().refunds.request(transaction, wanted)
    except NotPaid:
        raise ApiError(400, "Transaction is not successful") from None
    except RefundReferenceUsed:
        raise ApiError(400, "Refund reference has been used before") from None
    except RefundTooLarge:
        raise ApiError(400, TOO_MUCH) from None
    except PartialRefund:
        raise ApiError(400, "Partial refund is not supported") from None


def _wanted(outcome: RefundState) -> RefundRequest:
    body = read_body(request, accept_form=True) if request.content_length else {}
    complaints = {
        name: [complaint]
        for name, rule in (("reason", rules.text), ("reference", rules.tx_ref), ("meta", rules.mapping))
        if body.get(name) is not None and (complaint := rule(body[name]))
    }
    amount = body.get("amount")
    if amount is not None and (complaint := rules.amount(amount)):
        if complaint.startswith("validation.m"):
            raise ApiError(400, TOO_MUCH)
        complaints["amount"] = [complaint]
    if complaints:
        raise ApiError(400, complaints)
    return RefundRequest(
        amount=None if amount is None else Decimal(str(amount)).quantize(CENT),
        reference=body.get("reference"),
        reason=body.get("reason"),
        meta=body.get("meta"),
        outcome=outcome,
    )


def _started(refund: Refund, transaction: Transaction) -> dict[str, Any]:
    return {
        "id": int(refund.id),
        "chapa_reference": transaction.reference,
        "bank_reference": None,
        "amount": two_decimals(refund.amount),
        "ref": refund.ref_id,
        "currency": refund.currency,
        "status": "Refund Initiated",
        "reason": refund.reason,
        "merchant_reference": refund.reference,
        "meta": refund.meta,
        "created_at": timestamp(refund.created_at),
        "updated_at": timestamp(refund.updated_at),
    }


def _verified(refund: Refund, transaction: Transaction) -> dict[str, Any]:
    return {
        "amount": two_decimals(refund.amount),
        "currency": refund.currency,
        "ref_id": refund.ref_id,
        "merchant_reference": refund.reference,
        "chapa_reference": transaction.reference,
        "reason": refund.reason,
        "status": str(refund.state),
        "created_at": timestamp(refund.created_at),
        "updated_at": timestamp(refund.updated_at),
    }
