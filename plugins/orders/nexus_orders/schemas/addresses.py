"""Where orders go."""

from nexus_kernel import Country, Schema, Text


class AddressSchema(Schema):
    """Where an order goes."""

    address_line = Text(300, minimum=1, required=True)
    city = Text(100, minimum=1, required=True)
    postal_code = Text(
        20, required=True, metadata={"description": "Empty where the country has no postal codes."}
    )
    country = Country(required=True)
