"""Lets the faults of the board strike API requests."""

import socket
import struct
import time
from typing import Any

from flask import Response, g, request

from nexus_chapa_sim.faults import Fault, FaultKind
from nexus_chapa_sim.v1.body import read_body
from nexus_chapa_sim.v1.envelope import ApiError
from nexus_chapa_sim.web.context import simulator

_HTML_500 = "<!DOCTYPE html><html><head><title>Server Error</title></head><body><h1>500</h1></body></html>"
_RESET = struct.pack("ii", 1, 0)


def before_view() -> Response | None:
    """Strike before the view runs; an answer means that it does not run at all."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    faults = {fault.kind: fault for fault in simulator().faults.take(endpoint, _tx_ref())}
    g.chapa_faults = faults
    if delay := faults.get(FaultKind.DELAY):
        time.sleep(delay.seconds)
    if FaultKind.DROP_BEFORE_EFFECT in faults:
        return _dropped()
    if FaultKind.HTML_500 in faults:
        return Response(_HTML_500, status=500, content_type="text/html; charset=utf-8")
    return None


def struck() -> dict[FaultKind, Fault]:
    """The faults of this request that its view has to see to."""
    faults: dict[FaultKind, Fault] = g.get("chapa_faults", {})
    return faults


def after_view(response: Response) -> Response:
    """Strike when the effect has taken place."""
    faults = struck()
    if FaultKind.DROP_AFTER_EFFECT in faults:
        return _dropped()
    if FaultKind.EMPTY_BODY in faults:
        response.set_data(b"")
    elif FaultKind.INVALID_JSON in faults:
        response.set_data(b'{"message": "Hosted Link", "status": ')
    return response


def _tx_ref() -> str | None:
    arguments: dict[str, Any] = request.view_args or {}
    if arguments:
        return str(next(iter(arguments.values())))
    if request.method != "POST":
        return None
    try:
        return str(read_body(request, accept_form=True).get("tx_ref"))
    except ApiError:
        return None


def _dropped() -> Response:
    connection = request.environ.get("werkzeug.socket")
    if not isinstance(connection, socket.socket):
        raise RuntimeError("Connections can only be dropped under the simulator's own server.")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
