"""The money that came for an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Model, amount_column, currency_column, money_checks, now


class OrderPayment(Model):
    """A payment that was told, of whatever amount, so that none counts twice and none is forgotten."""

    __tablename__ = "orders_payment"
    __table_args__ = (*money_checks("amount_minor"), Index("ix_orders_payment_order", "order_id"))

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    told_at: Mapped[datetime] = mapped_column(default=now)
