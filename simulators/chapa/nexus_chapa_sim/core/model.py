"""Immutable records of payments; a change makes a new record."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

Mode = Literal["test", "live"]


class State(StrEnum):
    """Where a transaction stands; see ``machine.TRANSITIONS`` for what may follow."""

    CREATED = "created"
    ACTIVE = "active"
    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class RefundState(StrEnum):
    """Where a refund stands."""

    INITIATED = "initiated"
    PROCESSING = "processing"
    REFUNDED = "refunded"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Customization:
    """What the merchant shows on the checkout page."""

    title: str | None = None
    description: str | None = None
    logo: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """An initialize call that passed validation. ``amount`` is in major units."""

    tx_ref: str
    amount: Decimal
    currency: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    callback_url: str | None = None
    return_url: str | None = None
    customization: Customization = field(default_factory=Customization)
    meta: Any = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a transaction's event log."""

    item: int
    message: str
    type: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Transaction:
    """One ``tx_ref`` at the gateway. ``reference`` and ``method`` are unknown before the first attempt."""

    request: PaymentRequest
    token: str
    mode: Mode
    charge: Decimal
    created_at: datetime
    updated_at: datetime
    deadline: datetime
    max_attempts: int
    state: State = State.CREATED
    reference: str | None = None
    method: str | None = None
    phone: str | None = None
    attempts: int = 0
    log: tuple[LogEntry, ...] = ()

    @property
    def tx_ref(self) -> str:
        return self.request.tx_ref

    @property
    def attempts_left(self) -> int:
        return max(self.max_attempts - self.attempts, 0)

    @property
    def is_open(self) -> bool:
        """Whether the customer can still start an attempt."""
        if self.state is State.FAILED:
            return self.attempts_left > 0
        return self.state in {State.CREATED, State.ACTIVE}


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back. ``reference`` is the merchant's, ``ref_id`` the gateway's.

    It goes on by itself at ``due_at`` and ends as ``outcome``.
    """

    id: str
    ref_id: str
    tx_ref: str
    amount: Decimal
    currency: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    ends_at: datetime
    reference: str | None = None
    reason: str | None = None
    meta: Any = None
    state: RefundState = RefundState.INITIATED
    outcome: RefundState = RefundState.REFUNDED
