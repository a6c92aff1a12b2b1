"""Coupons for staff, and what was taken of them."""

import re
from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from nexus_kernel import Amount, Currency, PageQuery, Schema, Text
from nexus_promotions.models import HIGHEST_LIMIT, LONGEST_CODE, MOST_RESTRICTIONS, State
from nexus_promotions.schemas.checkout import KINDS, CouponCode
from nexus_promotions.services.finding import normalised

_PERCENTAGE = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]*", re.ASCII)


class NewCode(Text):
    """A code that staff make up: kept in upper case."""

    def __init__(self, **options: Any) -> None:
        metadata = {"description": "Letters, digits, - and _; kept in upper case.", "example": "SUMMER10"}
        super().__init__(LONGEST_CODE, minimum=4, metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        code = normalised(super()._deserialize(value, attr, data, **options))
        if not _CODE.fullmatch(code):
            raise ma.ValidationError(
                "Must be letters from A to Z, digits, - and _, and begin with none of the latter."
            )
        return code


class Percentage(fields.String):
    """More than 0 and at most 100, with at most 2 places, as a decimal string. It loads a Decimal."""

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": r"^\d{1,3}(\.\d{1,2})?$", "example": "12.5"}
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if not _PERCENTAGE.fullmatch(text) or not 0 < Decimal(text) <= 100:
            raise ma.ValidationError(
                'Must be a decimal string above 0 and up to 100 with at most 2 places, such as "12.5".'
            )
        return Decimal(text)


def _ids(**options: Any) -> Any:
    return fields.List(fields.UUID(), validate=validate.Length(max=MOST_RESTRICTIONS), **options)


def _limit(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, HIGHEST_LIMIT), **options)


_MINIMUM = {"description": "Of the lines that it is for, before any discount; null: none."}
_FROM = {"description": "Null: always has been."}
_TO = {"description": "The first moment at which it is not valid any more; null: until further notice."}
_ONLY = {"description": "What it is for, beside the other list; both empty: everything."}
_TOGETHER = {"description": "Whether it goes together with other codes; all of them must."}


class CouponWriteSchema(Schema):
    """A whole coupon; what is left out gets its default.

    `percentage` belongs to the kind of that name and `amount` to `fixed`; `currency` is that of `amount` and
    `minimum_spend`, and null without both.
    """

    code = NewCode(required=True)
    title = Text(100, load_default="")
    kind = fields.String(required=True, validate=KINDS)
    percentage = Percentage(load_default=None, allow_none=True)
    amount = Amount(load_default=None, allow_none=True)
    minimum_spend = Amount(load_default=None, allow_none=True, metadata=_MINIMUM)
    currency = Currency(load_default=None, allow_none=True)
    starts_at = fields.AwareDateTime(load_default=None, allow_none=True, metadata=_FROM)
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True, metadata=_TO)
    usage_limit = _limit(load_default=None)
    usage_limit_per_person = _limit(load_default=None)
    is_active = fields.Boolean(load_default=True)
    is_combinable = fields.Boolean(load_default=False, metadata=_TOGETHER)
    product_ids = _ids(load_default=list, metadata=_ONLY)
    variant_ids = _ids(load_default=list, metadata=_ONLY)


class CouponUpdateSchema(Schema):
    """What changes; whatever is left out stays. Orders that were placed keep what it took off."""

    code = NewCode()
    title = Text(100)
    kind = fields.String(validate=KINDS)
    percentage = Percentage(allow_none=True)
    amount = Amount(allow_none=True)
    minimum_spend = Amount(allow_none=True, metadata=_MINIMUM)
    currency = Currency(allow_none=True)
    starts_at = fields.AwareDateTime(allow_none=True, metadata=_FROM)
    ends_at = fields.AwareDateTime(allow_none=True, metadata=_TO)
    usage_limit = _limit()
    usage_limit_per_person = _limit()
    is_active = fields.Boolean()
    is_combinable = fields.Boolean(metadata=_TOGETHER)
    product_ids = _ids(metadata=_ONLY)
    variant_ids = _ids(metadata=_ONLY)


class CouponSchema(Schema):
    """A coupon with its conditions, and how often it is used."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True, validate=KINDS)
    percentage = Percentage(required=True, allow_none=True)
    amount = Amount(required=True, allow_none=True)
    minimum_spend = Amount(required=True, allow_none=True, metadata=_MINIMUM)
    currency = Currency(required=True, allow_none=True)
    starts_at = fields.AwareDateTime(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    usage_limit = fields.Integer(required=True, allow_none=True)
    usage_limit_per_person = fields.Integer(required=True, allow_none=True)
    uses = fields.Integer(
        required=True,
        metadata={
            "description": "By orders that are not cancelled; counted up to 10000 without a usage_limit."
        },
    )
    is_active = fields.Boolean(required=True)
    is_combinable = fields.Boolean(required=True)
    product_ids = _ids(required=True, metadata=_ONLY)
    variant_ids = _ids(required=True, metadata=_ONLY)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class CouponQuery(PageQuery):
    """Which coupons to list."""

    q = Text(100, metadata={"description": "A part of the code or of the title, in any case."})
    active = fields.Boolean(metadata={"description": "Only active ones, or only inactive ones."})


class RedemptionQuery(PageQuery):
    """Which redemptions to list."""

    state = fields.String(validate=validate.OneOf([str(state) for state in State]))


class RedemptionSchema(Schema):
    """What a coupon took off an order. `user_id` is null where the person was erased."""

    id = fields.UUID(required=True)
    order_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True, allow_none=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in State]))
    at = fields.AwareDateTime(required=True)


class CheckCouponSchema(Schema):
    """A code to try."""

    code = CouponCode(required=True)


class CheckProblemSchema(Schema):
    """Why the code does not count now."""

    code = fields.String(required=True)
    message = fields.String(required=True)


class CheckedCouponSchema(Schema):
    """Whether a code counts for the caller's cart now, by itself, and what it would take off."""

    code = fields.String(required=True)
    applies = fields.Boolean(required=True)
    title = fields.String(required=True, allow_none=True)
    discount = Amount(required=True, allow_none=True)
    currency = Currency(required=True, allow_none=True)
    free_shipping = fields.Boolean(required=True)
    problems = fields.List(fields.Nested(CheckProblemSchema), required=True)
