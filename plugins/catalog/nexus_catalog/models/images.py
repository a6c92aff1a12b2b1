"""Pictures of products."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_catalog.models.products import Product
from nexus_kernel import Keyed, Model


class ProductImage(Keyed, Model):
    """A picture of a product; the one with the lowest position stands for it in lists.

    `sizes` are the files, as `nexus_kernel.media` keeps them; `content_hash` is the SHA-256 of what was
    uploaded, so that the same picture is not stored twice for a product.
    """

    __tablename__ = "catalog_product_image"
    __table_args__ = (
        UniqueConstraint("product_id", "position", deferrable=True, initially="DEFERRED"),
        UniqueConstraint("product_id", "content_hash"),
        CheckConstraint("position >= 0", name="position_range"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_length"),
        CheckConstraint("jsonb_typeof(sizes) = 'object'", name="sizes_object"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey(Product.id, ondelete="RESTRICT"))
    position: Mapped[int]
    alt: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))
    sizes: Mapped[dict[str, Any]]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
