"""Invoices, and the counters that number them without a gap."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model


class InvoiceSeries(Model):
    """The last number of a series in a year, and when it was given. Who takes the next locks the row."""

    __tablename__ = "orders_invoice_series"
    __table_args__ = (CheckConstraint("last >= 1", name="last_positive"),)

    series: Mapped[str] = mapped_column(String(10), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
    issued_at: Mapped[datetime]


class OrderInvoice(Keyed, Model):
    """The invoice of an order. `document` is everything that it says, frozen; a trigger refuses every change.

    An order is never deleted while it has one.
    """

    __tablename__ = "orders_invoice"
    __table_args__ = (
        UniqueConstraint("order_id"),
        UniqueConstraint("number"),
        UniqueConstraint("series", "year", "sequence"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id"))
    number: Mapped[str] = mapped_column(String(30))
    series: Mapped[str] = mapped_column(String(10))
    year: Mapped[int]
    sequence: Mapped[int]
    issued_at: Mapped[datetime]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
