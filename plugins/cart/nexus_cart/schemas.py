"""The cart's bodies."""

from typing import Any

import marshmallow as ma

from nexus_cart.models import MAX_QUANTITY
from nexus_kernel import Amount, Currency, Schema, Text


class Quantity(ma.fields.Integer):
    """A whole number of pieces, as a JSON number: no text, no boolean, no fraction."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Range(1, MAX_QUANTITY), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class AddItemSchema(Schema):
    """What to put into the cart: a variant, or a product, which means its default variant."""

    product_id = ma.fields.UUID()
    variant_id = ma.fields.UUID()
    quantity = Quantity(load_default=1)

    @ma.validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("product_id" in data) == ("variant_id" in data):
            raise ma.ValidationError("Send product_id or variant_id, one of the two.", "product_id")


class SetQuantitySchema(Schema):
    """The new quantity of a line."""

    quantity = Quantity(required=True)


class TokenSchema(Schema):
    """The token of a guest's cart."""

    token = Text(200, required=True)


class ProductSchema(Schema):
    """The product of a line, as it is now."""

    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    slug = ma.fields.String(required=True)
    price = Amount(required=True)


class VariantSchema(Schema):
    """The variant of a line; `sku` is null when the catalog does not know it any more."""

    id = ma.fields.UUID(required=True)
    sku = ma.fields.String(required=True, allow_none=True)


class IssueSchema(Schema):
    """Something to tell the buyer about a line."""

    code = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(
            ["price_changed", "insufficient_stock", "unavailable", "total_out_of_range"]
        ),
    )
    message = ma.fields.String(required=True)
    available = ma.fields.Integer(allow_none=True, metadata={"description": "Pieces that are left."})
    previous_price = Amount(allow_none=True, metadata={"description": "What one cost when it was added."})


class ItemSchema(Schema):
    """A line at today's price; `product` is null when the catalog does not know it any more."""

    id = ma.fields.UUID(required=True)
    product = ma.fields.Nested(ProductSchema, required=True, allow_none=True)
    variant = ma.fields.Nested(VariantSchema, required=True)
    quantity = ma.fields.Integer(required=True)
    unit_price = Amount(required=True)
    line_total = Amount(required=True)
    currency = Currency(required=True)
    issues = ma.fields.List(ma.fields.Nested(IssueSchema), required=True)


class CartSchema(Schema):
    """The cart; lines that are not for sale any more do not count into the total.

    `id` is null for a guest who has put nothing into a cart yet.
    """

    id = ma.fields.UUID(required=True, allow_none=True)
    items = ma.fields.List(ma.fields.Nested(ItemSchema), required=True)
    total = Amount(required=True)
    currency = Currency(required=True)


class CappedSchema(Schema):
    """A line of a guest's cart of which not all pieces got into the person's cart."""

    product = ma.fields.Nested(ProductSchema, required=True, allow_none=True)
    variant = ma.fields.Nested(VariantSchema, required=True)
    requested = ma.fields.Integer(required=True, metadata={"description": "Pieces in both carts together."})
    quantity = ma.fields.Integer(required=True, metadata={"description": "Pieces in the cart now; may be 0."})
    reason = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(
            [
                "insufficient_stock",
                "quantity_limit",
                "total_out_of_range",
                "cart_full",
                "currency_mixed",
                "unavailable",
            ]
        ),
    )


class MergedCartSchema(CartSchema):
    """The person's cart after a merge, and what did not get into it."""

    capped = ma.fields.List(ma.fields.Nested(CappedSchema), required=True)
