"""What is left of an order's money, and asking for some of it back. Under the order's lock, always."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nexus_kernel import Money, invalid_field, services
from nexus_kernel.contracts.payments import PaymentService
from nexus_kernel.money import MoneyError
from nexus_orders import errors
from nexus_orders.models import Order, OrderItem, OrderPayment, OrderRefund
from nexus_orders.states import HOLDING, RefundStatus


@dataclass(frozen=True, slots=True)
class Sums:
    """Minor units of an order: on their way back, given back, and captured as far as the payments told.

    `captured` is 0 for an order that was paid before that was noted. `is_told` is False until the payments
    told of a refund.
    """

    asked: int
    refunded: int
    captured: int
    is_told: bool

    @property
    def net(self) -> int:
        """What the shop holds, once the payments told of a refund."""
        return self.captured - self.refunded

    def left(self, total: int) -> int:
        """What can be asked back of an order of this total: never more than the total in all."""
        return min(total, (self.captured or total) - self.refunded) - self.asked


def sums_of(session: Session, order: Order) -> Sums:
    """The sums of a locked order. Each refund has a row, so events may come in any order. One query."""
    amount = func.sum(OrderRefund.amount_minor)
    is_asked, is_refunded = (
        OrderRefund.status == status for status in (RefundStatus.ASKED, RefundStatus.REFUNDED)
    )
    came = (
        select(func.coalesce(func.sum(OrderPayment.amount_minor), 0))
        .where(OrderPayment.order_id == order.id, OrderPayment.currency == order.currency)
        .scalar_subquery()
    )
    row = session.execute(
        select(
            came.label("came"),
            func.coalesce(amount.filter(is_asked), 0).label("asked"),
            func.coalesce(amount.filter(is_refunded), 0).label("refunded"),
            func.max(OrderRefund.captured_minor).label("captured"),
        ).where(OrderRefund.order_id == order.id)
    ).one()
    captured = max(int(row.came), row.captured or 0)
    return Sums(int(row.asked), int(row.refunded), captured, row.captured is not None)


def check_holding(order: Order) -> None:
    """Raises NothingPaid where the shop holds no money for a locked order."""
    if order.payment_status not in HOLDING or not order.total_minor:
        raise errors.NothingPaid(f"Order {order.number} is not paid through the shop, or was given back.")


def check_left(amount: Money, left: Money) -> None:
    """Raises RefundTooLarge for more than is left."""
    if amount > left:
        raise errors.RefundTooLarge(
            f"{left} {left.currency} are left to give back.", left=str(left), currency=left.currency
        )


def wanted(session: Session, order: Order, args: Mapping[str, Any], left: Money) -> Money:
    """The amount that `args` name: `amount`, what its `lines` cost, or all that is left.

    Raises Invalid for no amount above 0 or a foreign item, RefundTooLarge for more than is left.
    """
    if args.get("amount") is not None:
        amount = parse(args["amount"], order.currency)
    elif args.get("lines") is not None:
        amount = _cost_of(session, order, args["lines"])
    else:
        amount = left
    if not amount and left:
        raise invalid_field("lines", "These pieces cost nothing.", "nothing_to_refund")
    check_left(amount or Money(1, order.currency), left)
    return amount


def parse(amount: Decimal, currency: str) -> Money:
    """The amount of the field `amount`, above 0. Raises Invalid."""
    try:
        money = Money.parse(amount, currency)
    except MoneyError as error:
        raise invalid_field("amount", f"{error}.") from None
    if not money:
        raise invalid_field("amount", "Must be above 0.", "nothing_to_refund")
    return money


def ask_payments(
    session: Session,
    order: Order,
    amount: Money,
    *,
    reference: str,
    reason: str,
    actor_id: UUID | None,
    **belongs_to: UUID,
) -> OrderRefund:
    """Ask the payments for money of a locked order, in this transaction, and note it.

    `belongs_to` names the request. Raises Conflict where the payments have less than that.
    """
    refund_id = services.get(PaymentService).refund(
        "order", order.id, amount, reference=reference, reason=reason, actor_id=actor_id
    )
    refund = OrderRefund(
        order_id=order.id,
        refund_id=refund_id,
        reference=reference,
        amount_minor=amount.minor,
        currency=amount.currency,
        status=RefundStatus.ASKED,
        reason=reason,
        actor_id=actor_id,
        **belongs_to,
    )
    session.add(refund)
    session.flush()
    return refund


def attempt_of(kind: str, id: UUID, attempts: int) -> str:
    """The reference of an attempt: the payments take the same one for the same wish."""
    return f"{kind}:{id}" if attempts == 1 else f"{kind}:{id}:{attempts}"


def _cost_of(session: Session, order: Order, lines: Sequence[Mapping[str, Any]]) -> Money:
    """What these pieces cost with their shares of discount and tax, without shipping and its tax."""
    items = session.scalars(
        select(OrderItem).where(OrderItem.order_id == order.id).order_by(OrderItem.position)
    ).all()
    by_id, minor = {item.id: item for item in items}, 0
    for position, line in enumerate(lines):
        item = by_id.get(line["item_id"])
        if item is None:
            message = "There is no such item in this order."
            raise invalid_field(f"lines[{position}].item_id", message, "unknown_item")
        if line["quantity"] > item.quantity:
            message = f"The order has {item.quantity} of it."
            raise invalid_field(f"lines[{position}].quantity", message, "too_many")
        cost = item.total_minor - item.discount_minor + item.tax_minor
        minor += cost * line["quantity"] // item.quantity
    return Money(minor, order.currency)
