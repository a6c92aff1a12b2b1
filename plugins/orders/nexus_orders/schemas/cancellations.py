"""Cancelling orders."""

import marshmallow as ma

from nexus_kernel import PageQuery, Schema, Text
from nexus_orders.states import CancellationStatus

CANCELLATION_STATUSES = ma.validate.OneOf([str(status) for status in CancellationStatus])


class CancelOrderSchema(Schema):
    """Why the order is not wanted any more."""

    reason = Text(500, multiline=True, load_default="")


class ApproveCancellationSchema(Schema):
    """A word for the buyer."""

    note = Text(500, multiline=True, load_default="")


class DeclineCancellationSchema(Schema):
    """Why not."""

    note = Text(500, minimum=1, multiline=True, required=True)


class CancellationQuery(PageQuery):
    """Which requests to list."""

    status = ma.fields.String(validate=CANCELLATION_STATUSES)


class OrderCancellationSchema(Schema):
    """The last wish to cancel an order, as the order shows it."""

    id = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True, validate=CANCELLATION_STATUSES)
    reason = ma.fields.String(required=True)
    note = ma.fields.String(required=True)
    requested_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class CancellationSchema(OrderCancellationSchema):
    """A request to cancel a paid order, as staff see it."""

    order_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True)
    requested_by = ma.fields.UUID(required=True)
    decided_by = ma.fields.UUID(required=True, allow_none=True)
    attempts = ma.fields.Integer(required=True)
