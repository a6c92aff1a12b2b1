"""Refunds, and what buyers ask for."""

from typing import Any

import marshmallow as ma

from nexus_kernel import Amount, Currency, PageQuery, Schema, Text
from nexus_orders.schemas.shipments import LineChoiceSchema, choice_of_lines
from nexus_orders.states import RefundRequestStatus, RefundStatus

REQUEST_STATUSES = ma.validate.OneOf([str(status) for status in RefundRequestStatus])


class GiveRefundSchema(Schema):
    """An amount, or pieces whose price it is; without either, all that is left."""

    amount = Amount()
    lines = choice_of_lines()
    reason = Text(300, minimum=1, multiline=True, required=True)

    @ma.validates_schema
    def check_one_of_the_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        """At most one of `amount` and `lines`."""
        if "amount" in data and "lines" in data:
            raise ma.ValidationError("Send amount or lines, not both.", "amount")


class AskRefundSchema(GiveRefundSchema):
    """What a buyer wants back, and why."""


class ApproveRefundSchema(Schema):
    """Another amount than the one that was asked, and a word for the buyer."""

    amount = Amount()
    note = Text(500, multiline=True, load_default="")


class DeclineRefundSchema(Schema):
    """Why not."""

    note = Text(500, minimum=1, multiline=True, required=True)


class RefundRequestQuery(PageQuery):
    """Which requests to list."""

    status = ma.fields.String(validate=REQUEST_STATUSES)


class RefundSchema(Schema):
    """Money on its way back, given back or refused; `failure` says why."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    status = ma.fields.String(
        required=True, validate=ma.validate.OneOf([str(status) for status in RefundStatus])
    )
    reason = ma.fields.String(required=True)
    failure = ma.fields.String(required=True)
    asked_at = ma.fields.AwareDateTime(required=True)
    updated_at = ma.fields.AwareDateTime(required=True)


class RefundRequestSchema(Schema):
    """What a buyer wants back; `approved_amount` is what staff granted."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True)
    requested_by = ma.fields.UUID(required=True)
    reason = ma.fields.String(required=True)
    amount = Amount(required=True)
    approved_amount = Amount(required=True, allow_none=True)
    currency = Currency(required=True)
    lines = ma.fields.List(ma.fields.Nested(LineChoiceSchema), required=True, allow_none=True)
    status = ma.fields.String(required=True, validate=REQUEST_STATUSES)
    note = ma.fields.String(required=True)
    decided_by = ma.fields.UUID(required=True, allow_none=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    requested_at = ma.fields.AwareDateTime(required=True)
