"""Structured logs: JSON lines in production, readable lines elsewhere, each with the request's id.

What a worker does about an event carries the id of the request that caused the event.
"""

import logging
import re
from logging import StreamHandler
from time import perf_counter
from typing import Any

import uuid_utils
from flask import Flask, Response, g, request
from pythonjsonlogger.json import JsonFormatter

from nexus_kernel.context import (
    current_actor_id,
    current_trace_id,
    set_actor_id,
    set_trace_id,
    skippable,
)

log = logging.getLogger("nexus.request")
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class _Context(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_trace_id() or "-"
        record.actor_id = str(current_actor_id() or "-")
        return True


def configure_logging(level: str, style: str) -> None:
    """Give the `nexus` logger one handler; calling it again replaces that handler."""
    handler: StreamHandler[Any] = StreamHandler()
    handler.addFilter(_Context())
    text = "%(asctime)s %(levelname)s %(name)s %(message)s"
    if style == "json":
        handler.setFormatter(JsonFormatter(f"{text} %(request_id)s %(actor_id)s"))
    else:
        handler.setFormatter(logging.Formatter(f"{text} [%(request_id)s]"))
    logger = logging.getLogger("nexus")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def request_id(given: str) -> str:
    """The id of a request: the one that it came with, if that may be logged as it is, else a new one."""
    return given if given and _ACCEPTED_ID.fullmatch(given) else str(uuid_utils.uuid7())


def log_answer(method: str, path: str, status: int, started: float) -> None:
    """One line about a request that began at `started` (`perf_counter()`)."""
    shown = path if path.isprintable() else ascii(path)[1:-1]
    fields = {"method": method, "path": shown, "status": status}
    fields["duration_ms"] = round((perf_counter() - started) * 1000, 1)
    log.info("%s %s %d", method, shown, status, extra=fields)


def init_request_ids(app: Flask) -> None:
    """Accept or make `X-Request-ID`, echo it, and log each request with its status and duration."""

    @app.before_request
    @skippable
    def begin() -> None:
        set_trace_id(request_id(request.headers.get("X-Request-ID", "")))
        set_actor_id(None)
        g.nexus_started = perf_counter()

    @app.after_request
    @skippable
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = current_trace_id() or ""
        if log.isEnabledFor(logging.INFO):
            started = g.get("nexus_started", perf_counter())
            log_answer(request.method, request.path, response.status_code, started)
        return response

    @app.teardown_request
    @skippable
    def end(error: BaseException | None) -> None:
        set_trace_id(None)
        set_actor_id(None)
