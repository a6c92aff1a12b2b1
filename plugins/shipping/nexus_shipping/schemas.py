"""What goes in and out of `/api/shipping/`, and of the part of orders that is about shipping."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_kernel import Amount, Country, Currency, Schema, Text
from nexus_shipping.models import HEAVIEST, LAST_POSITION, LONGEST_DAYS, MOST_BANDS
from nexus_shipping.services.offers import folded

_MOST_ITEMS = 500
_CODE = ma.validate.Regexp(
    r"[a-z0-9][a-z0-9_-]*\Z", error="Must be small letters, digits, hyphens, underscores: post-fast."
)


def _whole(least: int, most: int, **options: Any) -> fields.Integer:
    """A whole number as a JSON number."""
    return fields.Integer(strict=True, validate=ma.validate.Range(least, most), **options)


class BandSchema(Schema):
    """What a method costs for parcels from one weight up to, and without, another."""

    country = Country(load_default=None, allow_none=True, metadata={"description": "Null: everywhere else."})
    region = Text(
        100, load_default="", metadata={"description": "Narrows the country; compared without case."}
    )
    min_weight_grams = _whole(0, HEAVIEST, load_default=0)
    max_weight_grams = _whole(
        1, HEAVIEST, load_default=None, allow_none=True, metadata={"description": "Null: any weight."}
    )
    price = Amount(required=True)
    free_from = Amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "Orders worth this much, after discounts, are shipped for nothing."},
    )

    @ma.validates_schema
    def check_band(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A region has its country, and a band holds some weight."""
        if data["region"] and data["country"] is None:
            raise ma.ValidationError("Name the country of the region.", "country")
        heaviest = data["max_weight_grams"]
        if heaviest is not None and heaviest <= data["min_weight_grams"]:
            raise ma.ValidationError("Must be above min_weight_grams.", "max_weight_grams")


def _bands(**options: Any) -> fields.Field[Any]:
    return fields.List(fields.Nested(BandSchema), validate=ma.validate.Length(1, MOST_BANDS), **options)


def check_bands(bands: Sequence[Mapping[str, Any]]) -> None:
    """Raises ValidationError where a parcel would have two prices, naming the later band."""
    numbered = sorted(
        ((band["country"] or "", folded(band["region"])), band["min_weight_grams"], number)
        for number, band in enumerate(bands)
    )
    for (place, _, before), (next_place, begin, number) in pairwise(numbered):
        end = bands[before]["max_weight_grams"]
        if place == next_place and (end is None or begin < end):
            message = f"Overlaps with bands[{before}], which is for the same place."
            raise ma.ValidationError({"bands": {number: {"min_weight_grams": [message]}}})


class MethodWriteSchema(Schema):
    """A whole method with all of its prices; what is left out gets its default."""

    code = Text(50, minimum=1, required=True)
    title = Text(100, minimum=1, required=True)
    description = Text(500, load_default="")
    position = _whole(0, LAST_POSITION, load_default=0)
    is_active = fields.Boolean(load_default=True)
    currency = Currency(required=True)
    min_days = _whole(0, LONGEST_DAYS, load_default=None, allow_none=True)
    max_days = _whole(0, LONGEST_DAYS, load_default=None, allow_none=True)
    bands = _bands(required=True)

    @ma.validates("code")
    def check_code(self, value: str, **kwargs: Any) -> None:
        """The code has a form that may stand in an address."""
        _CODE(value)

    @ma.validates_schema
    def check_prices(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A parcel has one price."""
        check_bands(data["bands"])


class MethodUpdateSchema(Schema):
    """What changes; whatever is left out stays. `bands` replace all of the method's prices."""

    code = Text(50, minimum=1)
    title = Text(100, minimum=1)
    description = Text(500)
    position = _whole(0, LAST_POSITION)
    is_active = fields.Boolean()
    currency = Currency()
    min_days = _whole(0, LONGEST_DAYS, allow_none=True)
    max_days = _whole(0, LONGEST_DAYS, allow_none=True)
    bands = _bands()

    @ma.validates("code")
    def check_code(self, value: str, **kwargs: Any) -> None:
        """The code has a form that may stand in an address."""
        _CODE(value)

    @ma.validates_schema
    def check_prices(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A parcel has one price."""
        check_bands(data.get("bands", ()))


class MethodBandSchema(Schema):
    """What a method costs for parcels from one weight up to, and without, another."""

    country = fields.String(
        required=True, allow_none=True, metadata={"description": "Null: everywhere else."}
    )
    region = fields.String(required=True)
    min_weight_grams = fields.Integer(required=True)
    max_weight_grams = fields.Integer(required=True, allow_none=True)
    price = Amount(required=True)
    free_from = Amount(required=True, allow_none=True)


class MethodSchema(Schema):
    """A way to ship. The days are working days from the order to the door."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    currency = Currency(required=True)
    min_days = fields.Integer(required=True, allow_none=True)
    max_days = fields.Integer(required=True, allow_none=True)
    position = fields.Integer(required=True)
    is_active = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    bands = fields.List(fields.Nested(MethodBandSchema), required=True)


class QuoteItemSchema(Schema):
    """Pieces of a variant, or of a product, which means its default variant."""

    product_id = fields.UUID()
    variant_id = fields.UUID()
    quantity = _whole(1, 999, load_default=1)

    @ma.validates_schema
    def check_one_of_the_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        """One of the two ids is sent."""
        if ("product_id" in data) == ("variant_id" in data):
            raise ma.ValidationError("Send product_id or variant_id, one of the two.", "product_id")


class QuoteRequestSchema(Schema):
    """Where it goes, and what; without items it is the caller's cart."""

    country = Country(required=True)
    region = Text(100, load_default="")
    postal_code = Text(
        20, metadata={"description": "Taken so that a whole address can be sent; no price depends on it."}
    )
    items = fields.List(fields.Nested(QuoteItemSchema), validate=ma.validate.Length(1, _MOST_ITEMS))


class QuotedMethodSchema(Schema):
    """A method that takes the parcel, and what it costs."""

    code = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    min_days = fields.Integer(required=True, allow_none=True)
    max_days = fields.Integer(required=True, allow_none=True)
    price = Amount(required=True)


class QuoteSchema(Schema):
    """What each method that takes the parcel would cost, before discounts. `required`: one must be chosen."""

    country = fields.String(required=True)
    weight_grams = fields.Integer(required=True)
    subtotal = Amount(required=True)
    currency = Currency(required=True)
    required = fields.Boolean(required=True)
    methods = fields.List(fields.Nested(QuotedMethodSchema), required=True)


class ChoiceSchema(Schema):
    """How an order is to be shipped; the only method that takes it is taken by itself."""

    method = Text(50, minimum=1, metadata={"description": "The code of a method.", "example": "post"})


class ChosenSchema(Schema):
    """How an order is shipped, as it was when it was placed."""

    method = fields.String(required=True)
    title = fields.String(required=True)
    weight_grams = fields.Integer(required=True)
    min_days = fields.Integer(required=True, allow_none=True)
    max_days = fields.Integer(required=True, allow_none=True)
