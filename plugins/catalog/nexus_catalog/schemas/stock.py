"""What goes in and out of the routes of the stock."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_catalog.models import ADJUSTMENT_REASONS, LARGEST_QUANTITY
from nexus_kernel import Schema, Text


class StockSchema(Schema):
    """The pieces of a variant: `available` are those on hand that are not reserved."""

    variant_id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    sku = fields.String(required=True)
    is_active = fields.Boolean(required=True)
    option_values = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    on_hand = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    available = fields.Integer(required=True)
    low_stock_threshold = fields.Integer(required=True, allow_none=True)


class StockMovementSchema(Schema):
    """An entry of the ledger, whose sums are the stock."""

    id = fields.Integer(required=True)
    delta_on_hand = fields.Integer(required=True)
    delta_reserved = fields.Integer(required=True)
    reason = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    actor_id = fields.UUID(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class AdjustedStockSchema(StockSchema):
    """The stock after an adjustment, with its entry in the ledger; null where the count was right already."""

    movement = fields.Nested(StockMovementSchema, required=True, allow_none=True)


class StockUpdateSchema(Schema):
    """The low mark of a variant: `catalog.stock_low` is told when its available pieces fall to it."""

    low_stock_threshold = fields.Integer(
        strict=True, required=True, allow_none=True, validate=ma.validate.Range(0, LARGEST_QUANTITY)
    )


class StockAdjustmentSchema(Schema):
    """Pieces that came or went (`delta`), or all that were counted on hand (`count`), one of the two."""

    delta = fields.Integer(strict=True, validate=ma.validate.Range(-LARGEST_QUANTITY, LARGEST_QUANTITY))
    count = fields.Integer(strict=True, validate=ma.validate.Range(0, LARGEST_QUANTITY))
    reason = fields.String(required=True, validate=ma.validate.OneOf(("correction", *ADJUSTMENT_REASONS)))
    note = Text(500, multiline=True, allow_none=True)
    reference = Text(200, allow_none=True)

    @ma.validates_schema
    def check_one_of_the_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Exactly one of `delta` and `count`, and a delta that moves something."""
        if ("delta" in data) == ("count" in data):
            raise ma.ValidationError("Send delta or count, one of the two.", "delta")
        if data.get("delta") == 0:
            raise ma.ValidationError("Must not be 0.", "delta")
