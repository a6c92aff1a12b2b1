"""Where gateways notify the shop."""

from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from nexus_kernel import transaction
from nexus_kernel.contracts.payments import PaymentProvider
from nexus_payments import tasks
from nexus_payments.services import checks, inbox, initiation
from nexus_payments.views.blueprint import blp


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
            check_soon(payment_id)
    return Response(status=200)


def check_soon(payment_id: UUID) -> None:
    """Let a worker ask the gateway about this payment, if it is worth asking."""
    with transaction():
        if checks.hint(payment_id):
            tasks.check.enqueue(str(payment_id))
