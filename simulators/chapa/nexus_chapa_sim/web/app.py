"""The Flask application."""

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from nexus_chapa_sim.simulator import Simulator
from nexus_chapa_sim.v1.envelope import ApiError, refusal
from nexus_chapa_sim.v1.refunds import blueprint as v1
from nexus_chapa_sim.web import checkout, control, panel
from nexus_chapa_sim.web.context import EXTENSION

LOOPBACK_NAMES = ["127.0.0.1", "localhost"]
MAX_BODY = 1_000_000


def create_app(simulator: Simulator) -> Flask:
    """An application that serves one simulator and answers under loopback names only."""
    app = Flask(__name__)
    app.config.update(TRUSTED_HOSTS=LOOPBACK_NAMES, MAX_CONTENT_LENGTH=MAX_BODY)
    app.extensions[EXTENSION] = simulator
    app.before_request(_refuse_other_sites)
    for blueprint in (v1, checkout.blueprint, control.blueprint, panel.blueprint):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _http_error)
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
    return app


def _refuse_other_sites() -> Response | None:
    foreign = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
    if foreign and request.method not in {"GET", "HEAD"}:
        return refusal(ApiError(403, "Another site may not change anything here"))
    return None


def _http_error(error: HTTPException) -> Response:
    return refusal(ApiError(error.code or 500, error.description or error.name))
