"""Shipments of an order."""

from typing import Any

import marshmallow as ma

from nexus_kernel import Schema, Text

MOST_LINES = 1000
LARGEST_QUANTITY = 2**31 - 1

_check_url = ma.validate.URL(
    schemes={"http", "https"}, require_tld=False, error="Must be an address of http or https."
)


class TrackingUrl(Text):
    """Where a shipment can be followed, an address of http or https."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "uri", "example": "https://carrier.example/track/LX123456789ET"}
        super().__init__(500, minimum=1, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _check_url(super()._deserialize(value, attr, data, **kwargs))


class LineChoiceSchema(Schema):
    """Pieces of an item of the order."""

    item_id = ma.fields.UUID(required=True)
    quantity = ma.fields.Integer(strict=True, required=True, validate=ma.validate.Range(1, LARGEST_QUANTITY))


def check_distinct(lines: list[dict[str, Any]]) -> None:
    """Raises ValidationError where an item is named twice."""
    if len({line["item_id"] for line in lines}) < len(lines):
        raise ma.ValidationError("Name each item once.")


def choice_of_lines(**kwargs: Any) -> ma.fields.List:
    """A field of pieces by item, each item once."""
    bounds = ma.validate.Length(min=1, max=MOST_LINES)
    return ma.fields.List(ma.fields.Nested(LineChoiceSchema), validate=[bounds, check_distinct], **kwargs)


class CreateShipmentSchema(Schema):
    """What leaves, and who carries it; without lines all that is left leaves."""

    carrier = Text(100, minimum=1, required=True)
    tracking_code = Text(100, required=True)
    tracking_url = TrackingUrl(allow_none=True)
    lines = choice_of_lines()


class UpdateShipmentSchema(Schema):
    """Carrier and tracking of a shipment."""

    carrier = Text(100, minimum=1)
    tracking_code = Text(100)
    tracking_url = TrackingUrl(allow_none=True)


class ShipmentLineSchema(Schema):
    """Pieces in a shipment."""

    item_id = ma.fields.UUID(required=True)
    quantity = ma.fields.Integer(required=True)


class ShipmentSchema(Schema):
    """A shipment of an order; `delivered_at` is null while it is on its way."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.Integer(required=True)
    carrier = ma.fields.String(required=True)
    tracking_code = ma.fields.String(required=True)
    tracking_url = ma.fields.String(required=True, allow_none=True)
    shipped_at = ma.fields.AwareDateTime(required=True)
    delivered_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    lines = ma.fields.List(ma.fields.Nested(ShipmentLineSchema), required=True)
