"""What prices were before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Model


class PriceChange(Model):
    """A variant's price became another one. A trigger writes it, whoever changes the price; append-only."""

    __tablename__ = "catalog_price_change"
    __table_args__ = (
        Index("ix_catalog_price_change_product_id_id", "product_id", "id"),
        Index("ix_catalog_price_change_variant_id_at", "variant_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id", ondelete="RESTRICT"))
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_variant.id", ondelete="RESTRICT"))
    old_price_minor: Mapped[int] = mapped_column(BigInteger)
    old_currency: Mapped[str] = mapped_column(String(3))
    new_price_minor: Mapped[int] = mapped_column(BigInteger)
    new_currency: Mapped[str] = mapped_column(String(3))
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
