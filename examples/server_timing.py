"""A plugin of escape hatches: `Server-Timing` on every answer, and a line in the log once all is ready.

For what no other hook covers, a plugin may take the Flask application itself: `nexus_init_app` before the
routes are registered, `nexus_app_ready` once everything is checked and frozen.
"""

import logging
from time import perf_counter

from flask import Flask, Response, g

from nexus_kernel import Manifest, hookimpl

MANIFEST = Manifest(name="server_timing", summary="How long the shop took, in a response header")
log = logging.getLogger("nexus.server_timing")


@hookimpl
def nexus_init_app(app: Flask) -> None:
    """Time each request (W3C Server Timing, section 3: milliseconds)."""

    @app.before_request
    def start() -> None:
        g.server_timing_started = perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        elapsed = (perf_counter() - g.server_timing_started) * 1000
        response.headers["Server-Timing"] = f"app;dur={elapsed:.1f}"
        return response


@hookimpl
def nexus_app_ready(app: Flask) -> None:
    """Say how much there is to serve."""
    log.info(
        "ready: %d routes of %d plugins",
        sum(1 for _ in app.url_map.iter_rules()),
        len(app.extensions["nexus"].plugins),
    )
