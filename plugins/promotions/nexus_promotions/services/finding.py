"""Looking up the codes of a checkout."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, FromClause, String, Uuid, bindparam, func, select

from nexus_kernel import Money, Reader, now
from nexus_promotions.models import Coupon, Kind, Redemption, State
from nexus_promotions.services.guessing import count_wrong, is_locked_out
from nexus_promotions.services.offers import Asked, Offer

COUPON: FromClause = Coupon.__table__
TAKEN: FromClause = Redemption.__table__
_BY_PERSON = (
    select(func.count())
    .where(
        TAKEN.c.coupon_id == COUPON.c.id,
        TAKEN.c.user_id == bindparam("user_id", type_=Uuid()),
        TAKEN.c.state == State.TAKEN.value,
    )
    .scalar_subquery()
)
_FIND = select(*COUPON.c, _BY_PERSON.label("used_by_person")).where(
    COUPON.c.code == func.any(bindparam("codes", type_=ARRAY(String()))), COUPON.c.is_active
)
_SAME = (
    "id",
    "code",
    "title",
    "percentage",
    "starts_at",
    "ends_at",
    "usage_limit",
    "usage_limit_per_person",
    "used_by_person",
    "is_combinable",
)


def normalised(code: str) -> str:
    """A code as it is kept: without blanks around it, in upper case."""
    return code.strip().upper()


def find(session: Reader, user_id: UUID, codes: Iterable[str]) -> Asked:
    """What is known of these codes, for this person. One query, and none without codes."""
    wanted, at = tuple(dict.fromkeys(map(normalised, codes))), now()
    if not wanted:
        return Asked(codes=(), offers={}, at=at)
    rows = session.execute(_FIND, {"codes": list(wanted), "user_id": user_id})
    offers = {row.code: _offer(row) for row in rows}
    wrong = [code for code in wanted if code not in offers]
    locked_out = is_locked_out(user_id) or count_wrong(user_id, wrong)
    return Asked(codes=wanted, offers={} if locked_out else offers, at=at, too_many_attempts=locked_out)


def _offer(row: Any) -> Offer:
    return Offer(
        **{name: getattr(row, name) for name in _SAME},
        kind=Kind(row.kind),
        amount=_money(row.amount_minor, row.currency),
        minimum_spend=_money(row.minimum_spend_minor, row.currency),
        used=row.uses,
        product_ids=frozenset(row.product_ids),
        variant_ids=frozenset(row.variant_ids),
        version=row.updated_at,
    )


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)
