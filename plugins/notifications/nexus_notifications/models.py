"""Tables: what people see in the shop, and the mails on their way."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped


class MailState(StrEnum):
    """QUEUED: not tried yet. FAILED: tried, and will be again. SENT and DEAD are final."""

    QUEUED = "queued"
    FAILED = "failed"
    SENT = "sent"
    DEAD = "dead"


OPEN_STATES = (MailState.QUEUED, MailState.FAILED)


class Notification(Keyed, Model):
    """A message to a person inside the shop. One for each event, kind and person."""

    __tablename__ = "notifications_notification"
    __table_args__ = (
        UniqueConstraint("event_id", "kind", "user_id"),
        Index("ix_notifications_notification_user_id_id", "user_id", "id"),
        Index(
            "ix_notifications_notification_unread",
            "user_id",
            "id",
            postgresql_where=text("read_at IS NULL"),
        ),
    )

    event_id: Mapped[UUID]
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    read_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class EmailNotificationTask(Keyed, Timestamped, Model):
    """A message to an address by one channel, rendered when it is sent.

    While a worker sends it, `claim` is set and `next_attempt_at` is the end of that worker's lease.
    `message_id` is the Message-ID header (RFC 5322, section 3.6.4), the same at every attempt.
    """

    __tablename__ = "notifications_email_task"
    __table_args__ = (
        UniqueConstraint(
            "event_id", "template", "channel", "recipient", name="uq_notifications_email_task_once"
        ),
        CheckConstraint("state IN ('queued', 'failed', 'sent', 'dead')", name="state"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        CheckConstraint("recipient !~ '[[:cntrl:]]'", name="recipient"),
        Index(
            "ix_notifications_email_task_due",
            "next_attempt_at",
            "id",
            postgresql_where=text("state IN ('queued', 'failed')"),
        ),
        Index(None, "user_id"),
        Index("ix_notifications_email_task_dead", "id", postgresql_where=text("state = 'dead'")),
    )

    event_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    template: Mapped[str] = mapped_column(String(50))
    channel: Mapped[str] = mapped_column(String(50), server_default="email")
    recipient: Mapped[str] = mapped_column(String(320))
    context: Mapped[dict[str, Any]]
    message_id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(10), server_default=MailState.QUEUED)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    claim: Mapped[UUID | None]
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
