"""What goes in and out of `/api/catalog/suggestions/`."""

import marshmallow as ma
from marshmallow import fields

from nexus_kernel import QuerySchema, Schema, Text


class SuggestionQuery(QuerySchema):
    """What somebody has typed so far."""

    q = Text(100, minimum=1, required=True)


class SuggestionSchema(Schema):
    """A product or a category to go to."""

    kind = fields.String(required=True, validate=ma.validate.OneOf(["category", "product"]))
    id = fields.UUID(required=True)
    text = fields.String(required=True, metadata={"description": "Its title or name."})
    slug = fields.String(required=True)


class SuggestionsSchema(Schema):
    """The best first, at most ten."""

    results = fields.List(fields.Nested(SuggestionSchema), required=True)
