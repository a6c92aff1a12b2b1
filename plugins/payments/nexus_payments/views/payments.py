"""Paying, and following payments."""

from typing import Any
from uuid import UUID

from flask import redirect, request

from nexus_kernel import current_actor, current_nexus, page_of, paginate, reading
from nexus_payments import return_page as page
from nexus_payments.errors import PaymentNotFound
from nexus_payments.models import Payment, PaymentStatus
from nexus_payments.schemas.payments import (
    InitiatedSchema,
    InitiateSchema,
    PaymentQuery,
    PaymentSchema,
    ProvidersSchema,
    ReturnSchema,
)
from nexus_payments.services import initiation
from nexus_payments.services.reads import find_payment, present, present_initiated, visible_payments
from nexus_payments.services.urls import check_return_url, with_payment_id
from nexus_payments.views.blueprint import blp
from nexus_payments.views.webhooks import check_soon


@blp.post("/initiate/")
@blp.requires()
@blp.idempotent(atomic=False)
@blp.arguments(InitiateSchema)
@blp.response(201, InitiatedSchema)
@blp.alt_response(200, schema=InitiatedSchema, description="The open payment, resumed.")
def initiate(args: dict[str, Any]) -> Any:
    """Open the payment of an order, or come back to the one that is open."""
    return_url = check_return_url(args["return_url"]) if args["return_url"] else None
    owner = current_actor().person_id
    started = initiation.initiate(owner, args["order_id"], args["provider"], return_url)
    return present_initiated(started.payment), 201 if started.created else 200


@blp.get("/")
@blp.requires()
@blp.arguments(PaymentQuery, location="query")
@blp.response(200, page_of(PaymentSchema))
def list_payments(args: dict[str, Any]) -> Any:
    """One's own payments, newest first; every payment for staff."""
    with reading() as session:
        return paginate(
            session,
            visible_payments(current_actor(), args),
            order=(Payment.created_at, Payment.id),
            args=args,
            present=lambda row: present(row[0]),
        )


@blp.get("/<uuid:payment_id>/")
@blp.requires()
@blp.response(200, PaymentSchema)
def get_payment(payment_id: UUID) -> Any:
    """One payment."""
    with reading() as session:
        return present(find_payment(session, current_actor(), payment_id))


@blp.get("/providers/")
@blp.public
@blp.response(200, ProvidersSchema)
def list_providers() -> Any:
    """What this deployment can be paid with; the default one first."""
    providers = current_nexus().payment_providers
    default = initiation.choose_provider(None).info.code if providers else None
    infos = sorted((p.info for p in providers.values()), key=lambda info: (info.code != default, info.code))
    return {
        "results": [
            {
                "code": info.code,
                "display_name": info.display_name,
                "currencies": None if info.currencies is None else sorted(info.currencies),
            }
            for info in infos
        ]
    }


@blp.get("/return/<uuid:payment_id>/")
@blp.public
@blp.response(200, ReturnSchema)
@blp.alt_response(303, description="To the shop's page, with `payment_id` in the query.")
def return_page(payment_id: UUID) -> Any:
    """Where a gateway sends the buyer. Nothing in the address proves anything: the gateway is asked.

    A browser gets a small page, everybody else JSON.
    """
    with reading() as session:
        payment = session.get(Payment, payment_id)
    if payment is None:
        raise PaymentNotFound()
    check_soon(payment_id)
    if payment.return_url:
        return redirect(with_payment_id(payment.return_url, payment.id), 303)
    status, accepted = PaymentStatus(payment.status), request.accept_mimetypes
    if accepted["text/html"] > accepted["application/json"]:
        return page.render(status)
    return {"payment_id": payment.id, "status": status}, {"Vary": "Accept"}
