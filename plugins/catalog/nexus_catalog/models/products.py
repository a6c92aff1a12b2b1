"""Products and their variants."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks

RATING_AVERAGE = (
    "CASE WHEN rating_count = 0 THEN 0 ELSE round(rating_sum::numeric / rating_count, 2) END::numeric(3,2)"
)
"""0 for a product without reviews, so that it can be sorted by."""


MOST_OPTIONS, MOST_VALUES = 5, 100
"""Options of a product, and values of an option."""
LONGEST_OPTION, LONGEST_VALUE = 30, 50
"""Characters of an option's name, and of a value."""
HEAVIEST = 10_000_000
"""Grams of one piece: ten tonnes."""


class Product(Keyed, Timestamped, Model):
    """Something for sale, with one or more variants. `seller_id` is a person of another plugin.

    `options` are what variants differ in, in order: `[{"name": "Colour", "values": ["red", "blue"]}]`.

    Retired products stay, inactive, because orders remember them. Triggers on the reviews keep the ratings;
    `rating_stars` are the numbers of reviews with one star, with two, and so on.
    """

    __tablename__ = "catalog_product"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("title <> ''", name="title_not_empty"),
        CheckConstraint("jsonb_typeof(options) = 'array'", name="options_array"),
        CheckConstraint("rating_sum BETWEEN rating_count AND rating_count * 5", name="rating_range"),
        CheckConstraint("cardinality(rating_stars) = 5", name="five_stars"),
        Index(
            "ix_catalog_product_category_newest", "category_id", text("created_at DESC"), text("id DESC"),
            postgresql_where=text("is_active"),
        ),
        Index(
            "ix_catalog_product_seller_newest", "seller_id", text("created_at DESC"), text("id DESC"),
            postgresql_where=text("is_active"),
        ),
        Index("ix_catalog_product_title_id", "title", "id", postgresql_where=text("is_active")),
        Index(
            "ix_catalog_product_title_prefix", text("catalog_fold(title) text_pattern_ops"),
            postgresql_where=text("is_active"),
        ),
        Index(
            "ix_catalog_product_title_words", text("to_tsvector('simple'::regconfig, catalog_fold(title))"),
            postgresql_using="gin", postgresql_with={"fastupdate": "off"},
        ),
    )  # fmt: skip

    title: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_category.id", ondelete="RESTRICT"))
    seller_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    image: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    rating_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    rating_sum: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    rating_stars: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), default=lambda: [0] * 5, server_default=text("'{0,0,0,0,0}'")
    )
    rating_average: Mapped[Decimal] = mapped_column(Numeric(3, 2), Computed(RATING_AVERAGE, persisted=True))


class Variant(Keyed, Timestamped, Model):
    """What is bought: a SKU with its price and its option values (`{"Colour": "red"}`).

    A retired variant stays, inactive, because carts and orders remember it. `prior_price_minor` is the
    lowest price of the 30 days before the current price came into force, kept by a trigger. `weight_grams` is
    that of one piece, 0 where nobody weighed it.
    """

    __tablename__ = "catalog_variant"
    __table_args__ = (
        UniqueConstraint("sku"),
        *money_checks("price_minor"),
        CheckConstraint("sku <> ''", name="sku_not_empty"),
        CheckConstraint(f"weight_grams BETWEEN 0 AND {HEAVIEST}", name="weight_grams_range"),
        CheckConstraint("is_active OR NOT is_default", name="default_is_active"),
        CheckConstraint("jsonb_typeof(option_values) = 'object'", name="option_values_object"),
        Index("ix_catalog_variant_product_id", "product_id"),
        Index(
            "uq_catalog_variant_option_values", "product_id", "option_values", unique=True,
            postgresql_where=text("is_active"),
        ),
        Index(
            "uq_catalog_variant_default", "product_id", unique=True, postgresql_where=text("is_default")
        ),
        Index(
            "ix_catalog_variant_price", "price_minor", "product_id", postgresql_where=text("is_default")
        ),
    )  # fmt: skip

    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id", ondelete="RESTRICT"))
    sku: Mapped[str] = mapped_column(String(64))
    price_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    is_default: Mapped[bool]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    prior_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    option_values: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    weight_grams: Mapped[int] = mapped_column(default=0, server_default=text("0"))
