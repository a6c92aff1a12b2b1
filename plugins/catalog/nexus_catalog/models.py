"""The catalog's tables.

Stock stands in a narrow table of its own, because it is written by every order, while products are read.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks

LARGEST_QUANTITY = 1_000_000_000
"""The bound on a number of pieces that somebody enters; an INTEGER column has room for twice as many."""
MOVEMENT_REASONS = ("initial", "correction", "import", "reserve", "release", "ship")
SEARCH_EXPRESSION = (
    "setweight(to_tsvector('simple'::regconfig, (title)::text), 'A'::\"char\") || "
    "setweight(to_tsvector('simple'::regconfig, description), 'B'::\"char\")"
)
"""The configuration `simple` knows no language, so that Amharic and English words are treated alike."""


class Category(Keyed, Timestamped, Model):
    """A node of the category tree. The slug is unique among its siblings; a trigger refuses cycles."""

    __tablename__ = "catalog_category"
    __table_args__ = (
        UniqueConstraint("parent_id", "slug", postgresql_nulls_not_distinct=True),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("name <> ''", name="name_not_empty"),
        Index("ix_catalog_category_slug", "slug"),
        Index("ix_catalog_category_name_id", "name", "id"),
    )

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_category.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(100))
    slug: Mapped[str] = mapped_column(String(100))


class Product(Keyed, Timestamped, Model):
    """Something for sale, with one or more variants. `seller_id` is a person of another plugin.

    Retired products stay, inactive, because orders remember them.
    """

    __tablename__ = "catalog_product"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("title <> ''", name="title_not_empty"),
        Index(
            "ix_catalog_product_newest", text("created_at DESC"), text("id DESC"),
            postgresql_where=text("is_active"),
        ),
        Index(
            "ix_catalog_product_category_newest", "category_id", text("created_at DESC"), text("id DESC"),
            postgresql_where=text("is_active"),
        ),
        Index(
            "ix_catalog_product_seller_newest", "seller_id", text("created_at DESC"), text("id DESC"),
            postgresql_where=text("is_active"),
        ),
        Index("ix_catalog_product_title_id", "title", "id", postgresql_where=text("is_active")),
        Index("ix_catalog_product_updated", "updated_at", "id", postgresql_where=text("is_active")),
        Index(
            "ix_catalog_product_search", "search",
            postgresql_using="gin", postgresql_with={"fastupdate": "off"},
        ),
        Index(
            "ix_catalog_product_title_trgm", "title",
            postgresql_using="gin", postgresql_with={"fastupdate": "off"},
            postgresql_ops={"title": "gin_trgm_ops"},
        ),
    )  # fmt: skip

    title: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_category.id", ondelete="RESTRICT"))
    seller_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    search: Mapped[Any] = mapped_column(
        TSVECTOR, Computed(SEARCH_EXPRESSION, persisted=True), deferred=True, nullable=True
    )


class Variant(Keyed, Timestamped, Model):
    """What is bought: a SKU with its price and its option values (`{"colour": "red"}`)."""

    __tablename__ = "catalog_variant"
    __table_args__ = (
        UniqueConstraint("sku"),
        *money_checks("price_minor"),
        CheckConstraint("sku <> ''", name="sku_not_empty"),
        CheckConstraint("jsonb_typeof(option_values) = 'object'", name="option_values_object"),
        Index("ix_catalog_variant_product_id", "product_id"),
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
    option_values: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))


class Stock(Model):
    """How many pieces of a variant there are, and how many of them are held for somebody."""

    __tablename__ = "catalog_stock"
    __table_args__ = (
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved_within_on_hand"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    variant_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_variant.id", ondelete="RESTRICT"), primary_key=True
    )
    on_hand: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    reserved: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class StockReservation(Model):
    """Pieces that are held for a reference; gone once they are released or shipped."""

    __tablename__ = "catalog_stock_reservation"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    reference: Mapped[str] = mapped_column(String(200), primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_stock.variant_id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    quantity: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StockMovement(Model):
    """One entry of the append-only ledger, whose sums are the stock. A trigger refuses every change."""

    __tablename__ = "catalog_stock_movement"
    __table_args__ = (
        CheckConstraint("delta_on_hand <> 0 OR delta_reserved <> 0", name="moves_something"),
        CheckConstraint(f"reason IN {MOVEMENT_REASONS}", name="reason_known"),
        Index("ix_catalog_stock_movement_variant_id_id", "variant_id", "id"),
        Index(
            "ix_catalog_stock_movement_reference", "reference",
            postgresql_where=text("reference IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_stock.variant_id", ondelete="RESTRICT"))
    delta_on_hand: Mapped[int]
    delta_reserved: Mapped[int]
    reason: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str | None] = mapped_column(String(200))
    actor_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
