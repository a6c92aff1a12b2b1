"""What goes in and out of the routes."""

import marshmallow as ma

from nexus_kernel import PageQuery, Schema


class NotificationQuery(PageQuery):
    """Parameters of the list."""

    unread = ma.fields.Boolean(
        load_default=False, metadata={"description": "1: only those that were not read yet."}
    )


class NotificationSchema(Schema):
    """A message inside the shop. `title` and `body` are plain text, never HTML."""

    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True, metadata={"example": "order_placed"})
    title = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    data = ma.fields.Dict(required=True, metadata={"description": "Ids to link to, by kind."})
    read_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)


class UnreadCountSchema(Schema):
    """How many notifications were not read yet."""

    unread_count = ma.fields.Integer(required=True)


class ReadAllSchema(Schema):
    """How many notifications were marked as read by this call."""

    updated = ma.fields.Integer(required=True)
