"""How an order moves: the one transition function, and what buyers and time do to an order."""

import logging
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from nexus_kernel import Money, now, publish, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.contracts.orders import OrderCompleted, OrderLineView, OrderStatusChanged
from nexus_orders import errors
from nexus_orders.models import Order, OrderCancellationRequest, OrderHistory, OrderItem, Shipment
from nexus_orders.states import (
    FINAL,
    OPEN,
    PAID,
    SYSTEM_TRANSITIONS,
    TRANSITIONS,
    UNPAID,
    CancellationStatus,
    OrderStatus,
    PaymentStatus,
)

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

    Cancelling gives its pieces back, once, because a second cancellation is illegal; shipping is what
    `Shipments` does, which takes them out of the stock; delivering completes the order. Without an actor the
    steps of `SYSTEM_TRANSITIONS` are legal too; the caller has held the pieces of an order that comes back.
    Raises IllegalTransition, PartlyShipped, or AlreadyPaid where an order with money would be cancelled.
    """
    old = OrderStatus(order.status)
    if not (actor_id is None and (old, to, reason) in SYSTEM_TRANSITIONS):
        check_legal(order, to)
    if to is OrderStatus.CANCELLED:
        check_unshipped(session, order)
        if order.payment_status in PAID and order.total_minor:
            raise errors.AlreadyPaid("Money has come for this order: it is cancelled after the refund of it.")
    order.status = to
    if order.buyer_erased_at is not None and to in FINAL:
        _forget_buyer(session, order)
    note(session, order, reason, old_status=old, actor_id=actor_id)
    session.flush()
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
    if to is OrderStatus.CANCELLED:
        _after_cancelling(session, order)
    if to is OrderStatus.DELIVERED:
        publish(_completed(session, order))


def check_legal(order: Order, to: OrderStatus) -> None:
    """Raises IllegalTransition where the order cannot become `to`, and names what it can become."""
    old = OrderStatus(order.status)
    if to not in TRANSITIONS[old]:
        legal = [str(status) for status in TRANSITIONS[old]]
        can = f"It can become {' or '.join(legal)}." if legal else "It is final."
        raise errors.IllegalTransition(f"The order is {old} and cannot become {to}. {can}", legal=legal)


def check_unshipped(session: Session, order: Order) -> None:
    """Raises PartlyShipped where pieces of a locked order have left."""
    if order.status == OrderStatus.PROCESSING and session.scalar(
        select(exists().where(Shipment.order_id == order.id))
    ):
        raise errors.PartlyShipped("Part of the order is on its way, so it cannot be cancelled any more.")


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
    """Cancel orders that are not paid when their time is over, one transaction each, and return how many.

    So goes one whose money all went back before it was confirmed. An order that another worker or a payment
    holds is passed over; one that fails is logged and passed over, and both are found again by the next run.
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
            Order.payment_status.in_((*UNPAID, PaymentStatus.REFUNDED)),
            Order.expires_at <= now(),
            Order.id.not_in(failed),
        )
        .order_by(Order.expires_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return session.scalars(statement).first()


def _after_cancelling(session: Session, order: Order) -> None:
    """Give the pieces back; a wish to cancel the order has come true, whatever it came from."""
    if order.payment_status not in UNPAID:
        wish = OrderCancellationRequest
        session.execute(
            update(wish)
            .where(wish.order_id == order.id, wish.status.in_(OPEN))
            .values(status=CancellationStatus.COMPLETED, updated_at=now())
        )
    if not services.get(StockService).release(reference_of(order.id)):
        log.error("order %s was cancelled, but no stock was held for it", order.number)


def _forget_buyer(session: Session, order: Order) -> None:
    """Who an erased buyer was, where it went, and the links that lead there."""
    order.forget_buyer()
    session.execute(
        update(Shipment).where(Shipment.order_id == order.id).values(tracking_code="", tracking_url=None)
    )


def _completed(session: Session, order: Order) -> OrderCompleted:
    items = session.scalars(
        select(OrderItem).where(OrderItem.order_id == order.id).order_by(OrderItem.position)
    )
    return OrderCompleted(
        order_id=order.id,
        number=order.number,
        user_id=order.user_id,
        lines=tuple(line_view(item, item.quantity) for item in items),
    )


def line_view(item: OrderItem, quantity: int) -> OrderLineView:
    """That many pieces of an item, as events tell them."""
    unit_price = Money(item.unit_price_minor, item.currency)
    return OrderLineView(
        title=item.title,
        sku=item.sku,
        quantity=quantity,
        unit_price=unit_price,
        total=unit_price * quantity,
        variant_id=item.variant_id,
        product_id=item.product_id,
    )
