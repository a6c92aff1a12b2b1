"""What those who may change products see of them, beyond what everybody sees."""

from marshmallow import fields

from nexus_catalog.schemas.products import ProductDetailSchema, ProductQuery, ProductSchema, VariantSchema
from nexus_kernel import Amount, Currency, Schema


class ManagedProductQuery(ProductQuery):
    """The filters of the list of products, and whether they are on sale."""

    is_active = fields.Boolean(metadata={"description": "Only those on sale, or only retired ones."})


class ManagedProductSchema(ProductSchema):
    """A product; a retired one is not active."""

    is_active = fields.Boolean(required=True)


class ManagedVariantSchema(VariantSchema):
    """A variant; a retired one is not active."""

    is_active = fields.Boolean(required=True)


class ManagedProductDetailSchema(ProductDetailSchema):
    """A product with all of its variants, retired ones too."""

    is_active = fields.Boolean(required=True)
    variants = fields.List(fields.Nested(ManagedVariantSchema), required=True)


class PriceChangeSchema(Schema):
    """A variant's price became another one. `actor_id` is null where no person did it."""

    id = fields.Integer(required=True)
    variant_id = fields.UUID(required=True)
    sku = fields.String(required=True)
    old_price = Amount(required=True)
    old_currency = Currency(required=True)
    price = Amount(required=True)
    currency = Currency(required=True)
    actor_id = fields.UUID(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)
