"""ETags: strong, quoted, of the content (RFC 9110, sections 8.8.3 and 13.1)."""

from flask import Response, request

from nexus_kernel.cache import content_etag
from nexus_kernel.errors import PreconditionFailed

__all__ = ["check_if_match", "conditional_response", "content_etag"]


def conditional_response(response: Response) -> Response:
    """The response with its ETag; 304 without a body when the client has this content already."""
    if response.status_code == 200:
        response.set_etag(content_etag(response.get_data()))
        response.make_conditional(request)
    return response


def check_if_match(etag: str, detail: str) -> None:
    """Raises PreconditionFailed when the request has an `If-Match` that does not name this content.

    Each encoding of a content has an ETag of its own; naming any of them names the content.
    """
    if "If-Match" not in request.headers:
        return
    given = request.if_match
    if not (given.contains(etag) or given.contains(f"{etag}-gzip")):
        raise PreconditionFailed(detail)
