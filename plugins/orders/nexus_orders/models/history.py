"""What happened to an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, now


class OrderHistory(Keyed, Model):
    """What happened to an order; append-only. `old_status` equals `new_status` where only money moved."""

    __tablename__ = "orders_history"
    __table_args__ = (Index("ix_orders_history_order", "order_id", "id"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    old_status: Mapped[str | None] = mapped_column(String(20))
    new_status: Mapped[str] = mapped_column(String(20))
    payment_status: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
