"""Orders, and the two ways in which other plugins take part in a checkout."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.events import Event
from nexus_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an order goes. `country` is an ISO 3166-1 alpha-2 code."""

    address_line: str
    city: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A line that is about to be ordered, at today's price."""

    variant_id: UUID
    product_id: UUID
    sku: str
    title: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        """Unit price times quantity."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a checkout would cost so far; price rules and guards look at it and never change it."""

    user_id: UUID
    lines: tuple[QuoteLine, ...]
    currency: str
    shipping_address: Address
    payment_method: str
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money

    @property
    def total(self) -> Money:
        """Subtotal - discount + shipping + tax."""
        return self.subtotal - self.discount + self.shipping + self.tax


class PricePhase(StrEnum):
    """When a price rule runs: each phase sees the amounts of the ones before it."""

    DISCOUNT = "discount"
    SHIPPING = "shipping"
    TAX = "tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An amount >= 0 that a rule adds to its phase. `rate` is kept as evidence where there is one."""

    label: str
    amount: Money
    rate: Decimal | None = None


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
