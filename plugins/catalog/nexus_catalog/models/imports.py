"""Imports that staff sent in, and where imported images came from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from nexus_catalog.models.images import ProductImage
from nexus_kernel import Keyed, Model, Timestamped

IMPORT_STATES = ("queued", "running", "done", "failed")
CHUNK_KINDS = ("input", "refused")


class Import(Keyed, Timestamped, Model):
    """A file to import, how far it is, and what became of its rows.

    `done_line` is the first line of the last stored product: a worker that takes over goes on after it.
    """

    __tablename__ = "catalog_import"
    __table_args__ = (
        CheckConstraint(f"state IN {IMPORT_STATES}", name="state_known"),
        CheckConstraint("format IN ('csv', 'jsonl')", name="format_known"),
        Index("ix_catalog_import_newest", text("created_at DESC"), text("id DESC")),
        Index(
            "ix_catalog_import_due", "claimed_until", postgresql_where=text("state IN ('queued', 'running')")
        ),
    )

    state: Mapped[str] = mapped_column(String(20), default="queued", server_default="queued")
    format: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))
    dry_run: Mapped[bool] = mapped_column(default=False, server_default=false())
    set_stock: Mapped[bool] = mapped_column(default=False, server_default=false())
    actor_id: Mapped[UUID | None]
    size: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    done_line: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    created: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    updated: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    unchanged: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    refused: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    images: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    images_refused: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    warnings: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    error: Mapped[str | None] = mapped_column(Text)
    claim: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    finished_at: Mapped[datetime | None]


class ImportChunk(Model):
    """A piece of an import's file, or of the file of its refused rows: every worker can reach it."""

    __tablename__ = "catalog_import_chunk"
    __table_args__ = (CheckConstraint(f"kind IN {CHUNK_KINDS}", name="kind_known"),)

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_import.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ImageSource(Keyed, Model):
    """The address or path that an image of a product was imported from; it is not fetched again.

    `image_id` is the picture that was made of it, until somebody deletes that.
    """

    __tablename__ = "catalog_image_source"
    __table_args__ = (
        UniqueConstraint("product_id", "digest"),
        Index("ix_catalog_image_source_image_id", "image_id"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id", ondelete="RESTRICT"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[str] = mapped_column(Text)
    image_id: Mapped[UUID | None] = mapped_column(ForeignKey(ProductImage.id, ondelete="SET NULL"))
