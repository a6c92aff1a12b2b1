"""The signature of Chapa's webhooks: HMAC-SHA256 of the body.

Chapa also sends `chapa-signature` with the HMAC of the secret itself, a constant that proves nothing about a
body: it is never accepted, although an HMAC of the body is under that name too (custom webhooks). The bytes
are those of the request. Some of Chapa's samples sign the body as JavaScript or PHP writes it anew, so these
two forms are tried as well; they still take the secret.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence

HEADERS = ("x-chapa-signature", "chapa-signature")
_HEX = re.compile(r"[0-9a-f]{64}")


def is_authentic(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """True when a header holds the HMAC of this body under one of the secrets; empty ones never count."""
    given = [headers.get(name, "").lower() for name in HEADERS]
    given = [signature for signature in given if _HEX.fullmatch(signature)]
    keys = [secret.encode() for secret in secrets if secret]
    if not given or not keys:
        return False
    return any(_signed(form, given, keys) for form in _forms(body))


def _signed(form: bytes, given: Sequence[str], keys: Sequence[bytes]) -> bool:
    matches = [
        hmac.compare_digest(hmac.new(key, form, hashlib.sha256).hexdigest(), signature)
        for key in keys
        for signature in given
    ]
    return any(matches)


def _forms(body: bytes) -> Iterator[bytes]:
    yield body
    try:
        value = json.loads(body)
        compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        escaped = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    except (ValueError, RecursionError):
        return
    yield compact.encode("utf-8", "replace")
    yield escaped.encode()
