"""Errors that an API client sees: RFC 9457 `application/problem+json` with a stable `code`.

A plugin raises a subclass with a `code` of its own (`catalog.out_of_stock`); the kernel renders it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """A fault in one field: `path` like `items[0].quantity`, a stable `code`, and a sentence."""

    path: str
    code: str
    message: str


class NexusError(Exception):
    """The base of every error with an HTTP meaning. `detail` says what to do, for a person."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "kernel.internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def to_problem(self, request_id: str | None) -> dict[str, Any]:
        """The body of RFC 9457, section 3, with `code`, `errors` and `request_id` as extension members."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
            "errors": [asdict(error) for error in self.errors],
            "request_id": request_id,
            **self.extensions,
        }


class BadRequest(NexusError):
    """The request cannot be read."""

    status, code, title = 400, "kernel.bad_request", "Bad request"


class MalformedJSON(BadRequest):
    """The body is not valid JSON."""

    code, title = "kernel.malformed_json", "Malformed JSON"


class Unauthorized(NexusError):
    """Nobody is signed in, or the token does not hold."""

    status, code, title = 401, "kernel.unauthorized", "Authentication required"


class Forbidden(NexusError):
    """The person is known and may not do this."""

    status, code, title = 403, "kernel.forbidden", "Permission denied"


class NotFound(NexusError):
    """There is no such thing, or it is a stranger's."""

    status, code, title = 404, "kernel.not_found", "Not found"


class MethodNotAllowed(NexusError):
    """The address exists and does not know this method; `Allow` lists those it knows."""

    status, code, title = 405, "kernel.method_not_allowed", "Method not allowed"


class Conflict(NexusError):
    """The state of the resource does not allow this now."""

    status, code, title = 409, "kernel.conflict", "Conflict"


class PreconditionFailed(NexusError):
    """`If-Match` names another version than the current one."""

    status, code, title = 412, "kernel.precondition_failed", "Precondition failed"


class ContentTooLarge(NexusError):
    """The body passes the limit."""

    status, code, title = 413, "kernel.content_too_large", "Content too large"


class UnsupportedMediaType(NexusError):
    """The body is of another type than JSON."""

    status, code, title = 415, "kernel.unsupported_media_type", "Unsupported media type"


class Invalid(NexusError):
    """The request was read, and a field in it is wrong."""

    status, code, title = 422, "kernel.invalid", "Invalid input"


class TooManyRequests(NexusError):
    """Come back later; `Retry-After` says when."""

    status, code, title = 429, "kernel.too_many_requests", "Too many requests"


class Unavailable(NexusError):
    """Something that the answer needs is out of reach for now."""

    status, code, title = 503, "kernel.unavailable", "Temporarily unavailable"


class LockBusy(Conflict):
    """Another transaction holds the row longer than the lock time-out; nothing was changed."""

    code, title = "kernel.lock_busy", "Busy, try again"


class OtherHTTPError(NexusError):
    """Any other refusal of the HTTP layer; the code ends with its status, as in `kernel.http_414`."""

    status, code, title = 400, "kernel.http_<status>", "Refused"

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        super().__init__(detail or title)
        self.status, self.title = status, title  # type: ignore[misc]
        self.code = f"kernel.http_{status}"  # type: ignore[misc]


class StartupError(Exception):
    """The application cannot start. The message is for the person who starts it and says what to do."""


def invalid_field(path: str, message: str, code: str = "invalid") -> Invalid:
    """An `Invalid` about one field."""
    return Invalid(f"{path}: {message}", errors=[FieldError(path, code, message)])
