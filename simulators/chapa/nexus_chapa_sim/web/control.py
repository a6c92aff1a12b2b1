"""The control API under ``/_sim/``: look at everything, play the customer, make things go wrong."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from nexus_chapa_sim.core.gateway import DEFAULT_METHOD, UnknownTransaction
from nexus_chapa_sim.core.machine import IllegalTransition
from nexus_chapa_sim.core.model import Refund, Transaction
from nexus_chapa_sim.core.refunds import IllegalRefundStep, UnknownRefund
from nexus_chapa_sim.delivery.outbox import UnknownDelivery
from nexus_chapa_sim.delivery.serialise import is_unicode
from nexus_chapa_sim.faults import FaultError
from nexus_chapa_sim.settings import SettingsError
from nexus_chapa_sim.settings_input import public_values, read_changes
from nexus_chapa_sim.v1.rules import phone as phone_complaint
from nexus_chapa_sim.web.context import simulator
from nexus_chapa_sim.web.control_data import delivery_member, fault_member, refund_member, transaction_member
from nexus_chapa_sim.web.methods import METHODS

blueprint = Blueprint("control", __name__, url_prefix="/_sim")

_FAULT_MEMBERS: dict[str, tuple[type, ...]] = {
    "target": (str,),
    "kind": (str,),
    "count": (int, type(None)),
    "tx_ref": (str, type(None)),
    "seconds": (int, float),
    "copies": (int,),
    "value": (str, type(None)),
}


class BadInput(ValueError):
    """The body of a control request cannot be used; the text is a sentence for the user."""


@blueprint.errorhandler(BadInput)
@blueprint.errorhandler(FaultError)
@blueprint.errorhandler(SettingsError)
def _bad_input(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400


@blueprint.errorhandler(UnknownTransaction)
@blueprint.errorhandler(UnknownDelivery)
@blueprint.errorhandler(UnknownRefund)
def _unknown(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 404


@blueprint.errorhandler(IllegalTransition)
def _conflict(error: IllegalTransition) -> tuple[Response, int]:
    return jsonify(error=str(error), state=error.transaction.state), 409


@blueprint.errorhandler(IllegalRefundStep)
def _refund_conflict(error: IllegalRefundStep) -> tuple[Response, int]:
    return jsonify(error=str(error), state=error.refund.state), 409


@blueprint.get("/transactions")
def transactions() -> Response:
    return jsonify(transactions=[transaction_member(item) for item in simulator().gateway.all()])


@blueprint.get("/transactions/<tx_ref>")
def transaction(tx_ref: str) -> Response:
    return jsonify(transaction_member(simulator().gateway.find(tx_ref)))


@blueprint.post("/transactions/<tx_ref>/<any(submit, pay, fail, cancel):action>")
def act(tx_ref: str, action: str) -> Response:
    gateway = simulator().gateway
    if action == "cancel":
        return jsonify(transaction_member(gateway.cancel(tx_ref)))
    steps: dict[str, Callable[[str, str, str | None], Transaction]] = {
        "submit": gateway.submit,
        "pay": gateway.pay,
        "fail": gateway.fail,
    }
    return jsonify(transaction_member(steps[action](tx_ref, *_method_and_phone(_members()))))


@blueprint.get("/refunds")
def refunds() -> Response:
    wanted = request.args.get("tx_ref")
    found = [item for item in simulator().refunds.all() if wanted in {None, item.tx_ref}]
    return jsonify(refunds=[refund_member(item) for item in found])


@blueprint.get("/refunds/<ref_id>")
def refund(ref_id: str) -> Response:
    return jsonify(refund_member(simulator().refunds.find(ref_id)))


@blueprint.post("/refunds/<ref_id>/<any(process, complete, reverse):action>")
def move_refund(ref_id: str, action: str) -> Response:
    refunds = simulator().refunds
    steps: dict[str, Callable[[str], Refund]] = {
        "process": refunds.process,
        "complete": refunds.complete,
        "reverse": refunds.reverse,
    }
    return jsonify(refund_member(steps[action](ref_id)))


@blueprint.get("/deliveries")
def deliveries() -> Response:
    wanted = request.args.get("tx_ref")
    found = [item for item in simulator().deliveries if wanted in {None, item.tx_ref}]
    return jsonify(deliveries=[delivery_member(item) for item in found])


@blueprint.post("/deliveries/<delivery_id>/redeliver")
def redeliver(delivery_id: str) -> tuple[Response, int]:
    return jsonify(delivery_member(simulator().outbox.redeliver(delivery_id))), 201


@blueprint.get("/faults")
def faults() -> Response:
    return jsonify(faults=[fault_member(item) for item in simulator().faults.active()])


@blueprint.post("/faults")
def add_fault() -> tuple[Response, int]:
    return jsonify(fault_member(simulator().faults.add(**_fault_members(_members())))), 201


@blueprint.delete("/faults")
def clear_faults() -> tuple[str, int]:
    simulator().faults.clear()
    return "", 204


@blueprint.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> tuple[str, int] | tuple[Response, int]:
    if simulator().faults.remove(fault_id):
        return "", 204
    return jsonify(error=f"There is no fault {fault_id}."), 404


@blueprint.get("/settings")
def settings() -> Response:
    return jsonify(public_values(simulator().settings))


@blueprint.patch("/settings")
def change_settings() -> Response:
    simulator().configure(**read_changes(_members()))
    return jsonify(public_values(simulator().settings))


def _members() -> dict[str, Any]:
    if not request.get_data():
        return {}
    parsed = request.get_json(force=True, silent=True)
    if not isinstance(parsed, dict):
        raise BadInput("The body is not a JSON object.")
    if not is_unicode(parsed):
        raise BadInput("The body has text that is not valid Unicode.")
    return parsed


def _method_and_phone(members: dict[str, Any]) -> tuple[str, str | None]:
    method, phone = members.get("method", DEFAULT_METHOD), members.get("phone")
    if not isinstance(method, str) or method not in METHODS:
        raise BadInput(f"The method is one of {', '.join(METHODS)}.")
    if phone is not None and phone_complaint(phone):
        raise BadInput("The phone is 10 digits and begins with 09 or 07.")
    return method, phone


def _fault_members(members: dict[str, Any]) -> dict[str, Any]:
    for name, value in members.items():
        types = _FAULT_MEMBERS.get(name)
        if types is None:
            raise BadInput(f"A fault has no member {name!r}.")
        if not isinstance(value, types) or isinstance(value, bool):
            raise BadInput(f"The member {name!r} of a fault has the wrong type.")
    for name in ("target", "kind"):
        if name not in members:
            raise BadInput(f"A fault needs the member {name!r}.")
    return members
