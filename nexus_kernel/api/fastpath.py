"""Answers from the cache before Flask is asked: by the text of the request line, once it has been seen.

A line that a cached route answered is remembered together with the key of its answer and the headers that
the application added. The same line again is answered from memory or Redis, as `api/cached.py` would have:
with its request id, its line in the log, its headers. What it leaves out are the functions that run around
every request; those of the kernel are `skippable`, and any other one on the application or the route's
blueprint switches this off. Requests with `Origin` or `If-Match` always go the long way.
"""

import logging
from collections.abc import Callable, Iterable
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from flask import Flask

from nexus_kernel.api.cached import KEPT_UNDER
from nexus_kernel.cache import Cache
from nexus_kernel.cache.entry import Headers
from nexus_kernel.context import is_skippable, set_trace_id
from nexus_kernel.logs import log, log_answer, request_id

MOST_LINES = 4096
LONGEST_LINE = 1024
"""Characters; longer lines are not remembered."""
_STATUS = {200: "200 OK", 304: "304 Not Modified"}
_MADE_ANEW = frozenset(
    ("content-type", "content-length", "content-encoding", "etag", "cache-control", "vary", "x-request-id")
)
_VARY = "Accept-Encoding"


class _Seen(NamedTuple):
    key: str
    headers: Headers


class FastPath:
    """WSGI middleware around the application."""

    def __init__(self, app: Flask, cache: Cache) -> None:
        self._app, self._cache, self._next = app, cache, app.wsgi_app
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._next(environ, start_response)
        line = (environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
        seen = self._seen.get(line)
        if seen is None:
            return self._watch(line, environ, start_response)
        if "HTTP_ORIGIN" not in environ and "HTTP_IF_MATCH" not in environ:
            started = perf_counter()
            entry = self._cache.find(seen.key, now="HTTP_AUTHORIZATION" in environ)
            if entry is not None:
                status, headers, body = entry.answer(environ)
                trace_id = request_id(environ.get("HTTP_X_REQUEST_ID", ""))
                start_response(_STATUS[status], [*headers, *seen.headers, ("X-Request-ID", trace_id)])
                if log.isEnabledFor(logging.INFO):
                    _log(environ, status, started, trace_id)
                return [body] if environ["REQUEST_METHOD"] == "GET" else []
        return self._next(environ, start_response)

    def _watch(
        self, line: tuple[str, str], environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        answered: list[tuple[str, Headers]] = []

        def note(status: str, headers: Headers, *rest: Any) -> Any:
            answered[:] = [(status, headers)]
            return start_response(status, headers, *rest)

        body = self._next(environ, note)
        key = environ.get(KEPT_UNDER)
        if key is not None and answered and answered[0][0].startswith("200"):
            self._remember(line, key, answered[0][1])
        return body

    def _remember(self, line: tuple[str, str], key: str, headers: Headers) -> None:
        names = {name.lower(): value for name, value in headers}
        odd = (names.get("vary", _VARY), names["cache-control"]) != (_VARY, "no-cache")
        too_long = len(line[0]) + len(line[1]) > LONGEST_LINE
        if odd or too_long or "set-cookie" in names or not self._may_be_left_out(key.partition(":")[0]):
            return
        kept = [(name, value) for name, value in headers if name.lower() not in _MADE_ANEW]
        with self._lock:
            self._seen[line] = _Seen(key, kept)
            if len(self._seen) > MOST_LINES:
                del self._seen[next(iter(self._seen))]

    def _may_be_left_out(self, blueprint: str) -> bool:
        app = self._app
        tables: tuple[Any, ...] = (
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
            app.url_value_preprocessors,
        )
        functions = [f for table in tables for scope in (None, blueprint) for f in table.get(scope, ())]
        return all(map(is_skippable, functions))


def _log(environ: dict[str, Any], status: int, started: float, trace_id: str) -> None:
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    set_trace_id(trace_id)
    log_answer(environ["REQUEST_METHOD"], path, status, started)
    set_trace_id(None)
