"""What goes in and out of `/api/catalog/imports/` and `/api/catalog/export/`."""

import marshmallow as ma
from marshmallow import fields

from nexus_kernel import Currency, QuerySchema, Schema, Text


class ImportQuery(QuerySchema):
    """How to import the body."""

    currency = Currency(metadata={"description": "Of prices that name none; the shop's when left out."})
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Say what would happen."})
    set_stock = fields.Boolean(load_default=False, metadata={"description": "Of known products, too."})


class ImportCountsSchema(Schema):
    """Rows, and images."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    images = fields.Integer(required=True)
    images_refused = fields.Integer(required=True)


class ImportSchema(Schema):
    """An import: `progress` is a percentage, `refused_url` is where its refused rows are, to be mended."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=ma.validate.OneOf(("queued", "running", "done", "failed")))
    format = fields.String(required=True, validate=ma.validate.OneOf(("csv", "jsonl")))
    currency = Currency(required=True)
    dry_run = fields.Boolean(required=True)
    set_stock = fields.Boolean(required=True)
    progress = fields.Integer(required=True)
    counts = fields.Nested(ImportCountsSchema, required=True)
    warnings = fields.List(fields.String(), required=True)
    error = fields.String(required=True, allow_none=True)
    refused_url = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class ExportQuery(QuerySchema):
    """What to export, and how."""

    format = fields.String(load_default="csv", validate=ma.validate.OneOf(("csv", "jsonl")))
    category = Text(100, minimum=1, metadata={"description": "Id or slug; descendants are included."})
    include_retired = fields.Boolean(load_default=False)
