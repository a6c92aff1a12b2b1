"""Request bodies: JSON or form, with PHP's bracket keys in either."""

import json
import re
from collections.abc import Iterable
from typing import Any

from flask import Request

from nexus_chapa_sim.delivery.serialise import is_unicode
from nexus_chapa_sim.v1.envelope import ApiError

FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data"}
WRONG_CONTENT_TYPE = (
    "Incorrect header settings Please check if content-type is present and set to application/json"
)
_BRACKET_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])+)")
_MAX_DEPTH = 5


def read_body(request: Request, accept_form: bool) -> dict[str, Any]:
    """The members of a JSON object or of a form, nested; an unreadable one counts as empty.

    Raises ApiError 400 for any other content type.
    """
    if request.mimetype == "application/json":
        return nested(_json_members(request.get_data()))
    if accept_form and request.mimetype in FORM_TYPES:
        return nested(request.form.items())
    raise ApiError(400, WRONG_CONTENT_TYPE)


def nested(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """``customization[title]=x`` becomes ``{"customization": {"title": "x"}}``; blank text becomes None."""
    result: dict[str, Any] = {}
    for key, value in members:
        path = _path(key)
        holder = result
        for part in path[:-1]:
            inner = holder.get(part)
            if not isinstance(inner, dict):
                inner = holder[part] = {}
            holder = inner
        holder[path[-1]] = _trimmed(value)
    return result


def _path(key: str) -> list[str]:
    match = _BRACKET_KEY.fullmatch(key)
    if match is None:
        return [key]
    path = [match[1], *match[2][1:-1].split("][")]
    return path if len(path) <= _MAX_DEPTH else [key]


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items()}
    return value


def _json_members(raw: bytes) -> Iterable[tuple[str, Any]]:
    try:
        parsed = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return []
    return parsed.items() if isinstance(parsed, dict) and is_unicode(parsed) else []


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
