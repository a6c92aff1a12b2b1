"""What goes in and out of `/api/tax/`."""

import re
from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_kernel import Country, PageQuery, Schema, Text

_RATE = re.compile(r"0(\.\d{1,5})?|1(\.0{1,5})?", re.ASCII)


class RateField(fields.String):
    """A rate as a decimal string from 0 to 1, `"0.15"` for 15 %. It loads a Decimal."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": r"^(0(\.\d{1,5})?|1(\.0{1,5})?)$", "example": "0.15"}
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if not _RATE.fullmatch(text):
            raise ma.ValidationError(
                'Must be a decimal string from 0 to 1 with at most 5 places, such as "0.15".'
            )
        return Decimal(text)


_INCLUDED = {"description": "True: the prices contain it. False: it comes on top of them."}
_REGION = {"description": "Empty: the whole country. A region's tax comes on top of its country's."}
_FROM = {"description": "Null: always has been."}
_TO = {"description": "The first moment at which it is not valid any more; null: until further notice."}


class RateWriteSchema(Schema):
    """A whole rate; what is left out gets its default."""

    country = Country(required=True)
    region = Text(100, load_default="", metadata=_REGION)
    label = Text(50, minimum=1, required=True, metadata={"example": "VAT"})
    rate = RateField(required=True)
    included = fields.Boolean(required=True, metadata=_INCLUDED)
    applies_to_shipping = fields.Boolean(load_default=True)
    valid_from = fields.AwareDateTime(load_default=None, allow_none=True, metadata=_FROM)
    valid_to = fields.AwareDateTime(load_default=None, allow_none=True, metadata=_TO)
    is_active = fields.Boolean(load_default=True)


class RateUpdateSchema(Schema):
    """What changes; whatever is left out stays. Orders that were placed keep the tax they have."""

    country = Country()
    region = Text(100, metadata=_REGION)
    label = Text(50, minimum=1)
    rate = RateField()
    included = fields.Boolean(metadata=_INCLUDED)
    applies_to_shipping = fields.Boolean()
    valid_from = fields.AwareDateTime(allow_none=True, metadata=_FROM)
    valid_to = fields.AwareDateTime(allow_none=True, metadata=_TO)
    is_active = fields.Boolean()


class RateSchema(Schema):
    """A rate of tax."""

    id = fields.UUID(required=True)
    country = fields.String(required=True)
    region = fields.String(required=True)
    label = fields.String(required=True)
    rate = RateField(required=True)
    included = fields.Boolean(required=True)
    applies_to_shipping = fields.Boolean(required=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_to = fields.AwareDateTime(required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class RateQuery(PageQuery):
    """Which rates to list."""

    country = Country()
