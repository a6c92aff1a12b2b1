"""ETags: strong, quoted, of the content (RFC 9110, sections 8.8.3 and 13.1)."""

import hashlib

from flask import Response, request


def content_etag(body: bytes) -> str:
    """The entity tag of these bytes, without quotes."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def conditional_response(response: Response) -> Response:
    """The response with its ETag; 304 without a body when the client has this content already."""
    if response.status_code == 200:
        response.set_etag(content_etag(response.get_data()))
        response.make_conditional(request)
    return response
