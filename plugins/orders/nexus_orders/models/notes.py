"""What staff write down about an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, now


class OrderNote(Keyed, Model):
    """A note of staff; the buyer sees it where it says so."""

    __tablename__ = "orders_note"
    __table_args__ = (Index("ix_orders_note_order", "order_id", "id"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    author_id: Mapped[UUID]
    text: Mapped[str] = mapped_column(String(2000))
    visible_to_buyer: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=now)
