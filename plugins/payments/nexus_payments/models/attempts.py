"""Attempts, the webhook inbox, and the ledger."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Money, Timestamped, amount_column, currency_column, money_checks, now


class PaymentStatus(StrEnum):
    """Where an attempt stands. UNKNOWN: the gateway's answer to its opening was lost."""

    CREATED = "created"
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    NEEDS_REVIEW = "needs_review"


class EventStatus(StrEnum):
    """Where a stored webhook stands. ORPHAN: it names no attempt of ours."""

    RECEIVED = "received"
    PROCESSED = "processed"
    ORPHAN = "orphan"


OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.UNKNOWN)
SETTLED = (PaymentStatus.SUCCEEDED, PaymentStatus.NEEDS_REVIEW)
IS_OPEN = text("status IN ('created', 'pending', 'unknown')")
"""As the partial unique index has it, word for word: PostgreSQL matches it by its text."""
REFERENCE_LENGTH = 20


def one_of(values: type[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Payment(Keyed, Timestamped, Model):
    """One attempt to collect the amount of a payable. There may be many, of which one a provider is open."""

    __tablename__ = "payments_payment"
    __table_args__ = (
        *money_checks("amount_minor"),
        CheckConstraint(f"status IN ({one_of(PaymentStatus)})", name="status_known"),
        CheckConstraint("mode IN ('test', 'live')", name="mode_known"),
        CheckConstraint("reference ~ '^[A-Z0-9]{1,20}$'", name="reference_form"),
        CheckConstraint("(status = 'succeeded') = (succeeded_at IS NOT NULL)", name="succeeded_has_time"),
        UniqueConstraint("reference"),
        Index(
            "uq_payments_payment_open",
            "payable_kind",
            "payable_id",
            "provider",
            unique=True,
            postgresql_where=IS_OPEN,
        ),
        Index("ix_payments_payment_payable", "payable_kind", "payable_id"),
        Index("ix_payments_payment_owner", "owner_id", "created_at", "id"),
        Index("ix_payments_payment_created", "created_at", "id"),
        Index("ix_payments_payment_due", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
    )

    payable_kind: Mapped[str] = mapped_column(String(32))
    payable_id: Mapped[UUID]
    payable_number: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[UUID]
    provider: Mapped[str] = mapped_column(String(32))
    reference: Mapped[str] = mapped_column(String(REFERENCE_LENGTH))
    idempotency_key: Mapped[str] = mapped_column(String(64))
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    mode: Mapped[str] = mapped_column(String(4))
    status: Mapped[str] = mapped_column(String(16))
    checkout_url: Mapped[str | None]
    provider_ref: Mapped[str | None] = mapped_column(String(200))
    method: Mapped[str | None] = mapped_column(String(64))
    return_url: Mapped[str | None] = mapped_column(String(2000))
    deadline: Mapped[datetime | None]
    sends: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    busy_until: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    checks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    check_failure: Mapped[str | None] = mapped_column(String(32))
    failure_code: Mapped[str | None] = mapped_column(String(32))
    failure_message: Mapped[str | None] = mapped_column(String(300))
    succeeded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    """Since when the attempt is to be closed at its gateway, because its payable was cancelled."""

    @property
    def amount(self) -> Money:
        """What the attempt is to collect."""
        return Money(self.amount_minor, self.currency)

    @property
    def is_open(self) -> bool:
        """True while the attempt has not ended."""
        return self.status in OPEN


class ProviderEvent(Keyed, Model):
    """A webhook as it came in. `available_at` is when it is due; None when nothing is left to do."""

    __tablename__ = "payments_provider_event"
    __table_args__ = (
        UniqueConstraint("provider", "dedupe_key"),
        CheckConstraint(f"status IN ({one_of(EventStatus)})", name="status_known"),
        Index(
            "ix_payments_provider_event_due",
            "available_at",
            postgresql_where=text("available_at IS NOT NULL"),
        ),
        Index("ix_payments_provider_event_received", "received_at"),
    )

    provider: Mapped[str] = mapped_column(String(32))
    dedupe_key: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(100))
    reference: Mapped[str | None] = mapped_column(String(100))
    provider_ref: Mapped[str | None] = mapped_column(String(200))
    about_refund: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    refund_reference: Mapped[str | None] = mapped_column(String(100))
    refund_provider_ref: Mapped[str | None] = mapped_column(String(200))
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(String(16), default=EventStatus.RECEIVED)
    attempts: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    received_at: Mapped[datetime] = mapped_column(default=now)
    available_at: Mapped[datetime | None] = mapped_column(default=now)
    processed_at: Mapped[datetime | None]


class TransactionLog(Keyed, Model):
    """The ledger: every request, answer and transition, redacted. A trigger refuses to change its rows.

    What concerns a refund names it as `refund` in its data.
    """

    __tablename__ = "payments_transaction_log"
    __table_args__ = (Index("ix_payments_transaction_log_payment", "payment_id", "id"),)

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments_payment.id"))
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
