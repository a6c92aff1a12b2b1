"""Turns every failure of a request into `application/problem+json` (RFC 9457). No HTML, no bare text."""

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from flask import Flask, Response, request
from marshmallow import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from nexus_kernel.context import current_trace_id, skippable
from nexus_kernel.db import connection_lost
from nexus_kernel.errors import (
    BadRequest,
    ContentTooLarge,
    FieldError,
    Invalid,
    LockBusy,
    MalformedJSON,
    MethodNotAllowed,
    NexusError,
    NotFound,
    OtherHTTPError,
    Unavailable,
    UnsupportedMediaType,
    invalid_field,
)

log = logging.getLogger("nexus.api")

_LOCK_STATES = {"55P03", "40P01", "40001", "57014"}
_INPUT_STATES = {"22P05", "22021", "22003", "22008"}
_KINDS: dict[int, type[NexusError]] = {
    kind.status: kind
    for kind in (BadRequest, NotFound, MethodNotAllowed, ContentTooLarge, UnsupportedMediaType, Invalid)
}


def init_problems(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(NexusError, render)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(SQLAlchemyError, _from_database)
    app.register_error_handler(Exception, _from_bug)
    app.after_request(_plain_redirect)


def render(error: NexusError) -> Response:
    """The response for an error."""
    body = orjson.dumps(error.to_problem(current_trace_id()))
    return Response(body, error.status, error.headers, content_type="application/problem+json")


def field_errors(messages: Any, path: str = "") -> list[FieldError]:
    """marshmallow's nested messages as a flat list, with paths like `items[0].quantity`."""
    if isinstance(messages, dict):
        parts = [field_errors(value, _join(path, key)) for key, value in messages.items()]
        return [error for part in parts for error in part]
    if isinstance(messages, list):
        return [error for message in messages for error in field_errors(message, path)]
    return [FieldError(path or "body", _message_code(str(messages)), str(messages))]


def _join(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key == "_schema":
        return path
    return f"{path}.{key}" if path else str(key)


def _message_code(message: str) -> str:
    return {"Missing data for required field.": "required", "Unknown field.": "unknown"}.get(
        message, "invalid"
    )


@skippable
def _plain_redirect(response: Response) -> Response:
    """The redirect to the address with its slash: without a page, and to a path of this host only."""
    if isinstance(request.routing_exception, RequestRedirect):
        target = urlsplit(request.routing_exception.new_url)
        path = "/" + target.path.lstrip("/\\")
        response.headers["Location"] = urlunsplit(("", "", path, target.query, ""))
        response.set_data(b"")
        del response.headers["Content-Type"]
    return response


def _from_http(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    data: dict[str, Any] = getattr(error, "data", None) or {}
    if "messages" in data:
        return _from_validation(error, data["messages"])
    status = error.code or 500
    kind, detail = _KINDS.get(status), error.description or ""
    problem = kind(detail) if kind else OtherHTTPError(status, error.name, detail)
    keep = {name: value for name, value in error.get_headers(request.environ) if name != "Content-Type"}
    problem.headers = keep
    return render(problem)


def _from_validation(error: HTTPException, messages: Any) -> Response:
    by_location = messages if isinstance(messages, dict) else {"body": messages}
    found = [fault for faults in by_location.values() for fault in field_errors(faults)]
    if error.code == 400:
        return render(MalformedJSON("The body is not valid JSON.", errors=found))
    return render(Invalid("; ".join(f"{f.path}: {f.message}" for f in found[:5]), errors=found))


def _from_database(error: SQLAlchemyError) -> Response:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state in _LOCK_STATES:
        return render(LockBusy("Somebody else is changing this; try again.", headers={"Retry-After": "1"}))
    if connection_lost(error) or (
        isinstance(error, DBAPIError) and str(state or "").startswith(("57P", "08", "53"))
    ):
        log.warning("the database is out of reach: %s", error)
        return render(Unavailable("The database is out of reach.", headers={"Retry-After": "2"}))
    if state in _INPUT_STATES or (state is None and isinstance(error, DataError)):
        return render(
            invalid_field("body", "A value cannot be stored: it is out of range or has invalid characters.")
        )
    return _from_bug(error)


def _from_bug(error: Exception) -> Response:
    if isinstance(error, ValidationError):
        return render(Invalid(errors=field_errors(error.messages)))
    log.exception("unhandled error", exc_info=error)
    return render(NexusError("Something went wrong on our side. Quote the request_id when you report it."))
