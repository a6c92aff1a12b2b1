"""JSON as PHP writes it and as JavaScript writes it; signatures differ between the two."""

import json
from typing import Any

from nexus_chapa_sim.settings import BodyStyle


def php_json(value: Any) -> str:
    """PHP's ``json_encode`` defaults: no blanks, ``\\/`` for slashes, ``\\u`` escapes beyond ASCII."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def js_json(value: Any) -> str:
    """JavaScript's ``JSON.stringify`` defaults: no blanks, text as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def is_unicode(value: Any) -> bool:
    """Whether every text in a JSON value can be encoded; lone surrogates cannot."""
    try:
        js_json(value).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def encode_body(value: Any, style: BodyStyle) -> bytes:
    """The bytes that go over the wire and are signed."""
    return (php_json(value) if style == "php" else js_json(value)).encode()
