"""The v1 routes. Each function's name is also its fault target."""

from flask import Blueprint, Response, request

from nexus_chapa_sim.core.gateway import ReferenceUsed, UnknownTransaction
from nexus_chapa_sim.core.machine import IllegalTransition
from nexus_chapa_sim.core.model import Mode, Transaction
from nexus_chapa_sim.core.money import CURRENCIES
from nexus_chapa_sim.settings import Settings
from nexus_chapa_sim.v1.auth import authenticated_mode, check_mode
from nexus_chapa_sim.v1.banks import bank_list
from nexus_chapa_sim.v1.body import read_body
from nexus_chapa_sim.v1.envelope import NOT_FOUND, ApiError, answer, refusal, success
from nexus_chapa_sim.v1.members import cancelled_link, event_log, payment_details, payment_status
from nexus_chapa_sim.v1.subaccounts import check_subaccounts
from nexus_chapa_sim.v1.validation import payment_request
from nexus_chapa_sim.web import faulty
from nexus_chapa_sim.web.context import simulator

blueprint = Blueprint("v1", __name__, url_prefix="/v1")
blueprint.register_error_handler(ApiError, refusal)
blueprint.before_request(faulty.before_view)
blueprint.after_request(faulty.after_view)


@blueprint.post("/transaction/initialize")
def initialize() -> Response:
    settings, mode = simulator().settings, mode_of_key()
    body = read_body(request, settings.accept_form)
    _check_account(settings)
    wanted = payment_request(body, settings)
    if body.get("subaccounts") is not None:
        check_subaccounts(body["subaccounts"], wanted, settings)
    try:
        transaction = simulator().gateway.initialize(wanted, mode)
    except ReferenceUsed:
        raise ApiError(400, "Transaction reference has been used before") from None
    return success("Hosted Link", {"checkout_url": f"{request.host_url}checkout/payment/{transaction.token}"})


@blueprint.get("/transaction/verify/<tx_ref>")
def verify(tx_ref: str) -> Response:
    mode, settings = mode_of_key(), simulator().settings
    transaction = find(tx_ref, by_reference=settings.verify_accepts_reference)
    check_mode(transaction, mode)
    status = payment_status(transaction)
    if status is None:
        raise ApiError(404, "Payment not paid yet", status=None)
    if simulator().refunds.is_refunded(transaction):
        status = "refunded"
    data = payment_details(transaction, status, settings.amount_format)
    return answer({"message": "Payment details", "status": status, "data": data})


@blueprint.put("/transaction/cancel/<tx_ref>")
def cancel(tx_ref: str) -> Response:
    mode = mode_of_key()
    check_mode(find(tx_ref), mode)
    try:
        transaction = simulator().gateway.cancel(tx_ref, by="merchant")
    except IllegalTransition:
        raise ApiError(400, "Payment link already expired") from None
    data = cancelled_link(transaction, simulator().settings.amount_format)
    return success("Checkout link expired successfully", data)


@blueprint.get("/transaction/events/<reference>")
def events(reference: str) -> Response:
    mode = mode_of_key()
    transaction = find(reference, by_reference=True)
    check_mode(transaction, mode)
    return success("Transaction events fetched", event_log(transaction))


@blueprint.get("/currency_supported")
def currency_supported() -> Response:
    mode_of_key()
    data = {"currency_code": list(CURRENCIES), "currency_name": list(CURRENCIES.values())}
    return success("Supported currencies", data)


@blueprint.get("/banks")
def banks() -> Response:
    mode_of_key()
    return answer({"message": "Banks retrieved", "data": bank_list()})


def mode_of_key() -> Mode:
    """The mode of the request's key; raises ApiError 401."""
    return authenticated_mode(request, simulator().settings)


def find(name: str, by_reference: bool = False) -> Transaction:
    """A transaction by ``tx_ref``, or by the gateway's reference too; raises ApiError 404."""
    gateway = simulator().gateway
    try:
        return gateway.find(name)
    except UnknownTransaction:
        if not by_reference:
            raise ApiError(404, NOT_FOUND) from None
    try:
        return gateway.find_by_reference(name)
    except UnknownTransaction:
        raise ApiError(404, NOT_FOUND) from None


def _check_account(settings: Settings) -> None:
    if settings.account_status == "cannot_receive":
        raise ApiError(400, "User can't receive payments")
    if settings.account_status == "api_disabled":
        raise ApiError(404, "Payments through API is disabled, please contact us")
