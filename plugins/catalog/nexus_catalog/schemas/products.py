"""What goes in and out of `/api/catalog/products/`."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_catalog.models import HEAVIEST, LARGEST_QUANTITY
from nexus_catalog.schemas.images import LeadImageSchema, ProductImageSchema
from nexus_catalog.services.products import SORTS
from nexus_kernel import Amount, Currency, PageQuery, QuerySchema, Schema, Text


class ProductFilters(QuerySchema):
    """Which products: a list, or what can be counted of them."""

    category = Text(100, minimum=1, metadata={"description": "Id or slug; descendants are included."})
    min_price = Amount(metadata={"description": "In the shop's currency."})
    max_price = Amount(metadata={"description": "In the shop's currency."})
    min_rating = fields.Float(
        validate=ma.validate.Range(1, 5),
        metadata={"description": "Average of the reviews, 1 to 5."},
    )
    in_stock = fields.Boolean()
    seller = fields.UUID()
    q = Text(200, metadata={"description": "Words, or their beginnings, in title, SKU and description."})

    @ma.validates_schema
    def check_range(self, data: dict[str, Any], **kwargs: Any) -> None:
        """`min_price` is not above `max_price`."""
        if "min_price" in data and "max_price" in data and data["min_price"] > data["max_price"]:
            raise ma.ValidationError("Must not be below min_price.", "max_price")


class ProductQuery(ProductFilters, PageQuery):
    """The filters and orders of the list of products."""

    sort = fields.String(validate=ma.validate.OneOf(SORTS))


class ProductCategorySchema(Schema):
    """The category of a product."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)


class VariantSchema(Schema):
    """What is bought. `stock_quantity` are the pieces that nobody holds."""

    id = fields.UUID(required=True)
    price = Amount(required=True)
    currency = Currency(required=True)
    sku = fields.String(required=True)
    stock_quantity = fields.Integer(required=True)
    in_stock = fields.Boolean(required=True)
    is_default = fields.Boolean(required=True)
    prior_price = Amount(
        required=True,
        allow_none=True,
        metadata={
            "description": "The lowest price of the 30 days before the current one came into force "
            "(Directive 98/6/EC, article 6a); null where the price has never changed."
        },
    )
    option_values = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    weight_grams = fields.Integer(
        required=True, metadata={"description": "Of one piece; 0 where nobody weighed it."}
    )


class ProductSchema(Schema):
    """A product; price, SKU and stock are those of its default variant."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    description = fields.String(required=True)
    category = fields.Nested(ProductCategorySchema, required=True, allow_none=True)
    seller_id = fields.UUID(required=True, allow_none=True)
    price = Amount(required=True)
    currency = Currency(required=True)
    sku = fields.String(required=True)
    stock_quantity = fields.Integer(required=True)
    in_stock = fields.Boolean(required=True)
    image = fields.Nested(LeadImageSchema, required=True, allow_none=True)
    rating_average = fields.Float(
        required=True, allow_none=True, metadata={"description": "1 to 5; null without reviews."}
    )
    rating_count = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class OptionSchema(Schema):
    """What variants differ in, and the values that there are, in order."""

    name = fields.String(required=True)
    values = fields.List(fields.String(), required=True)


class ProductDetailSchema(ProductSchema):
    """A product with its pictures in order, and its variants, the default one first."""

    images = fields.List(fields.Nested(ProductImageSchema), required=True)
    options = fields.List(fields.Nested(OptionSchema), required=True)
    variants = fields.List(fields.Nested(VariantSchema), required=True)


def quantity_field(**options: Any) -> fields.Integer:
    """Pieces that somebody enters."""
    return fields.Integer(strict=True, validate=ma.validate.Range(0, LARGEST_QUANTITY), **options)


def weight_field() -> fields.Integer:
    """The grams of one piece."""
    return fields.Integer(
        strict=True,
        validate=ma.validate.Range(0, HEAVIEST),
        metadata={"description": "What one piece weighs, packed; 0 where nobody weighed it."},
    )


class ProductCreateSchema(Schema):
    """A new product with its default variant. Without a slug or a SKU it is given one."""

    title = Text(200, minimum=1, required=True)
    slug = Text(100, minimum=1)
    description = Text(20_000, multiline=True)
    category_id = fields.UUID(allow_none=True)
    seller_id = fields.UUID(allow_none=True)
    price = Amount(required=True)
    currency = Currency()
    sku = Text(64, minimum=1)
    stock_quantity = quantity_field()
    weight_grams = weight_field()


class ProductUpdateSchema(Schema):
    """What changes; whatever is left out stays. `stock_quantity` are pieces on top of those that are held."""

    title = Text(200, minimum=1)
    slug = Text(100, minimum=1)
    description = Text(20_000, multiline=True)
    category_id = fields.UUID(allow_none=True)
    seller_id = fields.UUID(allow_none=True)
    price = Amount()
    currency = Currency()
    sku = Text(64, minimum=1)
    stock_quantity = quantity_field()
    weight_grams = weight_field()


class ProductReplaceSchema(ProductUpdateSchema):
    """The whole content of a product: a description or category that is left out goes.

    Slug, SKU, currency, stock, weight and seller are no content: they stay where they are left out.
    """

    title = Text(200, minimum=1, required=True)
    description = Text(20_000, multiline=True, load_default="")
    category_id = fields.UUID(allow_none=True, load_default=None)
    price = Amount(required=True)
