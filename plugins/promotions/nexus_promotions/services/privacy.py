"""What the promotions know of a person, for the hook `nexus_data_subjects`.

The books need what was taken off which order; they do not need who it was. So a redemption loses the person,
and stays.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from nexus_kernel import Money, current_session
from nexus_promotions.models import Coupon, Redemption


class PromotionsData:
    """The coupons that a person has used."""

    name = "promotions"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Every redemption with its code. One query."""
        statement = (
            select(Coupon.code, *Redemption.__table__.columns)
            .join(Coupon, Coupon.id == Redemption.coupon_id)
            .where(Redemption.user_id == person_id)
            .order_by(Redemption.id)
        )
        return {"redemptions": [_shown(row) for row in current_session().execute(statement)]}

    def erase(self, person_id: UUID) -> None:
        """Take the person out of the redemptions."""
        statement = update(Redemption).where(Redemption.user_id == person_id).values(user_id=None)
        current_session().execute(statement.execution_options(synchronize_session=False))


def _shown(row: Any) -> dict[str, Any]:
    return {
        "code": row.code,
        "order_id": str(row.order_id),
        "amount": str(Money(row.amount_minor, row.currency)),
        "currency": row.currency,
        "state": row.state,
        "at": row.at.isoformat(),
    }
