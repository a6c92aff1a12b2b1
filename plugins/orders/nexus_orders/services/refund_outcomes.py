"""What came of refunds: the payments' events put an order's money right, and end a cancellation.

Events may come twice, late and in any order: each refund has one row, and the largest sums told hold.
"""

import logging

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from nexus_kernel import now
from nexus_kernel.contracts.payments import PaymentRefunded, RefundRejected
from nexus_orders import errors
from nexus_orders.models import (
    Order,
    OrderCancellationRequest,
    OrderRefund,
    OrderRefundRequest,
    Shipment,
)
from nexus_orders.services.cancellations import GIVEN_BACK
from nexus_orders.services.lifecycle import lock_order, note, transition
from nexus_orders.services.refunding import Sums, sums_of
from nexus_orders.states import (
    HOLDING,
    TRANSITIONS,
    UNDECIDED,
    CancellationStatus,
    OrderStatus,
    PaymentStatus,
    RefundRequestStatus,
    RefundStatus,
)

log = logging.getLogger("nexus.orders")

ALL_GIVEN_BACK = "All of the money was given back."
"""The note of a refund request that nobody has to decide any more."""


class RefundOutcomes:
    """Applies `payments.refunded` and `payments.refund_rejected`, inside the delivery's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def refunded(self, event: PaymentRefunded) -> None:
        """Money went back. When nothing is left, an approved cancellation becomes true."""
        found = self._find(event)
        if found is None or found[1].status == RefundStatus.REFUNDED:
            return
        order, refund = found
        refund.status, refund.failure = RefundStatus.REFUNDED, ""
        refund.refunded_minor, refund.captured_minor = event.refunded.minor, event.captured.minor
        self._session.flush()
        self._answer(refund, RefundRequestStatus.REFUNDED)
        settle(self._session, order)
        note(self._session, order, f"{event.amount} {event.amount.currency} given back")
        self._settle_cancellation(order)

    def rejected(self, event: RefundRejected) -> None:
        """Money did not go back: what it was asked for is with staff again."""
        found = self._find(event)
        if found is None or found[1].status != RefundStatus.ASKED:
            return
        order, refund = found
        refund.status, refund.failure = RefundStatus.REJECTED, event.reason
        self._session.flush()
        self._answer(refund, RefundRequestStatus.REFUND_FAILED)
        remark = f"{event.amount} {event.amount.currency} could not be given back: {event.reason}"
        log.error("order %s: %s", order.number, remark)
        note(self._session, order, remark)
        self._settle_cancellation(order)

    def _find(self, event: PaymentRefunded | RefundRejected) -> tuple[Order, OrderRefund] | None:
        """The locked order and the refund's row, made where the payments began it themselves."""
        if event.payable_kind != "order":
            return None
        try:
            order = lock_order(self._session, event.payable_id)
        except errors.OrderNotFound:
            log.error("%s of refund %s names no order: %s", event.name, event.refund_id, event.payable_id)
            return None
        statement = select(OrderRefund).where(OrderRefund.refund_id == event.refund_id)
        refund = self._session.scalars(statement, execution_options={"populate_existing": True}).first()
        if refund is None:
            refund = OrderRefund(
                order_id=order.id,
                refund_id=event.refund_id,
                amount_minor=event.amount.minor,
                currency=event.amount.currency,
                status=RefundStatus.ASKED,
            )
            self._session.add(refund)
        return order, refund

    def _answer(self, refund: OrderRefund, status: RefundRequestStatus) -> None:
        if refund.request_id is not None:
            self._session.execute(
                update(OrderRefundRequest)
                .where(OrderRefundRequest.id == refund.request_id)
                .values(status=status, updated_at=now())
            )

    def _settle_cancellation(self, order: Order) -> None:
        """Cancel an order whose approved cancellation waited for its money, or give it back to staff."""
        wish = self._session.scalars(
            select(OrderCancellationRequest).where(
                OrderCancellationRequest.order_id == order.id,
                OrderCancellationRequest.status.in_(
                    (CancellationStatus.APPROVED, CancellationStatus.REFUND_FAILED)
                ),
            ),
            execution_options={"populate_existing": True},
        ).first()
        if wish is None:
            return
        if order.payment_status == PaymentStatus.REFUNDED and self._can_be_cancelled(order):
            transition(self._session, order, OrderStatus.CANCELLED, actor_id=None, reason=GIVEN_BACK)
        elif not sums_of(self._session, order).asked:
            wish.status = CancellationStatus.REFUND_FAILED
            self._session.flush()

    def _can_be_cancelled(self, order: Order) -> bool:
        """An order may leave after a refund of it was rejected, and before that turned out to be wrong."""
        if OrderStatus.CANCELLED not in TRANSITIONS[OrderStatus(order.status)]:
            return False
        return not self._session.scalar(select(exists().where(Shipment.order_id == order.id)))


def settle(session: Session, order: Order) -> Sums:
    """Set the payment status of a locked order to what the refunds told leave of its money.

    An order that waits for its payment, or is under review and not all given back, stays as it is.
    """
    sums = sums_of(session, order)
    if not sums.is_told or order.payment_status not in HOLDING:
        return sums
    if sums.net <= 0:
        order.payment_status = PaymentStatus.REFUNDED
        _close_requests(session, order)
    elif order.payment_status != PaymentStatus.NEEDS_REVIEW:
        is_whole = sums.net >= order.total_minor
        order.payment_status = PaymentStatus.PAID if is_whole else PaymentStatus.PARTIALLY_REFUNDED
    session.flush()
    return sums


def _close_requests(session: Session, order: Order) -> None:
    wish = OrderRefundRequest
    session.execute(
        update(wish)
        .where(wish.order_id == order.id, wish.status.in_(UNDECIDED))
        .values(status=RefundRequestStatus.DECLINED, note=ALL_GIVEN_BACK, updated_at=now())
    )
