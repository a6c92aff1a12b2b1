"""Headers of every answer: no guessing of content types, and no copies of what belongs to one person."""

from flask import Flask, Response, g, request

from nexus_kernel.context import skippable


def init_headers(app: Flask) -> None:
    """Add them to every answer, errors included."""
    app.after_request(_protect)


@skippable
def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    if _is_personal(response) or request.path.startswith("/api/auth/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_personal(response: Response) -> bool:
    """Whether it is for who sent the request, known or not; where nobody asked who it is, it is for anybody.

    One with an ETag is the same for everybody who sends no token.
    """
    asked, sent = "nexus_actor" in g, "Authorization" in request.headers
    return asked and sent if "ETag" in response.headers else asked or sent
