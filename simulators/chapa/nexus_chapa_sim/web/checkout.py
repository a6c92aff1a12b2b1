"""The hosted checkout page: plain HTML forms, no script."""

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from nexus_chapa_sim.core.gateway import DEFAULT_METHOD, UnknownTransaction
from nexus_chapa_sim.core.machine import IllegalTransition
from nexus_chapa_sim.core.model import State, Transaction
from nexus_chapa_sim.core.money import two_decimals
from nexus_chapa_sim.delivery.payloads import outcome_parameters, with_parameters
from nexus_chapa_sim.v1.rules import phone as phone_complaint
from nexus_chapa_sim.web.context import simulator
from nexus_chapa_sim.web.methods import METHODS

blueprint = Blueprint("checkout", __name__, url_prefix="/checkout")

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@blueprint.get("/payment/<token>")
def page(token: str) -> Response:
    found = _find(token)
    return _page(simulator().gateway.open(found.tx_ref) if found.is_open else found)


@blueprint.post("/payment/<token>")
def submit(token: str) -> BaseResponse:
    found, action = _find(token), request.form.get("action", "")
    method, phone = request.form.get("method", DEFAULT_METHOD), request.form.get("phone", "").strip()
    if problem := _problem(action, method, phone):
        return _page(found, problem=problem, status=422)
    try:
        found = _act(found, action, method, phone or None)
    except IllegalTransition:
        return redirect(request.path, 303)
    return redirect(_after(found), 303)


def _find(token: str) -> Transaction:
    try:
        return simulator().gateway.find_by_token(token)
    except UnknownTransaction:
        abort(_unknown_page())


def _unknown_page() -> Response:
    return Response(render_template("unknown.html"), status=404, headers=_HEADERS)


def _problem(action: str, method: str, phone: str) -> str | None:
    if action not in {"pay", "fail", "hold", "cancel"}:
        return "Choose one of the buttons."
    if method not in METHODS:
        return "Choose one of the payment methods."
    if action != "cancel" and phone and phone_complaint(phone):
        return "A phone number has 10 digits and begins with 09 or 07."
    return None


def _act(found: Transaction, action: str, method: str, phone: str | None) -> Transaction:
    gateway = simulator().gateway
    if action == "cancel":
        return gateway.cancel(found.tx_ref)
    if action == "hold":
        return gateway.submit(found.tx_ref, method, phone)
    return (gateway.pay if action == "pay" else gateway.fail)(found.tx_ref, method, phone)


def _after(found: Transaction) -> str:
    leave_at_once = simulator().settings.redirect_delay == 0 and _is_over(found)
    return (_return_url(found) if leave_at_once else None) or request.path


def _is_over(found: Transaction) -> bool:
    return found.state in {State.SUCCESS, State.CANCELLED, State.EXPIRED}


def _return_url(found: Transaction) -> str | None:
    url = found.request.return_url
    if url and simulator().settings.return_style == "append":
        return with_parameters(url, outcome_parameters(found))
    return url


def _page(found: Transaction, problem: str | None = None, status: int = 200) -> Response:
    settings = simulator().settings
    return_url = _return_url(found)
    values: dict[str, Any] = {
        "payment": found,
        "amount": two_decimals(found.request.amount),
        "merchant": settings.merchant_name,
        "methods": METHODS,
        "chosen": found.method or DEFAULT_METHOD,
        "phone": request.form.get("phone") or found.phone or found.request.phone_number or "",
        "problem": problem,
        "return_url": return_url,
        "leave_after": settings.redirect_delay if return_url and _is_over(found) else None,
    }
    if found.is_open:
        template = "pay.html"
    else:
        template = "pending.html" if found.state is State.PENDING else "over.html"
    return Response(render_template(template, **values), status=status, headers=_HEADERS)
