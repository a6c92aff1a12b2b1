"""Where a buyer may be sent: an allow-list of origins, so that a shop's address never redirects elsewhere."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from nexus_kernel import current_nexus, invalid_field, settings
from nexus_payments.config import PaymentsConfig

LOOPBACK = ("127.0.0.1", "localhost")


def check_return_url(url: str) -> str:
    """The address itself when a buyer may return there. Raises Invalid about `return_url`."""
    origin = _origin(url)
    kernel = current_nexus().config
    allowed = {_origin(known) for known in settings(PaymentsConfig).return_urls or (kernel.public_url,)}
    production = kernel.environment == "production"
    if origin is None or (production and not origin.startswith("https://")):
        scheme = "https" if production else "http or https"
        raise invalid_field("return_url", f"Must be an absolute {scheme} address.", "invalid_url")
    local = urlsplit(url).hostname in LOOPBACK and not production
    if origin not in allowed and not local:
        raise invalid_field("return_url", "Is not one of the shop's addresses.", "not_allowed")
    return url


def with_payment_id(url: str, payment_id: UUID) -> str:
    """The address with `payment_id` as a query parameter; what it had stays."""
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "payment_id"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("payment_id", str(payment_id))])))


def _origin(url: str) -> str | None:
    if any(char in url for char in '\\<>"') or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.hostname}{port}"
