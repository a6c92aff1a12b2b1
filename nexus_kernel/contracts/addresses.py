"""Where things go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address. `country` is an ISO 3166-1 alpha-2 code; whatever has a default may be empty."""

    address_line: str
    city: str
    postal_code: str
    country: str
    region: str = ""
    recipient: str = ""
    phone: str = ""
