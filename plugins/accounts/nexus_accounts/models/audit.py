"""The record of what matters to security.

It holds ids, never an address or a name, so that erasing a person leaves no hole in it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, now

YOUNGEST_PRUNED_DAYS = 30
"""Entries younger than this cannot be deleted, not even by the prune."""


class Act(StrEnum):
    """What is recorded."""

    REGISTERED = "registered"
    ACTIVATED = "activated"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    EMAIL_CHANGED = "email_changed"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    SELLER_APPROVED = "seller_approved"
    SELLER_DECLINED = "seller_declined"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    SESSIONS_REVOKED = "sessions_revoked"
    EXPORTED = "exported"
    ERASED = "erased"
    DATA_ERASED = "data_erased"


class AuditEntry(Keyed, Model):
    """An act of `actor_id` on `subject_id`, append-only: a trigger refuses every change.

    Without an actor it was nobody who had signed in, a worker or the command line. `subject_id` None is an
    address that nobody has. `network` is the /24 or /48 that the request came from.
    """

    __tablename__ = "accounts_audit_entry"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "subject_id", "created_at", "id"),
        Index(None, "act", "created_at", "id"),
    )

    created_at: Mapped[datetime] = mapped_column(default=now)
    act: Mapped[str] = mapped_column(String(50))
    subject_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    network: Mapped[str] = mapped_column(String(50), default="", server_default="")
    request_id: Mapped[str | None] = mapped_column(String(100))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
