"""Placing and reading orders."""

import marshmallow as ma

from nexus_kernel import Amount, Currency, Schema, Text
from nexus_kernel.contracts.orders import PricePhase
from nexus_orders.schemas.addresses import AddressSchema, ToAddressSchema
from nexus_orders.schemas.cancellations import OrderCancellationSchema
from nexus_orders.schemas.extensions import Extensions
from nexus_orders.schemas.shipments import ShipmentSchema
from nexus_orders.states import OrderStatus, PaymentStatus

STATUSES = ma.validate.OneOf([str(status) for status in OrderStatus])
PAYMENT_STATUSES = ma.validate.OneOf([str(status) for status in PaymentStatus])


class PlaceOrderSchema(ToAddressSchema):
    """What a checkout takes besides the cart. Where it goes is an address or the id of one."""

    shipping_address = ma.fields.Nested(AddressSchema)
    payment_method = Text(50, minimum=1, required=True)
    expected_total = Amount(
        metadata={"description": "The total that the buyer saw; another one is refused with 409."}
    )
    extensions = Extensions("request", load_default=dict)


class UpdateOrderSchema(Schema):
    """The status that staff give an order."""

    status = ma.fields.String(required=True, validate=STATUSES)
    reason = Text(500, multiline=True, load_default="")


class ItemSchema(Schema):
    """A line as it was ordered."""

    id = ma.fields.UUID(required=True)
    product_id = ma.fields.UUID(required=True)
    variant_id = ma.fields.UUID(required=True)
    sku = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True)
    shipped_quantity = ma.fields.Integer(required=True)
    unit_price = Amount(required=True)
    line_total = Amount(required=True, metadata={"description": "Unit price times quantity."})
    discount = Amount(required=True, metadata={"description": "The line's share of the discount."})
    tax = Amount(required=True, metadata={"description": "The line's share of the tax."})
    total = Amount(required=True, metadata={"description": "line_total - discount + tax."})


class AdjustmentSchema(Schema):
    """A discount, a shipping fee, what is taken off that, or a tax."""

    phase = ma.fields.String(required=True, validate=ma.validate.OneOf([str(p) for p in PricePhase]))
    label = ma.fields.String(required=True)
    amount = Amount(required=True)
    rate = ma.fields.String(required=True, allow_none=True)
    included = ma.fields.Boolean(
        required=True, metadata={"description": "A tax that the prices include; added to nothing."}
    )


class OrderSchema(Schema):
    """An order; total = subtotal - discount + shipping + tax."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True, validate=STATUSES)
    payment_status = ma.fields.String(required=True, validate=PAYMENT_STATUSES)
    payment_method = ma.fields.String(required=True)
    currency = Currency(required=True)
    subtotal = Amount(required=True)
    discount = Amount(required=True)
    shipping = Amount(required=True, metadata={"description": "The fee after the discounts on it."})
    tax = Amount(required=True)
    tax_included = Amount(
        required=True, metadata={"description": "Tax that the prices include; no part of `tax`."}
    )
    total = Amount(required=True)
    shipping_address = ma.fields.Nested(AddressSchema, required=True)
    items = ma.fields.List(ma.fields.Nested(ItemSchema), required=True)
    adjustments = ma.fields.List(ma.fields.Nested(AdjustmentSchema), required=True)
    extensions = Extensions("answer", required=True)
    refunded = Amount(required=True, metadata={"description": "What was given back."})
    shipments = ma.fields.List(ma.fields.Nested(ShipmentSchema), required=True)
    cancellation = ma.fields.Nested(OrderCancellationSchema, required=True, allow_none=True)
    placed_at = ma.fields.AwareDateTime(required=True)
    updated_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True, allow_none=True)
