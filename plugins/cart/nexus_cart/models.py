"""The two tables of the cart."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks

MAX_QUANTITY = 999
"""Pieces in one line, at most."""


class Cart(Keyed, Timestamped, Model):
    """A cart of a person, whose id is `holder_id`, or of a guest, whose token gives it.

    `generation` counts the checkouts that emptied it; `version` counts its changes. Every change writes this
    row first, so its lock stands for the whole cart. `look_at` is when the sweep looks at it next, None for
    never until it is changed; `abandoned_version` is the version that was told as abandoned.
    """

    __tablename__ = "cart_cart"
    __table_args__ = (
        UniqueConstraint("holder_id"),
        CheckConstraint("generation >= 1", name="generation_positive"),
        Index("ix_cart_cart_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    holder_id: Mapped[UUID]
    is_guest: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    generation: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    abandoned_version: Mapped[int | None] = mapped_column(BigInteger)
    look_at: Mapped[datetime | None]


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
