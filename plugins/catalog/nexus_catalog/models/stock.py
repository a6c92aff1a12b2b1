"""Stock, what is held of it, and its ledger.

Stock stands in a narrow table of its own, because it is written by every order, while products are read.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Model

LARGEST_QUANTITY = 1_000_000_000
"""The bound on a number of pieces that somebody enters; an INTEGER column has room for twice as many."""
ADJUSTMENT_REASONS = ("received", "returned", "counted", "damaged", "lost", "found")
"""Why somebody adjusts the pieces on hand; a correction is what has no better reason."""
MOVEMENT_REASONS = ("initial", "correction", "import", "reserve", "release", "ship", *ADJUSTMENT_REASONS)


class Stock(Model):
    """How many pieces of a variant there are, and how many of them are held for somebody.

    When the available pieces fall to `low_stock_threshold`, that is told; None: never.
    """

    __tablename__ = "catalog_stock"
    __table_args__ = (
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved_within_on_hand"),
        CheckConstraint("low_stock_threshold >= 0", name="low_stock_threshold_range"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    variant_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalog_variant.id", ondelete="RESTRICT"), primary_key=True
    )
    on_hand: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    reserved: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    low_stock_threshold: Mapped[int | None]


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
    note: Mapped[str | None] = mapped_column(String(500))
    actor_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
