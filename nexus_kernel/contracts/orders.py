"""Orders, and the three ways in which other plugins take part in a checkout.

A price rule adds an amount, a guard may refuse, and an extension brings a part of the request, of the
transaction and of the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.events import Event
from nexus_kernel.money import Money

__all__ = [
    "Address",
    "Adjustment",
    "AppliedAdjustment",
    "CheckoutGuard",
    "CheckoutProblem",
    "OrderCancellationDecided",
    "OrderCompleted",
    "OrderExtension",
    "OrderLineView",
    "OrderPlaced",
    "OrderShipped",
    "OrderStatusChanged",
    "PricePhase",
    "PriceRule",
    "Quote",
    "QuoteLine",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A line that is about to be ordered, at today's price.

    `discount` and `tax` are its shares of the phases that have run; `weight_grams` is that of one piece, 0
    where nobody weighed it.
    """

    variant_id: UUID
    product_id: UUID
    sku: str
    title: str
    quantity: int
    unit_price: Money
    discount: Money
    tax: Money
    weight_grams: int = 0

    @property
    def total(self) -> Money:
        """Unit price times quantity."""
        return self.unit_price * self.quantity

    @property
    def net(self) -> Money:
        """What is left of the total after the discount."""
        return self.total - self.discount


class PricePhase(StrEnum):
    """When a price rule runs: each phase sees the amounts of the ones before it.

    What `SHIPPING_DISCOUNT` adds is taken off the shipping fee, never more than there is of it.
    """

    DISCOUNT = "discount"
    SHIPPING = "shipping"
    SHIPPING_DISCOUNT = "shipping_discount"
    TAX = "tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedAdjustment:
    """An adjustment as it counts, and the `code` of its rule.

    A discount is cut where it would pass what is left of the lines, or of the shipping fee.
    """

    phase: PricePhase
    rule: str
    label: str
    amount: Money
    rate: Decimal | None
    included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a checkout would cost so far; price rules and guards look at it and never change it.

    `requested` is what the buyer sent for extensions, loaded by their schemas, by plugin; `facts` is what
    their `prepare` found. `shipping` is the fee after the discounts on it. `tax` is what comes on top of the
    prices; tax that they include is no part of it. `adjustments` are those of the phases that have run, in
    the order in which the rules gave them.
    """

    user_id: UUID
    lines: tuple[QuoteLine, ...]
    currency: str
    shipping_address: Address
    payment_method: str
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    requested: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    adjustments: tuple[AppliedAdjustment, ...] = ()

    @property
    def total(self) -> Money:
        """Subtotal - discount + shipping + tax."""
        return self.subtotal - self.discount + self.shipping + self.tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An amount >= 0 that a rule adds to its phase. `rate` is kept as evidence where there is one.

    `lines` says which part of it belongs to which line, by variant; their sum is at most the amount. What
    they leave of a tax is the order's as a whole, such as that on shipping; what they leave of a discount is
    shared among all lines in proportion to what is left of them. `included`: a tax that is in the prices
    already, told as evidence and added to nothing.
    """

    label: str
    amount: Money
    rate: Decimal | None = None
    lines: Mapping[UUID, Money] | None = None
    included: bool = False


class PriceRule(Protocol):
    """A pure function of the quote; it runs before any lock is taken and does no I/O of its own."""

    code: str
    phase: PricePhase

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """The adjustments for this quote, none when the rule does not apply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutProblem:
    """Why an order cannot be placed: a stable `code` of the guard's owner, and a sentence for the buyer."""

    code: str
    message: str
    field: str | None = None


class CheckoutGuard(Protocol):
    """Says whether a checkout may go on. Business reasons are returned, never raised."""

    code: str

    def check(self, quote: Quote) -> Sequence[CheckoutProblem]:
        """The problems of this quote; an empty sequence lets it pass."""
        ...


class OrderExtension(Protocol):
    """What a plugin adds to orders beside amounts. Inherit from this class and override what you need.

    `name` is the plugin's name. `request` is the schema of `extensions.<name>` in the body of a checkout, and
    `answer` that of `extensions.<name>` in an order; None where there is no such part.
    """

    name: str
    request: type[Any] | None = None
    answer: type[Any] | None = None

    def prepare(self, quote: Quote) -> Any:
        """Read what rules and guards need; they find it in `quote.facts[name]`. No amounts are known yet.

        Runs before anything is locked, also for a mere quote. The only step that may read; nothing may be
        written. Unknown things are found by a guard, not raised.
        """
        return None

    def snapshot(self, quote: Quote) -> Mapping[str, Any] | None:
        """What the order shows of this, for good: JSON of the shape of `answer`. Pure."""
        return None

    def record(self, quote: Quote, order_id: UUID) -> Sequence[CheckoutProblem]:
        """Write what belongs to the order, in its transaction, before its stock is locked.

        A problem rolls everything back: what was true in `prepare` may not be any more. Lock as little as
        possible and always in the same order.
        """
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    """A line as it was ordered. The ids are None in events of orders that did not tell them yet."""

    title: str
    sku: str
    quantity: int
    unit_price: Money
    total: Money
    variant_id: UUID | None = None
    product_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """An order was committed: its stock is held and its totals are frozen."""

    name: ClassVar[str] = "orders.placed"
    order_id: UUID
    number: str
    user_id: UUID
    total: Money
    payment_method: str
    lines: tuple[OrderLineView, ...]


@dataclass(frozen=True, kw_only=True)
class OrderStatusChanged(Event):
    """An order moved from one status of its state machine to another."""

    name: ClassVar[str] = "orders.status_changed"
    order_id: UUID
    number: str
    user_id: UUID
    old_status: str
    new_status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(Event):
    """The buyer has what they ordered. Published once an order; every line names its variant and its product.

    Nothing takes it back: a refund afterwards returns money, and does not undo that the goods arrived.
    """

    name: ClassVar[str] = "orders.completed"
    order_id: UUID
    number: str
    user_id: UUID
    lines: tuple[OrderLineView, ...]


@dataclass(frozen=True, kw_only=True)
class OrderShipped(Event):
    """A shipment of an order left; `lines` are the pieces in it, and each total is that of these pieces.

    `is_complete`: nothing of the order is left to ship. `tracking_url` is an address of http or https.
    """

    name: ClassVar[str] = "orders.shipped"
    order_id: UUID
    number: str
    user_id: UUID
    shipment_id: UUID
    carrier: str
    tracking_code: str
    tracking_url: str | None
    lines: tuple[OrderLineView, ...]
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class OrderCancellationDecided(Event):
    """Staff decided about a buyer's wish to cancel a paid order.

    `approved`: the money is asked back, and the order is cancelled once it was given back. `note` is for the
    buyer, and says why not where it was declined.
    """

    name: ClassVar[str] = "orders.cancellation_decided"
    order_id: UUID
    number: str
    user_id: UUID
    request_id: UUID
    approved: bool
    note: str
