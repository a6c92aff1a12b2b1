"""Bodies of the address book."""

import marshmallow as ma

from nexus_accounts.schemas.fields import Phone
from nexus_kernel import Country, Schema, Text


class NewAddressSchema(Schema):
    """An address, whole. `label` is what its owner calls it, `recipient` who is to get what is sent there."""

    label = Text(50, load_default="", metadata={"example": "Home"})
    recipient = Text(150, load_default="")
    phone = Phone(load_default="")
    address_line = Text(300, minimum=1, required=True)
    city = Text(100, minimum=1, required=True)
    region = Text(100, load_default="")
    postal_code = Text(20, load_default="")
    country = Country(required=True)
    is_default = ma.fields.Boolean(
        load_default=False, metadata={"description": "Takes the place of the one before."}
    )


class AddressUpdateSchema(Schema):
    """Changes of an address; what is left out stays."""

    label = Text(50)
    recipient = Text(150)
    phone = Phone()
    address_line = Text(300, minimum=1)
    city = Text(100, minimum=1)
    region = Text(100)
    postal_code = Text(20)
    country = Country()
    is_default = ma.fields.Boolean()


class AddressSchema(Schema):
    """An address of one's book."""

    id = ma.fields.UUID(required=True)
    label = ma.fields.String(required=True)
    recipient = ma.fields.String(required=True)
    phone = ma.fields.String(required=True)
    address_line = ma.fields.String(required=True)
    city = ma.fields.String(required=True)
    region = ma.fields.String(required=True)
    postal_code = ma.fields.String(required=True)
    country = ma.fields.String(required=True)
    is_default = ma.fields.Boolean(required=True)
    created_at = ma.fields.DateTime(required=True)
    updated_at = ma.fields.DateTime(required=True)
