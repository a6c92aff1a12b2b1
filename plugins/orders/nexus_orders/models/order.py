"""The tables of the orders. Nothing in an order's lines or amounts changes after it was placed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Money, amount_column, currency_column, money_checks, now
from nexus_kernel.contracts.orders import PricePhase
from nexus_orders.states import OrderStatus, PaymentStatus


def one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    """A CHECK that the column holds one of these words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(v)) for v in values)})", name=name)


FORGOTTEN: Mapping[str, Any] = {
    **dict.fromkeys(("address_line", "city", "postal_code", "region", "recipient", "phone"), ""),
    "extensions": {},
}
"""What is left of an erased buyer's address, and of what they asked of other plugins, such as a greeting.

The country decides about the tax and stays.
"""


class Order(Keyed, Model):
    """An order with its frozen totals and a snapshot of where it goes.

    (`cart_id`, `cart_generation`) is the filling of the cart that it came from. `expires_at` None means that
    it waits for its payment for ever. `extensions` is what other plugins froze, by plugin. `paid_payment_id`
    is the payment that paid it. With `buyer_erased_at` what `forget_buyer` takes
    goes with the order's last step.
    """

    __tablename__ = "orders_order"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("cart_id", "cart_generation"),
        *money_checks("subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor"),
        CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor", name="total_sum"
        ),
        CheckConstraint("discount_minor <= subtotal_minor", name="discount_bound"),
        CheckConstraint("jsonb_typeof(extensions) = 'object'", name="extensions_object"),
        one_of("status", OrderStatus, "status_known"),
        one_of("payment_status", PaymentStatus, "payment_status_known"),
        Index("ix_orders_order_own", "user_id", "placed_at", "id"),
        Index("ix_orders_order_all", "placed_at", "id"),
        Index("ix_orders_order_status", "status", "placed_at", "id"),
        Index("ix_orders_order_payment_status", "payment_status", "placed_at", "id"),
        Index("ix_orders_order_total", "total_minor", "id"),
        Index(
            "ix_orders_order_due",
            "expires_at",
            postgresql_where=text("status = 'pending' AND expires_at IS NOT NULL"),
        ),
    )

    number: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(String(20))
    payment_status: Mapped[str] = mapped_column(String(20))
    payment_method: Mapped[str] = mapped_column(String(50))
    currency: Mapped[str] = currency_column()
    subtotal_minor: Mapped[int] = amount_column()
    discount_minor: Mapped[int] = amount_column()
    shipping_minor: Mapped[int] = amount_column()
    tax_minor: Mapped[int] = amount_column()
    total_minor: Mapped[int] = amount_column()
    address_line: Mapped[str] = mapped_column(String(300))
    city: Mapped[str] = mapped_column(String(100))
    postal_code: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    region: Mapped[str] = mapped_column(String(100), default="", server_default="")
    recipient: Mapped[str] = mapped_column(String(150), default="", server_default="")
    phone: Mapped[str] = mapped_column(String(30), default="", server_default="")
    cart_id: Mapped[UUID]
    cart_generation: Mapped[int]
    paid_payment_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    buyer_erased_at: Mapped[datetime | None]
    extensions: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    placed_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    @property
    def total(self) -> Money:
        """What the buyer owes."""
        return Money(self.total_minor, self.currency)

    def forget_buyer(self) -> None:
        """Take out what says who got it and where."""
        for name, nothing in FORGOTTEN.items():
            setattr(self, name, nothing)


class OrderItem(Keyed, Model):
    """A line as it was ordered, with its shares of the order's discount and tax.

    The discounts of the lines sum to the order's. Of its tax some may belong to no line: that on shipping,
    and that of a rule which does not tell lines apart.
    """

    __tablename__ = "orders_item"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        UniqueConstraint("order_id", "variant_id"),
        CheckConstraint("quantity >= 1", name="quantity_positive"),
        CheckConstraint("total_minor = unit_price_minor * quantity", name="total_product"),
        CheckConstraint("discount_minor <= total_minor", name="discount_bound"),
        *money_checks("unit_price_minor", "total_minor", "discount_minor", "tax_minor"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    position: Mapped[int]
    variant_id: Mapped[UUID]
    product_id: Mapped[UUID]
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = amount_column()
    total_minor: Mapped[int] = amount_column()
    discount_minor: Mapped[int] = amount_column(default=0, server_default=text("0"))
    tax_minor: Mapped[int] = amount_column(default=0, server_default=text("0"))
    currency: Mapped[str] = currency_column()


class OrderAdjustment(Keyed, Model):
    """What a price rule added; the amounts of a phase sum to the order's discount, shipping or tax.

    The order's shipping is what those of `shipping_discount` leave of the fee. `included` taxes are evidence
    of what the prices hold, and no part of that sum.
    """

    __tablename__ = "orders_adjustment"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        one_of("phase", PricePhase, "phase_known"),
        CheckConstraint("NOT included OR phase = 'tax'", name="included_tax"),
        *money_checks("amount_minor"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id", ondelete="CASCADE"))
    position: Mapped[int]
    phase: Mapped[str] = mapped_column(String(20))
    rule: Mapped[str]
    label: Mapped[str]
    amount_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
    rate: Mapped[Decimal | None] = mapped_column(Numeric)
    included: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
