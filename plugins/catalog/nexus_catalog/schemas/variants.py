"""What goes in and out of `/api/catalog/products/{id}/variants/` and `.../options/`."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_catalog.models import LONGEST_OPTION, LONGEST_VALUE, MOST_OPTIONS, MOST_VALUES
from nexus_catalog.schemas.products import OptionSchema, VariantSchema, quantity_field, weight_field
from nexus_kernel import Amount, Currency, PageQuery, Schema, Text


class VariantQuery(PageQuery):
    """The parameters of the list of variants."""

    include_retired = fields.Boolean(
        load_default=False, metadata={"description": "Retired ones too, for staff and the seller."}
    )


class OwnVariantSchema(VariantSchema):
    """A variant by itself."""

    product_id = fields.UUID(required=True)
    is_active = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class OptionValues(fields.Dict):
    """A value for each option of the product."""

    def __init__(self, **options: Any) -> None:
        size = ma.validate.Length(max=MOST_OPTIONS)
        super().__init__(
            Text(LONGEST_OPTION, minimum=1), Text(LONGEST_VALUE, minimum=1), validate=size, **options
        )


class VariantCreateSchema(Schema):
    """A new variant. Without a SKU it is given one; the currency is the product's."""

    price = Amount(required=True)
    currency = Currency()
    sku = Text(64, minimum=1)
    option_values = OptionValues()
    stock_quantity = quantity_field()
    weight_grams = weight_field()


class VariantUpdateSchema(Schema):
    """What changes; whatever is left out stays. `stock_quantity` are pieces on top of those that are held."""

    price = Amount()
    currency = Currency()
    sku = Text(64, minimum=1)
    option_values = OptionValues()
    stock_quantity = quantity_field()
    weight_grams = weight_field()


class VariantReplaceSchema(VariantUpdateSchema):
    """The whole of a variant. SKU, currency, stock and weight are no content: left out, they stay."""

    price = Amount(required=True)
    option_values = OptionValues(load_default=dict)


class OptionChangeSchema(OptionSchema):
    """An option. `was` is its name so far, where it changes."""

    name = Text(LONGEST_OPTION, minimum=1, required=True)
    values = fields.List(
        Text(LONGEST_VALUE, minimum=1), required=True, validate=ma.validate.Length(1, MOST_VALUES)
    )
    was = Text(LONGEST_OPTION, minimum=1)

    @ma.validates_schema
    def check_values(self, data: dict[str, Any], **kwargs: Any) -> None:
        """No value comes twice, however it is written."""
        check_distinct([value.casefold() for value in data["values"]], "values")


class OptionsChangeSchema(Schema):
    """All options of a product, in order."""

    options = fields.List(
        fields.Nested(OptionChangeSchema), required=True, validate=ma.validate.Length(max=MOST_OPTIONS)
    )

    @ma.validates_schema
    def check_names(self, data: dict[str, Any], **kwargs: Any) -> None:
        """No option comes twice, and no option becomes two."""
        check_distinct([option["name"].casefold() for option in data["options"]], "options")
        before = [option.get("was", option["name"]) for option in data["options"]]
        check_distinct(before, "options")


def check_distinct(values: list[str], field: str) -> None:
    """Raises ValidationError where one comes twice."""
    if len(set(values)) < len(values):
        raise ma.ValidationError("Must not contain the same twice.", field)
