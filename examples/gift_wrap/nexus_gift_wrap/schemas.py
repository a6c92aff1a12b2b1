"""The bodies of wrapping."""

import marshmallow as ma

from nexus_kernel import Amount, Currency, Schema, Text


class WrapSchema(Schema):
    """How an order is to be wrapped."""

    paper = Text(50, minimum=1, required=True)
    message = Text(200, load_default="")


class WrappedSchema(Schema):
    """How an order is wrapped."""

    paper = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class PaperSchema(Schema):
    """A wrapping paper and its fee."""

    code = Text(50, minimum=1, required=True)
    title = Text(100, minimum=1, required=True)
    fee = Amount(required=True)
    currency = Currency(required=True)


class WrappingSchema(Schema):
    """An order that is to be wrapped."""

    order_id = ma.fields.UUID(required=True)
    paper = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
