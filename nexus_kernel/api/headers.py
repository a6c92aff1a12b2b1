"""Headers of every answer: no guessing of content types, and no copies of what belongs to one person."""

from flask import Flask, Response, g, request

from nexus_kernel.context import skippable


def init_headers(app: Flask) -> None:
    """Add them to every answer, errors included."""
    app.after_request(_protect)


@skippable
def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    for_anybody = "ETag" in response.headers and "nexus_actor" not in g  # nobody asked who it is
    personal = "Authorization" in request.headers and not for_anybody
    if personal or request.path.startswith("/api/auth/"):
        response.headers["Cache-Control"] = "no-store"
    return response
