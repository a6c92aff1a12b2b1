"""Answers of bytes that are JSON already."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response


def created(body: Mapping[str, Any], location: str) -> Response:
    """201 with the address of what was made."""
    return Response(orjson.dumps(body), 201, {"Location": location}, content_type="application/json")


def json_answer(body: bytes) -> Response:
    """200 with this JSON."""
    return Response(body, content_type="application/json")
