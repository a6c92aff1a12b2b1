"""Where people have things sent."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_accounts.models.people import User
from nexus_kernel import Keyed, Model, Timestamped


class SavedAddress(Keyed, Timestamped, Model):
    """An address of a person's book. At most one of them is the person's default.

    Orders keep a copy of where they go, so that changing or deleting one changes no order.
    """

    __tablename__ = "accounts_address"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        Index(None, "user_id", "id"),
        Index(
            "uq_accounts_address_default", "user_id", unique=True, postgresql_where=text("is_default")
        ),
    )  # fmt: skip

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(50), default="", server_default="")
    recipient: Mapped[str] = mapped_column(String(150), default="", server_default="")
    phone: Mapped[str] = mapped_column(String(20), default="", server_default="")
    address_line: Mapped[str] = mapped_column(String(300))
    city: Mapped[str] = mapped_column(String(100))
    region: Mapped[str] = mapped_column(String(100), default="", server_default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="", server_default="")
    country: Mapped[str] = mapped_column(String(2))
    is_default: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
