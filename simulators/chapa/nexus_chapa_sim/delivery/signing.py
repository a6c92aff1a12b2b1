"""The two signature headers of Chapa's standard webhooks."""

import hashlib
import hmac

from nexus_chapa_sim.settings import SignatureHeaders

PAYLOAD_HEADER = "x-chapa-signature"
CONSTANT_HEADER = "chapa-signature"


def hmac_hex(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in lower-case hexadecimal."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signature_headers(body: bytes, secret: str, style: SignatureHeaders) -> dict[str, str]:
    """``x-chapa-signature`` covers the body; ``chapa-signature`` is the secret's HMAC of itself."""
    headers = {}
    if style in {"both", "x-only"}:
        headers[PAYLOAD_HEADER] = hmac_hex(secret, body)
    if style in {"both", "constant-only"}:
        headers[CONSTANT_HEADER] = hmac_hex(secret, secret.encode())
    return headers
