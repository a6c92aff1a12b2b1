"""Asking a local program whether it is ready."""

import http.client
from urllib.parse import urlsplit


def status(address: str, seconds: float = 2.0) -> int | None:
    """The HTTP status that a GET of `address` gets, None when nobody answers."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_ready(api: str) -> bool:
    """Whether the API serves: /readyz answers 200, or /healthz where there is no /readyz."""
    answer = status(api + "/readyz")
    return answer == 200 or (answer == 404 and status(api + "/healthz") == 200)
