"""People and what they tell about themselves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexus_kernel import Keyed, Model, Timestamped

SELLER = "seller"
SEPARATORS = "@._+-"
SEARCH = (
    "array_to_tsvector(array_remove(array_remove(string_to_array(translate("
    "lower(first_name || ' ' || last_name) || ' ' || email_key || ' ' || coalesce(username_key, ''), "
    f"'{SEPARATORS}', '     '), ' ') || ARRAY[email_key::text, username_key::text], ''), NULL))"
)
"""The words that staff find people by: of the names, the address and the username, and the latter two whole.

No text search parser and no trigrams make them: both see letters of most scripts only where the database's
locale knows them.
"""


class User(Keyed, Timestamped, Model):
    """A person. `roles` holds granted roles only.

    `token_version` rises when every refresh token of the person must end. `erased_at` is set when nothing of
    the person is left but the id that orders refer to.
    """

    __tablename__ = "accounts_user"
    __table_args__ = (
        CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),
        CheckConstraint("(username IS NULL) = (username_key IS NULL)", name="username_has_key"),
        CheckConstraint("array_position(roles, NULL) IS NULL AND NOT 'member' = ANY (roles)", name="roles"),
        CheckConstraint("token_version >= 0", name="token_version_range"),
        CheckConstraint("erased_at IS NULL OR NOT is_active", name="erased_is_inactive"),
        Index(None, "search", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index(None, "roles", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str | None] = mapped_column(String(30))
    username_key: Mapped[str | None] = mapped_column(unique=True)
    first_name: Mapped[str] = mapped_column(String(150), default="", server_default="")
    last_name: Mapped[str] = mapped_column(String(150), default="", server_default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(50)), default=list, server_default="{}")
    email_verified_at: Mapped[datetime | None]
    token_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    contested: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    erased_at: Mapped[datetime | None]
    search: Mapped[str | None] = mapped_column(TSVECTOR, Computed(SEARCH, persisted=True), deferred=True)

    profile: Mapped["Profile"] = relationship(lazy="raise")

    @property
    def is_seller(self) -> bool:
        """True when the role was granted."""
        return SELLER in self.roles


class Profile(Model):
    """What a person tells about themselves; every person has one."""

    __tablename__ = "accounts_profile"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(20), default="", server_default="")
    bio: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    avatar: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
