"""The tables: methods of shipping, and what they cost where."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks

HEAVIEST = 1_000_000_000
"""Grams of a parcel that a band may name: a thousand tonnes."""
LONGEST_DAYS, LAST_POSITION, MOST_BANDS = 365, 10_000, 500


class ShippingMethod(Keyed, Timestamped, Model):
    """A way to ship, such as a courier. Orders keep what they need of it, so it may be changed and deleted.

    The days are working days from the order to the door, both or neither. `position` orders the list.
    """

    __tablename__ = "shipping_method"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("id", "currency"),
        CheckConstraint("code ~ '^[a-z0-9][a-z0-9_-]*$'", name="code_form"),
        CheckConstraint("title <> ''", name="title_not_empty"),
        CheckConstraint(f"position BETWEEN 0 AND {LAST_POSITION}", name="position_range"),
        CheckConstraint("(min_days IS NULL) = (max_days IS NULL)", name="days_together"),
        CheckConstraint(
            f"0 <= min_days AND min_days <= max_days AND max_days <= {LONGEST_DAYS}", name="days_range"
        ),
        *money_checks(),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), default="", server_default="")
    position: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    currency: Mapped[str] = currency_column()
    min_days: Mapped[int | None]
    max_days: Mapped[int | None]


class ShippingBand(Keyed, Model):
    """What a method costs for parcels from `min_weight_grams` up to, and without, `max_weight_grams`.

    A country of None is everywhere else. A region narrows a country; it is compared without case. Orders
    worth `free_from_minor` or more are shipped for nothing.
    """

    __tablename__ = "shipping_band"
    __table_args__ = (
        ForeignKeyConstraint(
            ["method_id", "currency"], ["shipping_method.id", "shipping_method.currency"],
            name="fk_shipping_band_method_id", ondelete="CASCADE",
        ),
        UniqueConstraint(
            "method_id", "country", "region", "min_weight_grams",
            name="uq_shipping_band_begin", postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        CheckConstraint("country IS NOT NULL OR region = ''", name="region_of_country"),
        CheckConstraint(
            f"0 <= min_weight_grams AND min_weight_grams < coalesce(max_weight_grams, {HEAVIEST + 1})",
            name="weight_range",
        ),
        *money_checks("price_minor", "free_from_minor"),
    )  # fmt: skip

    method_id: Mapped[UUID]
    country: Mapped[str | None] = mapped_column(String(2))
    region: Mapped[str] = mapped_column(String(100), default="", server_default="")
    min_weight_grams: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    max_weight_grams: Mapped[int | None]
    price_minor: Mapped[int] = amount_column()
    free_from_minor: Mapped[int | None] = amount_column()
    currency: Mapped[str] = currency_column()
