"""What orders can be wrapped in, and what is to be wrapped."""

from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel import Keyed, Model, Timestamped, amount_column, currency_column, money_checks


class Paper(Keyed, Model):
    """A wrapping paper; `code` is what buyers name it by."""

    __tablename__ = "gift_wrap_paper"
    __table_args__ = (UniqueConstraint("code"), *money_checks("fee_minor"))

    code: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(100))
    fee_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()


class Wrapping(Keyed, Timestamped, Model):
    """An order that is to be wrapped. The order belongs to another plugin, so its id is plain."""

    __tablename__ = "gift_wrap_wrapping"
    __table_args__ = (UniqueConstraint("order_id"),)

    order_id: Mapped[UUID]
    paper_id: Mapped[UUID] = mapped_column(ForeignKey("gift_wrap_paper.id"))
    message: Mapped[str] = mapped_column(String(200))
