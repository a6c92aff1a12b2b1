"""What payments do to orders. Money that came is never forgotten, however late or odd it is."""

import logging

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import now
from nexus_kernel.contracts.payments import PaymentFailed, PaymentNeedsReview, PaymentSucceeded
from nexus_orders import errors
from nexus_orders.models import Order, OrderPayment
from nexus_orders.services.lifecycle import hold_again, lock_order, note, transition
from nexus_orders.services.refund_outcomes import settle
from nexus_orders.services.refunding import sums_of
from nexus_orders.states import PAID_LATE, UNPAID, OrderStatus, PaymentStatus

log = logging.getLogger("nexus.orders")

_PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED)


class OrderMoney:
    """Applies the payments' events to their orders, inside the delivery's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def succeeded(self, event: PaymentSucceeded) -> None:
        """The order is paid, and confirmed when it waited for that.

        Late money brings a cancelled order back when its pieces can be held again. Otherwise it puts the
        order under review, as money of another amount does, and money after all was given back. A second
        payment of a paid order is noted. The same payment twice changes nothing.
        """
        order = self._order(event)
        if order is None or order.paid_payment_id == event.payment_id or not self._is_new(order, event):
            return
        payment = (
            f"payment {event.reference} ({event.amount} {event.amount.currency} through {event.provider})"
        )
        if order.status == OrderStatus.CANCELLED:
            self._late(order, event, f"Late money: {payment} came after the order was cancelled")
        elif order.payment_status in _PAID:
            self._remark(order, f"Paid twice: {payment} came for a paid order")
        elif order.payment_status == PaymentStatus.REFUNDED:
            self._review(order, f"Paid again: {payment} came after the money was given back")
        elif order.payment_status == PaymentStatus.NEEDS_REVIEW and self._has_moved(order):
            self._remark(order, f"A further payment: {payment} came for an order under review")
        elif event.amount != order.total:
            self._review(order, f"Another amount: {payment} came for an order of {order.total}")
        else:
            self._paid(order, event)

    def failed(self, event: PaymentFailed) -> None:
        """An attempt came to nothing; only an order that still waits for its first word shows that."""
        order = self._order(event)
        if order is not None and order.payment_status == PaymentStatus.PENDING:
            order.payment_status = PaymentStatus.FAILED
            note(self._session, order, f"Payment {event.reference} failed: {event.reason}")

    def needs_review(self, event: PaymentNeedsReview) -> None:
        """Money came that does not fit. A paid order stays paid; the remark is in its history."""
        order = self._order(event)
        if order is None:
            return
        if order.payment_status in _PAID:
            self._remark(order, f"A further payment needs review: {event.reason}")
        else:
            self._review(order, f"A payment needs review: {event.reason}")

    def _order(self, event: PaymentSucceeded | PaymentFailed | PaymentNeedsReview) -> Order | None:
        if event.payable_kind != "order":
            return None
        try:
            return lock_order(self._session, event.payable_id)
        except errors.OrderNotFound:
            log.error("%s of payment %s names no order: %s", event.name, event.payment_id, event.payable_id)
            return None

    def _paid(self, order: Order, event: PaymentSucceeded) -> None:
        reason = f"Paid through {event.provider}, {event.reference}"
        if not self._mark_paid(order, event):
            note(self._session, order, f"{reason}, and given back")
        elif order.status == OrderStatus.PENDING:
            transition(self._session, order, OrderStatus.CONFIRMED, actor_id=None, reason=reason)
        else:
            note(self._session, order, reason)

    def _late(self, order: Order, event: PaymentSucceeded, remark: str) -> None:
        if event.amount != order.total:
            return self._review(order, f"{remark}, for a total of {order.total}")
        if order.payment_status not in UNPAID:
            return self._review(order, remark)
        if order.buyer_erased_at is not None:
            return self._review(order, f"{remark}, whose buyer was erased: it has no address any more")
        if not self._mark_paid(order, event):
            return self._remark(order, f"{remark}, and was given back")
        if not hold_again(self._session, order):
            order.paid_payment_id = None
            return self._review(order, f"{remark}, and not all of its pieces are left")
        note(self._session, order, remark)
        transition(self._session, order, OrderStatus.CONFIRMED, actor_id=None, reason=PAID_LATE)

    def _is_new(self, order: Order, event: PaymentSucceeded) -> bool:
        """Note a payment; False when it was told before."""
        amount = {"amount_minor": event.amount.minor, "currency": event.amount.currency}
        told = {"payment_id": event.payment_id, "order_id": order.id, "told_at": now(), **amount}
        statement = insert(OrderPayment).values(told).on_conflict_do_nothing()
        return self._session.execute(statement.returning(OrderPayment.payment_id)).first() is not None

    def _has_moved(self, order: Order) -> bool:
        """Whether a payment paid the order before, or money of it went back: the sums told are older then."""
        return order.paid_payment_id is not None or sums_of(self._session, order).is_told

    def _mark_paid(self, order: Order, event: PaymentSucceeded) -> bool:
        """False where all of the money had been given back before its coming was told."""
        order.payment_status, order.paid_payment_id = PaymentStatus.PAID, event.payment_id
        settle(self._session, order)
        return order.payment_status != PaymentStatus.REFUNDED

    def _review(self, order: Order, reason: str) -> None:
        order.payment_status = PaymentStatus.NEEDS_REVIEW
        self._remark(order, reason)

    def _remark(self, order: Order, reason: str) -> None:
        log.error("order %s: %s", order.number, reason)
        note(self._session, order, reason)
