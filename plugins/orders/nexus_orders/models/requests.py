"""What buyers ask for after they have ordered, and the money that goes back to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, amount_column, currency_column, money_checks, now
from nexus_orders.models.order import one_of
from nexus_orders.states import CancellationStatus, RefundRequestStatus, RefundStatus


class OrderCancellationRequest(Keyed, Model):
    """A buyer asks for a paid order to be cancelled; one open request an order.

    `attempts` counts how often the money was asked back from the payments.
    """

    __tablename__ = "orders_cancellation_request"
    __table_args__ = (
        one_of("status", CancellationStatus, "status_known"),
        CheckConstraint("attempts >= 0", name="attempts_range"),
        Index(
            "uq_orders_cancellation_request_open",
            "order_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'approved', 'refund_failed')"),
        ),
        Index("ix_orders_cancellation_request_order", "order_id", "id"),
        Index("ix_orders_cancellation_request_status", "status", "id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    requested_by: Mapped[UUID]
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(String(20), default=CancellationStatus.REQUESTED)
    note: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    requested_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class OrderRefundRequest(Keyed, Model):
    """A buyer asks for money back; one open request an order.

    `lines` is what the amount was worked out from, None where the buyer named one. `approved_minor` is what
    staff granted of it.
    """

    __tablename__ = "orders_refund_request"
    __table_args__ = (
        one_of("status", RefundRequestStatus, "status_known"),
        *money_checks("amount_minor", "approved_minor"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("attempts >= 0", name="attempts_range"),
        Index(
            "uq_orders_refund_request_open",
            "order_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'approved', 'refund_failed')"),
        ),
        Index("ix_orders_refund_request_order", "order_id", "id"),
        Index("ix_orders_refund_request_status", "status", "id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    requested_by: Mapped[UUID]
    reason: Mapped[str]
    amount_minor: Mapped[int] = amount_column()
    approved_minor: Mapped[int | None] = amount_column()
    currency: Mapped[str] = currency_column()
    lines: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str] = mapped_column(String(20), default=RefundRequestStatus.REQUESTED)
    note: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    requested_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class OrderRefund(Keyed, Model):
    """Money of an order that was asked back, or that the payments gave back by themselves.

    `refund_id` is the payments' id. They may give what one `reference` asked in several refunds: each has a
    row once it is told, and what is not told yet stays in one row, asked. `refunded_minor` and
    `captured_minor` are the order's sums as the event of this refund told them. `cancellation_id` and
    `request_id` say what it was asked for.
    """

    __tablename__ = "orders_refund"
    __table_args__ = (
        one_of("status", RefundStatus, "status_known"),
        *money_checks("amount_minor", "refunded_minor", "captured_minor"),
        Index("uq_orders_refund_refund_id", "refund_id", unique=True),
        Index("ix_orders_refund_order", "order_id", "id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    refund_id: Mapped[UUID | None]
    reference: Mapped[str] = mapped_column(default="")
    cancellation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("orders_cancellation_request.id", ondelete="CASCADE")
    )
    request_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("orders_refund_request.id", ondelete="CASCADE")
    )
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    status: Mapped[str] = mapped_column(String(20), default=RefundStatus.ASKED)
    reason: Mapped[str] = mapped_column(default="")
    failure: Mapped[str] = mapped_column(default="")
    actor_id: Mapped[UUID | None]
    refunded_minor: Mapped[int | None] = amount_column()
    captured_minor: Mapped[int | None] = amount_column()
    asked_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
