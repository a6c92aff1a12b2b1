"""What happened to an order."""

import marshmallow as ma

from nexus_kernel import Schema


class HistorySchema(Schema):
    """Something that happened to an order; `actor_id` is null for the shop itself."""

    old_status = ma.fields.String(required=True, allow_none=True)
    new_status = ma.fields.String(required=True)
    payment_status = ma.fields.String(required=True)
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    at = ma.fields.AwareDateTime(required=True)
