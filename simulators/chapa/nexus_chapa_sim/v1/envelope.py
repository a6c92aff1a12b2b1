"""The three-member answer of the v1 API and its errors."""

from typing import Any

from flask import Response

from nexus_chapa_sim.delivery.serialise import php_json

NOT_FOUND = "Invalid transaction or Transaction not found"
FAILED = "failed"


class ApiError(Exception):
    """An answer other than success; ``message`` is text, or field names with lists of complaints."""

    def __init__(self, http: int, message: str | dict[str, list[str]], status: str | None = FAILED) -> None:
        super().__init__(str(message))
        self.http = http
        self.message = message
        self.status = status


def answer(body: dict[str, Any], http: int = 200) -> Response:
    """JSON as the gateway's backend writes it."""
    return Response(php_json(body), status=http, content_type="application/json")


def success(message: str, data: Any) -> Response:
    """``message``, ``status`` success and ``data``."""
    return answer({"message": message, "status": "success", "data": data})


def refusal(error: ApiError) -> Response:
    """``message``, ``status`` and no data."""
    return answer({"message": error.message, "status": error.status, "data": None}, error.http)
