"""What the promotions refuse, beside the problems of a checkout."""

from nexus_kernel import Conflict, NotFound


class CouponNotFound(NotFound):
    """No coupon has this id."""

    code, title = "promotions.coupon_not_found", "Coupon not found"


class CodeTaken(Conflict):
    """Another coupon has this code, in whatever case."""

    code, title = "promotions.code_taken", "The code is taken"
