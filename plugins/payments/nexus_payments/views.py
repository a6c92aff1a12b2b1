"""The routes."""

from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from nexus_kernel import Blueprint, current_actor, current_nexus, page_of, paginate, reading, transaction
from nexus_kernel.contracts.payments import PaymentProvider
from nexus_payments import return_page as page
from nexus_payments import tasks
from nexus_payments.errors import PaymentNotFound
from nexus_payments.models import Payment, PaymentStatus
from nexus_payments.schemas import (
    InitiatedSchema,
    InitiateSchema,
    PaymentQuery,
    PaymentSchema,
    ProvidersSchema,
    ReturnSchema,
)
from nexus_payments.services import checks, inbox, initiation
from nexus_payments.services.reads import find_payment, present, present_initiated, visible_payments
from nexus_payments.services.urls import check_return_url, with_payment_id

blp = Blueprint(
    "payments", __name__, url_prefix="/api/payments", description="Pay for orders, and follow payments."
)


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
    _check_soon(payment_id)
    if payment.return_url:
        return redirect(with_payment_id(payment.return_url, payment.id), 303)
    status, accepted = PaymentStatus(payment.status), request.accept_mimetypes
    if accepted["text/html"] > accepted["application/json"]:
        return page.render(status)
    return {"payment_id": payment.id, "status": status}, {"Vary": "Accept"}


@blp.post("/webhook/<provider>/")
@blp.public
@blp.response(200, description="Stored, or known already.")
def receive_webhook(provider: str) -> ResponseReturnValue:
    """Where a gateway notifies the shop. The raw body is verified and stored; a worker does the rest."""
    return _receive(inbox.provider_or_404(provider))


@blp.get("/webhook/<provider>/")
@blp.public
@blp.response(200, description="Always, for a provider that is installed.")
def receive_callback(provider: str) -> ResponseReturnValue:
    """A gateway's unsigned hint: the payment that it names is asked about."""
    return _hint(inbox.provider_or_404(provider))


@blp.post("/webhook/")
@blp.public
@blp.response(200, description="Stored, or known already.")
def receive_default_webhook() -> ResponseReturnValue:
    """Where the default provider's gateway notifies the shop."""
    return _receive(initiation.choose_provider(None))


@blp.get("/webhook/")
@blp.public
@blp.response(200, description="Always, when a provider is installed.")
def receive_default_callback() -> ResponseReturnValue:
    """The default provider's unsigned hint."""
    return _hint(initiation.choose_provider(None))


def _receive(provider: PaymentProvider) -> ResponseReturnValue:
    request.max_content_length = inbox.MAX_BODY
    body = request.get_data(cache=False)
    headers = {name.lower(): value for name, value in request.headers.items()}
    claims = inbox.read_claims(provider, body, headers)
    with transaction() as session:
        for event_id in inbox.store(session, provider.info.code, claims, body, headers):
            tasks.process_event.enqueue(str(event_id))
    return Response(status=200)


def _hint(provider: PaymentProvider) -> ResponseReturnValue:
    request.max_content_length = inbox.MAX_BODY
    parameters = request.args.to_dict()
    body = request.get_json(force=True, silent=True) if request.content_length else None
    if isinstance(body, dict):
        parameters |= {str(key): value for key, value in body.items() if isinstance(value, str)}
    reference = provider.callback_reference(parameters)
    if reference and reference.isascii() and reference.isalnum():
        payment_id = checks.find_by_reference(provider.info.code, reference)
        if payment_id is not None:
            _check_soon(payment_id)
    return Response(status=200)


def _check_soon(payment_id: UUID) -> None:
    with transaction():
        if checks.hint(payment_id):
            tasks.check.enqueue(str(payment_id))
