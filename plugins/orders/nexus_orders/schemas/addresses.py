"""Where orders go."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from nexus_kernel import Country, Schema, Text


class AddressSchema(Schema):
    """Where an order goes."""

    address_line = Text(300, minimum=1, required=True)
    city = Text(100, minimum=1, required=True)
    postal_code = Text(
        20, required=True, metadata={"description": "Empty where the country has no postal codes."}
    )
    country = Country(required=True)
    region = Text(100, load_default="")
    recipient = Text(150, load_default="", metadata={"description": "Who is to get it."})
    phone = Text(30, load_default="", metadata={"description": "For whoever brings it."})


class DestinationSchema(AddressSchema):
    """An address, or what is known of it: the country is enough to work out shipping and tax."""

    address_line = Text(300, load_default="")
    city = Text(100, load_default="")
    postal_code = Text(20, load_default="")


class ToAddressSchema(Schema):
    """A body that names where something goes: an address, or one of the caller's address book by its id."""

    shipping_address_id = ma.fields.UUID(
        metadata={"description": "An address of the caller's own, in place of `shipping_address`."}
    )

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def _exactly_one(self, data: Any, sent: Any, **options: Any) -> None:
        given = {"shipping_address", "shipping_address_id"} & set(sent if isinstance(sent, Mapping) else ())
        if isinstance(sent, Mapping) and not given:
            raise ma.ValidationError("Missing data for required field.", "shipping_address")
        if len(given) == 2:
            message = "Give either shipping_address or shipping_address_id."
            raise ma.ValidationError(message, "shipping_address_id")
