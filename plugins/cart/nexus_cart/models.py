"""The two tables of the cart."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks

MAX_QUANTITY = 999
"""Pieces in one line, at most."""


class Cart(Keyed, Timestamped, Model):
    """A person's cart.

    `generation` counts the checkouts that emptied it; `version` counts its changes. Every change writes this
    row first, so its lock stands for the whole cart.
    """

    __tablename__ = "cart_cart"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("generation >= 1", name="generation_positive"),
    )

    user_id: Mapped[UUID]
    generation: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))


class CartItem(Keyed, Timestamped, Model):
    """`quantity` pieces of a variant; `unit_price_minor` is what one cost when pieces were last added."""

    __tablename__ = "cart_item"
    __table_args__ = (
        UniqueConstraint("cart_id", "variant_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_QUANTITY}", name="quantity_range"),
        *money_checks("unit_price_minor"),
    )

    cart_id: Mapped[UUID] = mapped_column(ForeignKey("cart_cart.id", ondelete="CASCADE"))
    variant_id: Mapped[UUID]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()
