"""Where orders go."""

import marshmallow as ma

from nexus_kernel import Schema, Text
from nexus_orders.countries import COUNTRIES


class Country(ma.fields.String):
    """An ISO 3166-1 alpha-2 code."""

    def __init__(self, **kwargs) -> None:
        metadata = {"pattern": "^[A-Z]{2}$", "example": "ET"}
        super().__init__(validate=_check_country, metadata=metadata, **kwargs)


def _check_country(code: str) -> None:
    if code not in COUNTRIES:
        raise ma.ValidationError("Must be an ISO 3166-1 alpha-2 country code, such as ET.")


class AddressSchema(Schema):
    """Where an order goes."""

    address_line = Text(300, minimum=1, required=True)
    city = Text(100, minimum=1, required=True)
    postal_code = Text(
        20, required=True, metadata={"description": "Empty where the country has no postal codes."}
    )
    country = Country(required=True)
