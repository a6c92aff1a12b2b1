"""Reading coupons and redemptions, for staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, case, func, or_, select

from nexus_kernel import Money, Reader, paginate
from nexus_promotions.errors import CouponNotFound
from nexus_promotions.models import Redemption, State
from nexus_promotions.services.finding import COUPON, TAKEN, normalised

MOST_COUNTED = 10_000
"""Counting the uses of a coupon without a limit stops here."""
_PLAIN = (
    "id", "code", "title", "kind", "currency", "starts_at", "ends_at", "usage_limit",
    "usage_limit_per_person", "is_active", "is_combinable", "product_ids", "variant_ids",
    "created_at", "updated_at",
)  # fmt: skip
_COUNTED = (
    select(func.count())
    .select_from(
        select(TAKEN.c.id)
        .where(TAKEN.c.coupon_id == COUPON.c.id, TAKEN.c.state == State.TAKEN.value)
        .correlate(COUPON)
        .limit(MOST_COUNTED)
        .subquery()
    )
    .correlate(COUPON)
    .scalar_subquery()
)
_USES = case((COUPON.c.usage_limit.is_not(None), COUPON.c.uses), else_=_COUNTED)
_SHOWN = select(
    *(COUPON.c[name] for name in (*_PLAIN, "percentage", "amount_minor", "minimum_spend_minor")),
    _USES.label("uses"),
)
_BY_ID = _SHOWN.where(COUPON.c.id == bindparam("id", type_=Uuid()))


def coupon_page(session: Reader, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the coupons, the newest first; `q` is a part of code or title. One query."""
    statement = _SHOWN.where(*_conditions(args))
    return paginate(session, statement, order=[COUPON.c.id], args=args, present=_present)


def get_coupon(session: Reader, coupon_id: UUID) -> dict[str, Any]:
    """A coupon. One query. Raises CouponNotFound."""
    row = session.execute(_BY_ID, {"id": coupon_id}).one_or_none()
    if row is None:
        raise CouponNotFound("There is no such coupon.")
    return _present(row)


def redemption_page(session: Reader, coupon_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of what was taken of a coupon, the newest first. Two queries. Raises CouponNotFound."""
    get_coupon(session, coupon_id)
    statement = select(*Redemption.__table__.columns).where(TAKEN.c.coupon_id == coupon_id)
    if "state" in args:
        statement = statement.where(TAKEN.c.state == args["state"])
    return paginate(session, statement, order=[TAKEN.c.id], args=args, present=_redemption)


def _conditions(args: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if words := args.get("q"):
        code = COUPON.c.code.contains(normalised(words), autoescape=True)
        found.append(or_(code, COUPON.c.title.icontains(words, autoescape=True)))
    if "active" in args:
        found.append(COUPON.c.is_active == args["active"])
    return found


def _present(row: Any) -> dict[str, Any]:
    percentage = row.percentage
    return {
        **{name: getattr(row, name) for name in (*_PLAIN, "uses")},
        "percentage": None if percentage is None else f"{percentage.normalize():f}",
        "amount": _amount(row.amount_minor, row.currency),
        "minimum_spend": _amount(row.minimum_spend_minor, row.currency),
    }


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else str(Money(minor, currency))


def _redemption(row: Any) -> dict[str, Any]:
    names = ("id", "order_id", "user_id", "currency", "state", "at")
    return {
        **{name: getattr(row, name) for name in names},
        "amount": str(Money(row.amount_minor, row.currency)),
    }
