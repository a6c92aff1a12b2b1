"""What a checkout would cost."""

import marshmallow as ma

from nexus_kernel import Amount, Currency, Schema, Text
from nexus_orders.schemas.addresses import DestinationSchema, ToAddressSchema
from nexus_orders.schemas.extensions import Extensions
from nexus_orders.schemas.orders import AdjustmentSchema


class AskQuoteSchema(ToAddressSchema):
    """A checkout that is not placed yet: the country is enough of an address, and the payment may be open."""

    shipping_address = ma.fields.Nested(DestinationSchema)
    payment_method = Text(50, minimum=1)
    extensions = Extensions("request", load_default=dict)


class QuoteItemSchema(Schema):
    """A line of the cart at today's price, with its shares of discount and tax."""

    product_id = ma.fields.UUID(required=True)
    variant_id = ma.fields.UUID(required=True)
    sku = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True)
    unit_price = Amount(required=True)
    line_total = Amount(required=True)
    discount = Amount(required=True)
    tax = Amount(required=True)
    total = Amount(required=True, metadata={"description": "line_total - discount + tax."})


class CheckoutProblemSchema(Schema):
    """What stands in the way of an order; `variant_id` and `available` are told of a line that is short."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    field = ma.fields.String(required=True, allow_none=True)
    variant_id = ma.fields.UUID(required=True, allow_none=True)
    available = ma.fields.Integer(required=True, allow_none=True)


class QuoteSchema(Schema):
    """What an order of the cart would cost now; total = subtotal - discount + shipping + tax."""

    currency = Currency(required=True)
    subtotal = Amount(required=True)
    discount = Amount(required=True)
    shipping = Amount(required=True)
    tax = Amount(required=True)
    tax_included = Amount(required=True)
    total = Amount(required=True)
    items = ma.fields.List(ma.fields.Nested(QuoteItemSchema), required=True)
    adjustments = ma.fields.List(ma.fields.Nested(AdjustmentSchema), required=True)
    problems = ma.fields.List(ma.fields.Nested(CheckoutProblemSchema), required=True)
