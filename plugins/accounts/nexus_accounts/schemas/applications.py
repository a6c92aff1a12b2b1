"""Bodies and parameters of seller applications."""

import marshmallow as ma

from nexus_accounts.models import ApplicationStatus
from nexus_kernel import PageQuery, Schema, Text


class SellerApplicationSchema(Schema):
    """An application to become a seller."""

    id = ma.fields.UUID(required=True)
    user_id = ma.fields.UUID(required=True)
    shop_name = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    created_at = ma.fields.DateTime(required=True)
    decided_at = ma.fields.DateTime(required=True, allow_none=True)


class NewSellerApplicationSchema(Schema):
    """What the shop shall be called, and why."""

    shop_name = Text(100, minimum=1, required=True)
    message = Text(2000, multiline=True, load_default="")


class SellerApplicationQuery(PageQuery):
    """Which applications."""

    status = ma.fields.String(validate=ma.validate.OneOf([str(status) for status in ApplicationStatus]))
    user_id = ma.fields.UUID(metadata={"description": "Only this person's."})


class DeclineSchema(Schema):
    """Why not."""

    reason = Text(500, minimum=1, required=True)
