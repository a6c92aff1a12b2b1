"""The payment platform's contract (PROVIDER_API = 1): a provider is a pure translator.

The plugin `payments` owns every row, lock, key, retry, comparison and transition. A provider turns these
dataclasses into a gateway's calls and its answers back into these dataclasses. It never touches the
database, sees no order and no request, decides no state, and never sleeps or retries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.events import Event
from nexus_kernel.money import Money

PROVIDER_API = 1


class Status(StrEnum):
    """How a payment stands at the gateway. UNKNOWN is a state with a schedule, not an error."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class Capability(StrEnum):
    """What a provider can do beyond `initiate`."""

    FETCH = "fetch"
    WEBHOOK = "webhook"
    CANCEL = "cancel"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    NATIVE_IDEMPOTENCY = "native_idempotency"
    """The same refund sent twice, by its reference or key, gives money back once."""


class WebhookTrust(StrEnum):
    """What a webhook proves. Whatever it proves, the platform asks the gateway before money counts."""

    SIGNED = "signed"
    VERIFY_BY_FETCH = "verify_by_fetch"
    NONE = "none"


class FailureCode(StrEnum):
    """Why an operation failed, in words that do not depend on the gateway.

    CONFIGURATION: the shop itself is refused. A refund that fails so waits for a person.
    """

    DECLINED = "declined"
    INVALID_REQUEST = "invalid_request"
    CONFIGURATION = "configuration"
    DUPLICATE_REFERENCE = "duplicate_reference"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRule:
    """What the gateway accepts as the merchant's reference."""

    max_length: int = 20
    alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """What a provider is. `currencies` None means any; amounts are in the currency's minor units.

    `pending_ttl` is how long the gateway keeps an unpaid payment open; None means that it never expires.
    `retry_after_decline` is True when the buyer can try again on the gateway's page, so that DECLINED is not
    the end before `pending_ttl` has passed.
    """

    code: str
    display_name: str
    capabilities: frozenset[Capability]
    currencies: frozenset[str] | None
    webhook_trust: WebhookTrust
    pending_ttl: timedelta | None
    min_minor: int = 1
    max_minor: int | None = None
    reference_rule: ReferenceRule = field(default_factory=ReferenceRule)
    retry_after_decline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who pays. Every field may be empty; a provider leaves out what its gateway would refuse."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentUrls:
    """Absolute addresses: where the buyer returns to, and where the gateway notifies the shop."""

    return_url: str
    notify_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentContext:
    """One operation on one attempt.

    `reference` is ours and unique for ever; `idempotency_key` is stable over the retries of one operation;
    `provider_ref` is the gateway's own id once known; `timeout` is the time left for the call in seconds.
    `refund_reference` and `refund_provider_ref` are the same two names of the refund that is meant, if any.
    """

    payment_id: UUID
    reference: str
    idempotency_key: str
    description: str
    customer: Customer
    urls: PaymentUrls
    timeout: float
    provider_ref: str | None = None
    refund_reference: str | None = None
    refund_provider_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the buyer to this address."""

    url: str
    kind: ClassVar[str] = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an operation failed. `safe_message` may be shown to the buyer."""

    code: FailureCode
    safe_message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The gateway's answer to an operation. `raw` is what it said, for the ledger, before redaction."""

    status: Status
    provider_ref: str | None = None
    next_action: Redirect | None = None
    failure: Failure | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The truth as the gateway tells it now. The platform compares amount, currency, mode and reference.

    `known` is False when the gateway says that it has never heard of the reference (with UNKNOWN as status).
    `failure` says why the question itself was refused: CONFIGURATION for a key that does not work.
    """

    status: Status
    known: bool = True
    captured: Money | None = None
    reference: str | None = None
    provider_ref: str | None = None
    test_mode: bool | None = None
    method: str | None = None
    fee: Money | None = None
    failure: Failure | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSnapshot:
    """How a refund stands, as the gateway tells it now. The platform compares amount and reference.

    SUCCEEDED: the money is given back. PENDING: it is on its way. DECLINED: it is not given back. CANCELED:
    it was on its way, or given back, and has come back to the shop. `known` is False when the gateway says
    that it has never heard of this refund (with UNKNOWN as status): only then may it be sent once more.
    """

    status: Status
    known: bool = True
    amount: Money | None = None
    reference: str | None = None
    provider_ref: str | None = None
    failure: Failure | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """What a webhook claims. `dedupe_key` is equal for two copies of one event.

    `reference` and `provider_ref` name the payment. With `about_refund` the refunds of that payment are
    asked about, or only the one that `refund_reference` or `refund_provider_ref` names.
    """

    dedupe_key: str
    kind: str
    reference: str | None
    provider_ref: str | None = None
    about_refund: bool = False
    refund_reference: str | None = None
    refund_provider_ref: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


class WebhookAuthError(Exception):
    """The webhook's signature is missing or wrong, or no secret is configured. Nothing is stored."""


class WebhookMalformed(Exception):
    """The webhook is authentic but cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fault in a provider's configuration, and what to do about it."""

    setting: str
    message: str


