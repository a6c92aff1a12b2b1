"""What goes out of `/api/catalog/facets/`."""

from marshmallow import fields

from nexus_catalog.schemas.products import ProductCategorySchema
from nexus_kernel import Amount, Currency, Schema


class CategoryFacetSchema(ProductCategorySchema):
    """A category to choose, with the products in it and below it."""

    count = fields.Integer(required=True)


class PriceFacetSchema(Schema):
    """A band of prices; both ends are in it."""

    min_price = Amount(required=True)
    max_price = Amount(required=True)
    count = fields.Integer(required=True)


class RatingFacetSchema(Schema):
    """Products with this average or a better one."""

    min_rating = fields.Integer(required=True)
    count = fields.Integer(required=True)


class StockFacetSchema(Schema):
    """Products that are in stock, or are not."""

    in_stock = fields.Boolean(required=True)
    count = fields.Integer(required=True)


class FacetsSchema(Schema):
    """What each further choice would leave. A facet counts as if nothing of its own kind had been chosen."""

    count = fields.Integer(required=True, metadata={"description": "Products that pass all filters."})
    exact = fields.Boolean(
        required=True, metadata={"description": "False when a part of very many products was counted."}
    )
    currency = Currency(required=True)
    categories = fields.List(fields.Nested(CategoryFacetSchema), required=True)
    prices = fields.List(fields.Nested(PriceFacetSchema), required=True)
    ratings = fields.List(fields.Nested(RatingFacetSchema), required=True)
    availability = fields.List(fields.Nested(StockFacetSchema), required=True)
