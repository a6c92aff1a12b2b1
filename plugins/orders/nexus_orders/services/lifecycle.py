"""How an order moves: the one transition function, and what buyers and time do to an order."""

import logging
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from nexus_kernel import Money, now, publish, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.contracts.orders import OrderCompleted, OrderLineView, OrderStatusChanged
from nexus_orders import errors
from nexus_orders.models import Order, OrderHistory, OrderItem
from nexus_orders.states import FINAL, PAID, SYSTEM_TRANSITIONS, TRANSITIONS, UNPAID, OrderStatus

log = logging.getLogger("nexus.orders")

EXPIRED = "expired"
"""The reason in the history of an order that was never paid."""


def reference_of(order_id: UUID) -> str:
    """What an order's pieces are held for in the stock."""
    return f"order:{order_id}"


def lock_order(session: Session, order_id: UUID, *, owner_id: UUID | None = None) -> Order:
    """The order, locked until the transaction ends. With `owner_id`, only that person's.

    Raises OrderNotFound.
    """
    statement = select(Order).where(Order.id == order_id).with_for_update(key_share=True)
    if owner_id is not None:
        statement = statement.where(Order.user_id == owner_id)
    order = session.scalars(statement, execution_options={"populate_existing": True}).first()
    if order is None:
        raise errors.OrderNotFound()
    return order


def transition(
    session: Session, order: Order, to: OrderStatus, *, actor_id: UUID | None, reason: str
) -> None:
    """Move an order that is locked (`lock_order`): history, stock and event, in this transaction.

    Shipping takes its pieces out of the stock, cancelling gives them back; delivering completes the order.
    Each once, because a second transition of the same kind is illegal. Without an actor the steps of
    `SYSTEM_TRANSITIONS` are legal too; the caller has held the pieces of an order that comes back. Raises
    IllegalTransition, or AlreadyPaid where an order that holds money would be cancelled.
    """
    old = OrderStatus(order.status)
    by_system = actor_id is None and (old, to, reason) in SYSTEM_TRANSITIONS
    if to not in TRANSITIONS[old] and not by_system:
        legal = [str(status) for status in TRANSITIONS[old]]
        can = f"It can become {' or '.join(legal)}." if legal else "It is final."
        raise errors.IllegalTransition(f"The order is {old} and cannot become {to}. {can}", legal=legal)
    if to is OrderStatus.CANCELLED and order.payment_status in PAID and order.total_minor:
        raise errors.AlreadyPaid("Money has come for this order: it is cancelled after the refund of it.")
    order.status = to
    if order.buyer_erased_at is not None and to in FINAL:
        order.forget_buyer()
    note(session, order, reason, old_status=old, actor_id=actor_id)
    session.flush()
    _move_stock(order, to)
    publish(
        OrderStatusChanged(
            order_id=order.id,
            number=order.number,
            user_id=order.user_id,
            old_status=old,
            new_status=to,
            reason=reason,
        )
    )
    if to is OrderStatus.DELIVERED:
        publish(_completed(session, order))


def cancel(session: Session, order: Order, *, actor_id: UUID | None, reason: str) -> None:
    """Cancel a locked order that is neither paid nor shipped. Raises IllegalTransition or AlreadyPaid."""
    open_to_it = OrderStatus.CANCELLED in TRANSITIONS[OrderStatus(order.status)]
    if open_to_it and order.payment_status not in UNPAID:
        raise errors.AlreadyPaid("Money has come for this order; ask the shop to cancel it.")
    transition(session, order, OrderStatus.CANCELLED, actor_id=actor_id, reason=reason)


def hold_again(session: Session, order: Order) -> bool:
    """Hold the pieces of a locked order once more, all of them or none; False when some are gone."""
    lines = select(OrderItem.variant_id, OrderItem.quantity).where(OrderItem.order_id == order.id)
    quantities = {variant_id: quantity for variant_id, quantity in session.execute(lines)}
    attempt = session.begin_nested()
    missing = services.get(StockService).reserve(quantities, reference_of(order.id))
    if missing:
        attempt.rollback()
        return False
    attempt.commit()
    return True


def note(
    session: Session,
    order: Order,
    reason: str,
    *,
    old_status: str | None = None,
    actor_id: UUID | None = None,
) -> None:
    """Write a line of the order's history; without `old_status` the status did not change."""
    session.add(
        OrderHistory(
            order_id=order.id,
            old_status=old_status or order.status,
            new_status=order.status,
            payment_status=order.payment_status,
            actor_id=actor_id,
            reason=reason,
        )
    )


def expire_due(limit: int = 500) -> int:
    """Cancel unpaid orders whose time is over, one transaction each, and return how many.

    An order that another worker or a payment holds is passed over; one that fails is logged and passed over,
    and both are found again by the next run.
    """
    expired, failed = 0, list[UUID]()
    while expired + len(failed) < limit:
        order_id: UUID | None = None
        try:
            with transaction() as session:
                order = _next_due(session, failed)
                if order is None:
                    break
                order_id = order.id
                transition(session, order, OrderStatus.CANCELLED, actor_id=None, reason=EXPIRED)
            expired += 1
        except Exception:
            if order_id is None:
                raise
            log.exception("order %s could not expire", order_id)
            failed.append(order_id)
    return expired


def _next_due(session: Session, failed: list[UUID]) -> Order | None:
    statement = (
        select(Order)
        .where(
            Order.status == OrderStatus.PENDING,
            Order.payment_status.in_(UNPAID),
            Order.expires_at <= now(),
            Order.id.not_in(failed),
        )
        .order_by(Order.expires_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return session.scalars(statement).first()


def _move_stock(order: Order, to: OrderStatus) -> None:
    if to not in (OrderStatus.SHIPPED, OrderStatus.CANCELLED):
        return
    stock, reference = services.get(StockService), reference_of(order.id)
    moved = stock.ship(reference) if to is OrderStatus.SHIPPED else stock.release(reference)
    if not moved:
        log.error("order %s became %s, but no stock was held for it", order.number, to)


def _completed(session: Session, order: Order) -> OrderCompleted:
    items = session.scalars(
        select(OrderItem).where(OrderItem.order_id == order.id).order_by(OrderItem.position)
    )
    return OrderCompleted(
        order_id=order.id,
        number=order.number,
        user_id=order.user_id,
        lines=tuple(_line(item) for item in items),
    )


def _line(item: OrderItem) -> OrderLineView:
    return OrderLineView(
        title=item.title,
        sku=item.sku,
        quantity=item.quantity,
        unit_price=Money(item.unit_price_minor, item.currency),
        total=Money(item.total_minor, item.currency),
        variant_id=item.variant_id,
        product_id=item.product_id,
    )
