"""Bodies and answers."""

import marshmallow as ma

from nexus_kernel import Amount, Currency, PageQuery, Schema, Text
from nexus_payments.models import PaymentStatus


class InitiateSchema(Schema):
    """What to pay, where to return to, and how."""

    order_id = ma.fields.UUID(required=True)
    return_url = Text(
        2000,
        minimum=1,
        load_default=None,
        metadata={"description": "Where the buyer goes afterwards; one of the shop's own addresses."},
    )
    provider = Text(32, minimum=1, load_default=None, metadata={"example": "chapa"})


class NextActionSchema(Schema):
    """What the buyer does next."""

    kind = ma.fields.String(required=True, metadata={"example": "redirect"})
    url = ma.fields.String(required=True)


class InitiatedSchema(Schema):
    """An open payment."""

    payment_url = ma.fields.String(required=True)
    payment_id = ma.fields.UUID(required=True)
    tx_ref = ma.fields.String(required=True)
    next_action = ma.fields.Nested(NextActionSchema, required=True)
    status = ma.fields.Enum(PaymentStatus, by_value=True, required=True)


class FailureSchema(Schema):
    """Why there is no money."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True, allow_none=True)


class PaymentSchema(Schema):
    """One attempt to pay."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    order_number = ma.fields.String(required=True)
    provider = ma.fields.String(required=True)
    tx_ref = ma.fields.String(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(["test", "live"]))
    status = ma.fields.Enum(PaymentStatus, by_value=True, required=True)
    payment_url = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Only while the payment can be made there."}
    )
    method = ma.fields.String(required=True, allow_none=True)
    failure = ma.fields.Nested(FailureSchema, required=True, allow_none=True)
    deadline = ma.fields.DateTime(required=True, allow_none=True)
    succeeded_at = ma.fields.DateTime(required=True, allow_none=True)
    created_at = ma.fields.DateTime(required=True)
    updated_at = ma.fields.DateTime(required=True)


class PaymentQuery(PageQuery):
    """Filters of the list."""

    status = ma.fields.Enum(PaymentStatus, by_value=True)
    order_id = ma.fields.UUID()


class ProviderSchema(Schema):
    """A way to pay."""

    code = ma.fields.String(required=True)
    display_name = ma.fields.String(required=True)
    currencies = ma.fields.List(Currency(), required=True, allow_none=True)


class ProvidersSchema(Schema):
    """The ways to pay, the default one first."""

    results = ma.fields.List(ma.fields.Nested(ProviderSchema), required=True)


class ReturnSchema(Schema):
    """How a payment stands, for a buyer who comes back to no shop page."""

    payment_id = ma.fields.UUID(required=True)
    status = ma.fields.Enum(PaymentStatus, by_value=True, required=True)
