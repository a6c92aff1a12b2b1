"""What Chapa takes in optional fields. What does not fit is left out: they must never make a payment fail."""

import re

from nexus_kernel.contracts.payments import Customer

TITLE_LENGTH = 16
DESCRIPTION_LENGTH = 50
RESERVED_DOMAINS = ("arpa", "example", "invalid", "local", "localhost", "onion", "test")
_EMAIL = re.compile(
    r"[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+([A-Za-z]{2,24})"
)
_PHONE = re.compile(r"(?:\+?251|0)?([79][0-9]{8})")


def clean_text(text: str, length: int) -> str:
    """Letters, digits, blanks and `-_.` only, cut to a length, between two words where there are several."""
    cleaned = " ".join(re.sub(r"[^\w .-]", " ", text).split())
    if len(cleaned) <= length:
        return cleaned
    return cleaned[: length + 1].rpartition(" ")[0] or cleaned[:length]


def customer_fields(customer: Customer) -> dict[str, str]:
    """The customer's fields that Chapa would take."""
    fields = {
        "email": _email(customer.email),
        "first_name": _name(customer.first_name),
        "last_name": _name(customer.last_name),
        "phone_number": _phone(customer.phone),
    }
    return {name: value for name, value in fields.items() if value}


def _email(address: str) -> str:
    match = _EMAIL.fullmatch(address) if len(address) <= 254 and address.find("@") <= 64 else None
    return address if match and match[4].lower() not in RESERVED_DOMAINS else ""


def _name(name: str) -> str:
    return "".join(char for char in name if char.isprintable()).strip()[:100]


def _phone(number: str) -> str:
    match = _PHONE.fullmatch(re.sub(r"[ ()-]", "", number))
    return f"0{match[1]}" if match else ""