class PaymentProvider(Protocol):
    """A gateway. Any exception but the two webhook errors is recorded as UNKNOWN, never as failed."""

    info: ProviderInfo
    test_mode: bool

    def check_config(self) -> Sequence[Problem]:
        """What is wrong with the configuration; no I/O."""
        ...

    def initiate(self, ctx: PaymentContext, amount: Money) -> Result:
        """Open a payment at the gateway."""
        ...

    def fetch(self, ctx: PaymentContext) -> Snapshot:
        """Ask the gateway how the payment stands."""
        ...

    def cancel(self, ctx: PaymentContext) -> Result:
        """Close a payment that nobody has paid (Capability.CANCEL).

        CANCELED when it is closed now, DECLINED when the gateway says that there is nothing left to close.
        """
        ...

    def refund(self, ctx: PaymentContext, amount: Money, *, reason: str) -> Result:
        """Give money of a captured payment back (Capability.REFUND; PARTIAL_REFUND for a part of it).

        PENDING when the gateway has accepted it, SUCCEEDED when it is done, DECLINED when nothing was and
        will be given back; then a `retryable` failure lets the platform ask again later.
        """
        ...

    def fetch_refund(self, ctx: PaymentContext) -> RefundSnapshot:
        """Ask the gateway how the refund stands that `ctx.refund_reference` names."""
        ...

    def callback_reference(self, parameters: Mapping[str, str]) -> str | None:
        """Which of our references an unsigned GET on the webhook address names; only a hint to `fetch`."""
        ...

    def parse_webhook(self, raw_body: bytes, headers: Mapping[str, str]) -> Sequence[ProviderEvent]:
        """Authenticate and read a webhook; pure. Raises WebhookAuthError or WebhookMalformed.

        Header names are lower-case.
        """
        ...

    def redact(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """`raw` without keys, signatures, phones, addresses and names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """Something that can be paid for, resolved at the moment of asking.

    `refusal` is a sentence when it cannot be paid now (cancelled, already paid), else None.
    """

    kind: str
    id: UUID
    number: str
    owner_id: UUID
    amount: Money
    description: str
    refusal: str | None = None


class PayableSource(Protocol):
    """Resolves payables of one kind: orders provide kind `order`."""

    kind: str

    def resolve(self, ids: Sequence[UUID]) -> Mapping[UUID, Payable]:
        """The payables with these ids; unknown ids are left out. One query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """A way to pay that this deployment offers. `currencies` None means any."""

    code: str
    display_name: str
    currencies: frozenset[str] | None
    pending_ttl: timedelta | None


class PaymentService(Protocol):
    """What a checkout asks the payment platform."""

    def methods(self) -> Mapping[str, MethodView]:
        """The ways to pay that are switched on, by code. No query."""
        ...

    def refund(
        self,
        payable_kind: str,
        payable_id: UUID,
        amount: Money,
        *,
        reference: str,
        reason: str,
        actor_id: UUID | None,
    ) -> UUID:
        """Ask for money of a payable to be given back, in the caller's transaction; the refund's id.

        A worker asks the gateway after the commit; `PaymentRefunded` or `RefundRejected` tells what came of
        it. `reference` is the caller's name for it, of 1 to 200 characters: a second call with the same one
        returns the first's id. Money that came by several payments is given back in as many parts: the id is
        that of the first one, and each part has its own event with the same `reference`.
        Raises Conflict when less than `amount` was captured and is not refunded or asked for yet, and when
        the reference was used for another payable.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class PaymentSucceeded(Event):
    """The gateway confirmed the money, and amount, currency, mode and reference agree."""

    name: ClassVar[str] = "payments.succeeded"
    payment_id: UUID
    payable_kind: str
    payable_id: UUID
    owner_id: UUID
    number: str
    provider: str
    reference: str
    amount: Money
    succeeded_at: datetime


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(Event):
    """An attempt ended without money; the payable can be paid by another attempt."""

    name: ClassVar[str] = "payments.failed"
    payment_id: UUID
    payable_kind: str
    payable_id: UUID
    owner_id: UUID
    number: str
    provider: str
    reference: str
    amount: Money
    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentNeedsReview(Event):
    """Money arrived that does not match its attempt; a person has to look at it."""

    name: ClassVar[str] = "payments.needs_review"
    payment_id: UUID
    payable_kind: str
    payable_id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(Event):
    """The gateway, or a person, gave money back. `refunded` and `captured` are the payable's sums, this
    refund included; take the sums rather than adding amounts up.

    `reference` is what the one who asked for it called it; empty for a refund that the platform or its staff
    began.
    """

    name: ClassVar[str] = "payments.refunded"
    refund_id: UUID
    payment_id: UUID
    payable_kind: str
    payable_id: UUID
    owner_id: UUID
    number: str
    reference: str
    amount: Money
    refunded: Money
    captured: Money


@dataclass(frozen=True, kw_only=True)
class RefundRejected(Event):
    """The money is not given back, or came back; a person has to see to it.

    The amount can be asked for again, under another reference. It may follow `PaymentRefunded` of the same
    refund, when the gateway reversed it, or precede it, when the gateway did give the money after all.
    """

    name: ClassVar[str] = "payments.refund_rejected"
    refund_id: UUID
    payment_id: UUID
    payable_kind: str
    payable_id: UUID
    owner_id: UUID
    number: str
    reference: str
    amount: Money
    reason: str
