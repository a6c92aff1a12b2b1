"""The part of coupons in a checkout and in an order."""

from typing import Any

import marshmallow as ma

from nexus_kernel import Amount, Schema, Text
from nexus_promotions.models import LONGEST_CODE, Kind

MOST_CODES = 5
KINDS = ma.validate.OneOf([str(kind) for kind in Kind])


class CouponCode(Text):
    """A code as a buyer types it; case and blanks around it do not matter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LONGEST_CODE, minimum=1, metadata={"example": "SUMMER10"}, **options)


class CouponsAskedSchema(Schema):
    """`extensions.promotions` of a checkout; a code that is given twice counts once."""

    coupons = ma.fields.List(CouponCode(), load_default=list, validate=ma.validate.Length(max=MOST_CODES))


class CouponTakenSchema(Schema):
    """A coupon as it was used, and what it took off."""

    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=KINDS)
    amount = Amount(required=True)


class CouponsTakenSchema(Schema):
    """`extensions.promotions` of an order with coupons."""

    coupons = ma.fields.List(ma.fields.Nested(CouponTakenSchema), required=True)
