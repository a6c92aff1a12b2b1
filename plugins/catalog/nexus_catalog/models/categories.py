"""The tree of categories."""

from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped


class Category(Keyed, Timestamped, Model):
    """A node of the category tree. The slug is unique among its siblings; a trigger refuses cycles."""

    __tablename__ = "catalog_category"
    __table_args__ = (
        UniqueConstraint("parent_id", "slug", postgresql_nulls_not_distinct=True),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("name <> ''", name="name_not_empty"),
        Index("ix_catalog_category_slug", "slug"),
        Index("ix_catalog_category_name_id", "name", "id"),
        Index("ix_catalog_category_name_prefix", text("catalog_fold(name) text_pattern_ops")),
        Index(
            "ix_catalog_category_name_trgm",
            text("catalog_spelling(catalog_fold(name)) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog_category.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(100))
    slug: Mapped[str] = mapped_column(String(100))
