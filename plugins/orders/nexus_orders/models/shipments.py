"""The parcels of an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, now


class Shipment(Keyed, Model):
    """A parcel, or whatever leaves at once. `number` counts within the order, from 1."""

    __tablename__ = "orders_shipment"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        CheckConstraint("number >= 1", name="number_positive"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    number: Mapped[int]
    carrier: Mapped[str] = mapped_column(String(100))
    tracking_code: Mapped[str] = mapped_column(String(100))
    tracking_url: Mapped[str | None] = mapped_column(String(500))
    actor_id: Mapped[UUID | None]
    shipped_at: Mapped[datetime] = mapped_column(default=now)
    delivered_at: Mapped[datetime | None]


class ShipmentLine(Model):
    """Pieces of an item in a shipment; over all shipments never more than the item has."""

    __tablename__ = "orders_shipment_line"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity_positive"),)

    shipment_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders_shipment.id", ondelete="CASCADE"), primary_key=True
    )
    item_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders_item.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    quantity: Mapped[int]
