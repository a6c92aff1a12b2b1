"""The table: rates of tax."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped

PLACES = 5
"""Decimals of a rate: 0.15000 is 15 %."""


class TaxRate(Keyed, Timestamped, Model):
    """A tax of a country, or of a region of it, which comes on top of the country's.

    `included`: prices contain it. It is valid from `valid_from` up to, and without, `valid_to`; active rates
    of one place and label never overlap, so that a rate can change at midnight.
    """

    __tablename__ = "tax_rate"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        CheckConstraint("label <> ''", name="label_not_empty"),
        CheckConstraint("rate BETWEEN 0 AND 1", name="rate_range"),
        CheckConstraint("valid_from < valid_to", name="validity_in_order"),
        Index("ix_tax_rate_country", "country"),
        Index(
            "uq_tax_rate_begin", "country", "region", "label", "valid_from",
            unique=True, postgresql_nulls_not_distinct=True, postgresql_where=text("is_active"),
        ),
    )  # fmt: skip

    country: Mapped[str] = mapped_column(String(2))
    region: Mapped[str] = mapped_column(String(100), default="", server_default="")
    label: Mapped[str] = mapped_column(String(50))
    rate: Mapped[Decimal] = mapped_column(Numeric(6, PLACES))
    included: Mapped[bool]
    applies_to_shipping: Mapped[bool] = mapped_column(default=True, server_default=true())
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
