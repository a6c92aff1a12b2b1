"""People who ask to become sellers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_accounts.models.people import User
from nexus_kernel import Keyed, Model, Timestamped


class ApplicationStatus(StrEnum):
    """APPROVED and DECLINED are final."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"


class SellerApplication(Keyed, Timestamped, Model):
    """What a person said of the shop they want to open, and what was decided."""

    __tablename__ = "accounts_seller_application"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'approved', 'declined')", name="status_known"),
        CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
        Index(
            "uq_accounts_seller_application_open", "user_id", unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index(None, "user_id", "id"),
        Index(None, "status", "id"),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    shop_name: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    status: Mapped[str] = mapped_column(
        String(10), default=ApplicationStatus.PENDING, server_default="pending"
    )
    reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
