"""Keys of machine clients."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from nexus_accounts.models.people import User
from nexus_kernel import Keyed, Model, now


class ApiKey(Keyed, Model):
    """A key that acts for its owner within `scopes`, which are permission codes.

    Only a SHA-256 of the secret is kept: it has 256 random bits, so there is nothing to guess and no need for
    a slow hash. `prefix` finds the row. `last_used_at` is exact to some minutes.
    """

    __tablename__ = "accounts_api_key"
    __table_args__ = (CheckConstraint("cardinality(scopes) > 0", name="has_scopes"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(100)))
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
