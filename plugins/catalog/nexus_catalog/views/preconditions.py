"""`If-Match` on writes (RFC 9110, section 13.1.1): a change made from an old copy is refused."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import request

from nexus_kernel.api import conditional
from nexus_kernel.api.conditional import content_etag

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what is changed; when it has changed since, nothing is done: 412.",
}


def check_if_match(current: Callable[[], Mapping[str, Any]]) -> None:
    """Compare the header, where there is one, with the body that `current` returns; the caller holds a lock.

    Raises PreconditionFailed.
    """
    if "If-Match" in request.headers:
        etag = content_etag(orjson.dumps(current()))
        conditional.check_if_match(etag, "It has changed since you read it; read it again.")
