"""Refunds: money that is to be given back, a row for each payment that it came by."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Money, Timestamped, amount_column, currency_column, money_checks
from nexus_payments.models.attempts import REFERENCE_LENGTH, one_of


class RefundStatus(StrEnum):
    """Where a refund stands.

    UNKNOWN: the gateway's answer was lost. NEEDS_PERSON: no gateway can do it, so somebody has to. REVERSED:
    the money came back to the shop.
    """

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs_person"
    SETTLED = "settled"
    REJECTED = "rejected"
    REVERSED = "reversed"


ENDED = (RefundStatus.SETTLED, RefundStatus.REJECTED, RefundStatus.REVERSED)
RETURNED = (RefundStatus.REJECTED, RefundStatus.REVERSED)
"""Refunds that gave nothing back: their amounts can be asked for again."""


class Refund(Keyed, Timestamped, Model):
    """A part of one captured payment, given back or to be given back.

    `provider` is the payment's. `caller_reference` is what another plugin called it, None for the platform's
    own; `part` counts the payments that one request was split over. `sends` counts the sendings that were not
    answered with a certain no. `busy_until` is a worker's claim.
    """

    __tablename__ = "payments_refund"
    __table_args__ = (
        *money_checks("amount_minor"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(f"status IN ({one_of(RefundStatus)})", name="status_known"),
        CheckConstraint("reference ~ '^[A-Z0-9]{1,20}$'", name="reference_form"),
        CheckConstraint("status <> 'settled' OR settled_at IS NOT NULL", name="settled_has_time"),
        CheckConstraint("part >= 0", name="part_range"),
        UniqueConstraint("reference"),
        UniqueConstraint("caller_reference", "part"),
        Index("ix_payments_refund_payment", "payment_id", "id"),
        Index("ix_payments_refund_payable", "payable_kind", "payable_id"),
        Index("ix_payments_refund_status", "status", "created_at", "id"),
        Index("ix_payments_refund_created", "created_at", "id"),
        Index("ix_payments_refund_due", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments_payment.id"))
    payable_kind: Mapped[str] = mapped_column(String(32))
    payable_id: Mapped[UUID]
    provider: Mapped[str] = mapped_column(String(32))
    reference: Mapped[str] = mapped_column(String(REFERENCE_LENGTH))
    caller_reference: Mapped[str | None] = mapped_column(String(200))
    part: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    reason: Mapped[str] = mapped_column(String(300))
    actor_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(String(16))
    provider_ref: Mapped[str | None] = mapped_column(String(200))
    failure: Mapped[str | None] = mapped_column(String(300))
    """A sentence: why it waits for a person, or why nothing was given back."""
    sends: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    checks: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    next_check_at: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    first_sent_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What is given back."""
        return Money(self.amount_minor, self.currency)

    @property
    def has_ended(self) -> bool:
        """True when nothing is left to do."""
        return self.status in ENDED
