"""The tables: coupons, and what was taken of them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks, now

LONGEST_CODE = 40
MOST_RESTRICTIONS = 200
"""Products, and variants, that one coupon names at most."""
HIGHEST_LIMIT = 1_000_000_000


class Kind(StrEnum):
    """What a coupon takes away: a part of the lines, an amount of them, or the shipping fee."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


class State(StrEnum):
    """A redemption is taken, and returned when its order is cancelled."""

    TAKEN = "taken"
    RETURNED = "returned"


def _one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(v)) for v in values)})", name=name)


class Coupon(Keyed, Timestamped, Model):
    """A code that takes something off an order. It is upper case, so that it is unique in any case.

    `uses` counts the taken redemptions while there is a `usage_limit`, and is 0 without one: then nobody
    waits for the row. `updated_at` is the version of its conditions; using it does not change that. An empty
    `product_ids` with an empty `variant_ids` means every line.
    """

    __tablename__ = "promotions_coupon"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[A-Z0-9][A-Z0-9_-]*$'", name="code_form"),
        _one_of("kind", Kind, "kind_known"),
        CheckConstraint("(kind = 'percentage') = (percentage IS NOT NULL)", name="percentage_of_kind"),
        CheckConstraint("percentage > 0 AND percentage <= 100", name="percentage_range"),
        CheckConstraint("(kind = 'fixed') = (amount_minor IS NOT NULL)", name="amount_of_kind"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(currency IS NOT NULL) = (amount_minor IS NOT NULL OR minimum_spend_minor IS NOT NULL)",
            name="currency_of_amounts",
        ),
        *money_checks("amount_minor", "minimum_spend_minor"),
        CheckConstraint("starts_at < ends_at", name="validity_in_order"),
        CheckConstraint(f"usage_limit BETWEEN 1 AND {HIGHEST_LIMIT}", name="usage_limit_range"),
        CheckConstraint(
            f"usage_limit_per_person BETWEEN 1 AND {HIGHEST_LIMIT}", name="usage_limit_per_person_range"
        ),
        CheckConstraint("uses >= 0 AND (uses = 0 OR usage_limit IS NOT NULL)", name="uses_counted"),
        *(
            CheckConstraint(
                f"cardinality({column}) <= {MOST_RESTRICTIONS} AND array_position({column}, NULL) IS NULL",
                name=f"{column}_bound",
            )
            for column in ("product_ids", "variant_ids")
        ),
    )

    code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    title: Mapped[str] = mapped_column(String(100), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(20))
    percentage: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    amount_minor: Mapped[int | None] = amount_column()
    minimum_spend_minor: Mapped[int | None] = amount_column()
    currency: Mapped[str | None] = currency_column()
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    usage_limit: Mapped[int | None]
    usage_limit_per_person: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_combinable: Mapped[bool] = mapped_column(default=False, server_default=false())
    product_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default=text("'{}'"))
    variant_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default=text("'{}'"))


class Redemption(Keyed, Model):
    """What a coupon took off an order, once an order. `user_id` is None when the person was erased.

    `settled_by` is the newest event of the order that decided about its state; older ones come too late.
    """

    __tablename__ = "promotions_redemption"
    __table_args__ = (
        UniqueConstraint("order_id", "coupon_id"),
        _one_of("state", State, "state_known"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        *money_checks("amount_minor"),
        Index("ix_promotions_redemption_coupon", "coupon_id", "id"),
        Index(
            "ix_promotions_redemption_taken", "coupon_id", "user_id",
            postgresql_where=text("state = 'taken'"),
        ),
        Index(
            "ix_promotions_redemption_person", "user_id", "id",
            postgresql_where=text("user_id IS NOT NULL"),
        ),
    )  # fmt: skip

    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("promotions_coupon.id", ondelete="RESTRICT"))
    order_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    state: Mapped[str] = mapped_column(String(10), default=State.TAKEN)
    settled_by: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(default=now)
