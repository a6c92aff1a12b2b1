"""Rules for single fields of an initialize call; each returns a complaint or None."""

import re
from typing import Any

from email_validator import EmailNotValidError, validate_email

from nexus_chapa_sim.core.money import MAX_AMOUNT, has_two_decimals, parse_amount
from nexus_chapa_sim.settings import is_http_url

REQUIRED = "validation.required"

_TX_REF = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_PHONE = re.compile(r"0[79][0-9]{8}")
_DESCRIPTION = re.compile(r"[\w .-]*")


def amount(value: Any) -> str | None:
    """A number above zero with at most two decimals."""
    parsed = parse_amount(value)
    if parsed is None:
        return "validation.numeric"
    if parsed <= 0:
        return "validation.min.numeric"
    if parsed > MAX_AMOUNT:
        return "validation.max.numeric"
    return None if has_two_decimals(parsed) else "validation.regex"


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else "validation.string"


def tx_ref(value: Any) -> str | None:
    """Up to 100 letters, digits, ``_``, ``.`` and ``-``; the gateway documents no rule."""
    if not isinstance(value, str):
        return "validation.string"
    return None if _TX_REF.fullmatch(value) else "validation.regex"


def email(value: Any) -> str | None:
    """A well-formed address outside the reserved top-level domains; nothing is looked up."""
    try:
        validate_email(str(value), check_deliverability=False)
    except EmailNotValidError:
        return "validation.email"
    return None if isinstance(value, str) else "validation.email"


def phone(value: Any) -> str | None:
    """Ten digits that begin with 09 or 07."""
    return None if isinstance(value, str) and _PHONE.fullmatch(value) else "validation.regex"


def url(value: Any) -> str | None:
    return None if isinstance(value, str) and is_http_url(value) else "validation.url"


def mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "validation.array"


def limited(name: str, value: Any, limit: int) -> str | None:
    """At most so many characters."""
    if not isinstance(value, str):
        return "validation.string"
    return None if len(value) <= limit else f"The {name} may not be greater than {limit} characters."


def description(name: str, value: Any, limit: int) -> str | None:
    """At most so many characters, and only letters, digits, blanks and ``-_.``."""
    if complaint := limited(name, value, limit):
        return complaint
    if _DESCRIPTION.fullmatch(value):
        return None
    return f"The {name} may only contain letters, numbers, hyphens, underscores, spaces, and dots."
