"""The control page at ``/``."""

from collections.abc import Callable

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from nexus_chapa_sim.core.gateway import UnknownTransaction
from nexus_chapa_sim.core.machine import IllegalTransition
from nexus_chapa_sim.core.model import Refund, Transaction
from nexus_chapa_sim.core.money import two_decimals
from nexus_chapa_sim.core.refunds import STEPS, IllegalRefundStep, UnknownRefund
from nexus_chapa_sim.delivery.outbox import UnknownDelivery
from nexus_chapa_sim.web.context import simulator

blueprint = Blueprint("panel", __name__)

ROWS = 100
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
}


@blueprint.get("/")
def overview() -> Response:
    sim = simulator()
    page = render_template(
        "panel.html",
        settings=sim.settings,
        transactions=sim.gateway.all()[: -ROWS - 1 : -1],
        refunds=sim.refunds.all()[: -ROWS - 1 : -1],
        refund_steps=STEPS,
        deliveries=sim.deliveries[: -ROWS - 1 : -1],
        faults=sim.faults.active(),
        two_decimals=two_decimals,
        refused=request.args.get("refused"),
    )
    return Response(page, headers=_HEADERS)


@blueprint.post("/panel/transactions/<tx_ref>/<any(pay, fail, cancel):action>")
def act(tx_ref: str, action: str) -> BaseResponse:
    gateway = simulator().gateway
    steps: dict[str, Callable[[str], Transaction]] = {
        "pay": gateway.pay,
        "fail": gateway.fail,
        "cancel": gateway.cancel,
    }
    try:
        steps[action](tx_ref)
    except UnknownTransaction:
        abort(404)
    except IllegalTransition:
        return redirect(url_for("panel.overview", refused=tx_ref), 303)
    return redirect(url_for("panel.overview"), 303)


@blueprint.post("/panel/refunds/<ref_id>/<any(processing, refunded, reversed):target>")
def move_refund(ref_id: str, target: str) -> BaseResponse:
    refunds = simulator().refunds
    steps: dict[str, Callable[[str], Refund]] = {
        "processing": refunds.process,
        "refunded": refunds.complete,
        "reversed": refunds.reverse,
    }
    try:
        steps[target](ref_id)
    except UnknownRefund:
        abort(404)
    except IllegalRefundStep:
        return redirect(url_for("panel.overview", refused=ref_id), 303)
    return redirect(url_for("panel.overview"), 303)


@blueprint.post("/panel/deliveries/<delivery_id>/redeliver")
def redeliver(delivery_id: str) -> BaseResponse:
    try:
        simulator().outbox.redeliver(delivery_id)
    except UnknownDelivery:
        abort(404)
    return redirect(url_for("panel.overview"), 303)
