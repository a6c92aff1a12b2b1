"""The two tables of the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel.db import Keyed, Model


class OutboxEvent(Keyed, Model):
    """An event as it was published."""

    __tablename__ = "nexus_outbox"

    name: Mapped[str]
    version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    actor_id: Mapped[UUID | None]
    trace_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)


class Delivery(Keyed, Model):
    """One event for one subscription. Open while neither `done_at` nor `dead_at` is set."""

    __tablename__ = "nexus_delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "subscription"),
        Index(
            "ix_nexus_delivery_due",
            "available_at",
            "id",
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("nexus_outbox.id", ondelete="CASCADE"))
    subscription: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    error: Mapped[str | None]
