"""What buyers say about products, and who has bought what."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped

REVIEW_STATES = ("pending", "published", "hidden")
"""`pending` waits for a decision of the staff, who take a `hidden` one out of sight."""
STARS = (1, 2, 3, 4, 5)
LONGEST_NAME = 301
"""Characters of an author's name; longer ones are cut."""

_PUBLISHED = text("state = 'published'")


class Review(Keyed, Timestamped, Model):
    """One person's opinion of a product. Triggers keep the product's ratings equal to its published reviews.

    `author_id` is a person of another plugin, and NULL once that person was erased; `author_name` is what
    they were called when they wrote, so that a list asks nobody for names.
    """

    __tablename__ = "catalog_review"
    __table_args__ = (
        UniqueConstraint("product_id", "author_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_range"),
        CheckConstraint(f"state IN {REVIEW_STATES}", name="state_known"),
        Index("ix_catalog_review_newest", "product_id", "state", "created_at", "id"),
        Index(
            "ix_catalog_review_rating", "product_id", "rating", "created_at", "id",
            postgresql_where=_PUBLISHED,
        ),
        Index(
            "ix_catalog_review_verified", "product_id", "created_at", "id",
            postgresql_where=text("state = 'published' AND is_verified_purchase"),
        ),
        Index("ix_catalog_review_state", "state", "created_at", "id"),
        Index("ix_catalog_review_all", "created_at", "id"),
        Index("ix_catalog_review_author", "author_id", postgresql_where=text("author_id IS NOT NULL")),
    )  # fmt: skip

    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id", ondelete="RESTRICT"))
    author_id: Mapped[UUID | None]
    author_name: Mapped[str] = mapped_column(String(LONGEST_NAME), default="", server_default="")
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(String(200), default="", server_default="")
    body: Mapped[str] = mapped_column(Text, default="", server_default="")
    is_verified_purchase: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[str] = mapped_column(String(10))
    moderation_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    moderated_by: Mapped[UUID | None]
    moderated_at: Mapped[datetime | None]


class Purchase(Model):
    """A person has received a product; kept from the orders' events, whoever takes the orders."""

    __tablename__ = "catalog_purchase"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_product.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
