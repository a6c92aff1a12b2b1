"""Refunds."""

import marshmallow as ma

from nexus_kernel import Amount, Currency, PageQuery, Schema, Text
from nexus_payments.models import RefundStatus


class RefundCreateSchema(Schema):
    """What to give back of a payment, and why."""

    amount = Amount(
        load_default=None,
        metadata={"description": "In the payment's currency; left out: what is left of it."},
    )
    reason = Text(300, minimum=1, required=True, metadata={"description": "The buyer can read it."})


class RefundSchema(Schema):
    """Money that is given back, or to be given back."""

    id = ma.fields.UUID(required=True)
    payment_id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    order_number = ma.fields.String(required=True)
    provider = ma.fields.String(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    status = ma.fields.Enum(RefundStatus, by_value=True, required=True)
    reason = ma.fields.String(required=True)
    settled_at = ma.fields.DateTime(required=True, allow_none=True)
    created_at = ma.fields.DateTime(required=True)
    updated_at = ma.fields.DateTime(required=True)


class StaffRefundSchema(RefundSchema):
    """The same with what staff need to follow it at the gateway."""

    reference = ma.fields.String(required=True, metadata={"description": "Ours, as the gateway knows it."})
    caller_reference = ma.fields.String(required=True, allow_none=True)
    provider_ref = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The gateway's name of the refund."}
    )
    payment_provider_ref = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The gateway's name of the payment."}
    )
    failure = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it waits for a person, or why nothing was given back."},
    )
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    sent_at = ma.fields.DateTime(required=True, allow_none=True)


class RefundQuery(PageQuery):
    """Filters of the queue."""

    status = ma.fields.Enum(RefundStatus, by_value=True)


class RefundDecisionSchema(Schema):
    """What a person did, for the books."""

    note = Text(300, minimum=1, required=True)
