"""The pages and the JSON API."""

from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from nexus_mailbox.store import Message, Store

# A message may hold anything: it gets no script, no form, no frame and no network.
_MESSAGE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; frame-src 'self'; img-src 'self'"
)
_OWN_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def create_app(store: Store) -> Flask:
    """The application over one store."""
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = _OWN_HOSTS

    def found(identity: str) -> Message:
        return store.get(identity) or abort(404, "There is no such message.")

    @app.get("/")
    def inbox() -> Response:
        return _page("inbox.html", messages=store.list(request.args.get("to")), to=request.args.get("to", ""))

    @app.get("/messages/<identity>")
    def message(identity: str) -> Response:
        return _page("message.html", message=found(identity))

    @app.get("/messages/<identity>/html")
    def html(identity: str) -> Response:
        answer = Response(found(identity).html, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = _MESSAGE_POLICY
        return answer

    @app.get("/api/messages")
    def list_messages() -> Response:
        return jsonify([each.to_dict() for each in store.list(request.args.get("to"))])

    @app.delete("/api/messages")
    def delete_messages() -> Response:
        store.clear()
        return Response(status=204)

    @app.get("/api/messages/<identity>")
    def get_message(identity: str) -> Response:
        return jsonify(found(identity).to_dict())

    @app.get("/api/messages/<identity>/raw")
    def raw(identity: str) -> Response:
        found(identity)
        return Response(store.raw(identity), mimetype="message/rfc822")

    @app.get("/healthz")
    def health() -> Response:
        return jsonify(status="ok")

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[dict[str, Any], int, dict[str, str]]:
        body = {"title": error.name, "status": error.code, "detail": error.description}
        return body, error.code or 500, {"Content-Type": "application/problem+json"}

    return app


def _page(template: str, **values: Any) -> Response:
    answer = Response(render_template(template, **values))
    answer.headers["Content-Security-Policy"] = _PAGE_POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
