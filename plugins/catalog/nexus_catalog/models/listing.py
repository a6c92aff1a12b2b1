"""How products are found: rows that lists filter, sort and search by. Triggers keep them; nobody writes them.

They stand apart from the products so that a search reads little, and so that a new price or rating leaves the
products alone. Availability is not here: orders write it, in `catalog_stock`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, ForeignKey, Identity, Index, Numeric, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Model

_NEWEST = (text("created_at DESC"), text("product_id DESC"))


class Listing(Model):
    """One row for each product on sale, with the price of its default variant and the words of all of it."""

    __tablename__ = "catalog_listing"
    __table_args__ = (
        Index(
            "ix_catalog_listing_newest", *_NEWEST,
            postgresql_include=[
                "category_id", "seller_id", "price_minor", "currency", "rating_average", "variant_id",
            ],
        ),
        Index("ix_catalog_listing_category_newest", "category_id", *_NEWEST),
        Index("ix_catalog_listing_seller_newest", "seller_id", *_NEWEST),
        Index("ix_catalog_listing_price", "price_minor", "product_id"),
        Index("ix_catalog_listing_rating", "rating_average", "product_id"),
        Index("ix_catalog_listing_updated", "updated_at", "product_id"),
        Index(
            "ix_catalog_listing_search", "search",
            postgresql_using="gin", postgresql_with={"fastupdate": "off"},
        ),
    )  # fmt: skip

    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_product.id", ondelete="CASCADE"), primary_key=True
    )
    variant_id: Mapped[UUID]
    category_id: Mapped[UUID | None]
    seller_id: Mapped[UUID | None]
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    rating_average: Mapped[Decimal] = mapped_column(Numeric(3, 2))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    search: Mapped[Any] = mapped_column(TSVECTOR)


class Word(Model):
    """A word that products have or had, for typing errors to be told from words.

    A word may stand here twice: were it unique, writers of new words would wait for one another.
    """

    __tablename__ = "catalog_word"
    __table_args__ = (
        Index("ix_catalog_word_word", "word"),
        Index(
            "ix_catalog_word_trgm", "spelling",
            postgresql_using="gin", postgresql_ops={"spelling": "gin_trgm_ops"},
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"))
    spelling: Mapped[str] = mapped_column(Text, Computed("catalog_spelling(word)", persisted=True))
