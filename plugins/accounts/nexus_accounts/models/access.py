"""What lets people in: signed-in devices and mailed links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from nexus_accounts.models.people import User
from nexus_kernel import Keyed, Model, now

ACTIVATION = "activation"
PASSWORD_RESET = "password_reset"
EMAIL_CHANGE = "email_change"


class RefreshFamily(Keyed, Model):
    """A signed-in device: the refresh tokens that came from one sign-in, of which only `jti` is good.

    A well-signed token of the family with another jti has been spent. Revoking deletes the row. `device` is
    what the client called itself (User-Agent), `network` the /24 or /48 that it signed in from.
    """

    __tablename__ = "accounts_refresh_family"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    token_version: Mapped[int]
    jti: Mapped[UUID]
    previous_jti: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    rotated_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    device: Mapped[str] = mapped_column(String(200), default="", server_default="")
    network: Mapped[str] = mapped_column(String(50), default="", server_default="")


class SingleUseToken(Keyed, Model):
    """A link that a person was mailed, good for one purpose and one use. Only a hash is kept.

    `email` is the address that a link of the purpose `email_change` was mailed to.
    """

    __tablename__ = "accounts_single_use_token"
    __table_args__ = (
        CheckConstraint("purpose IN ('activation', 'password_reset', 'email_change')", name="purpose"),
        CheckConstraint("(purpose = 'email_change') = (email IS NOT NULL)", name="email_of_change"),
        Index(None, "user_id", "purpose", "issued_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    email: Mapped[str | None] = mapped_column(String(254))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
