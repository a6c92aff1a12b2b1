"""What came of refunds: the payments' events put an order's money right, and end a cancellation.

Events may come twice, late and in any order: each refund has one row. A refund that was rejected stays so,
for the payments may take one back that they told as given.
"""

import logging
from typing import Any
from uuid import UUID

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
        if found is None or found[1].status != RefundStatus.ASKED:
            return
        order, refund = found
        refund.status, refund.failure = RefundStatus.REFUNDED, ""
        refund.refunded_minor, refund.captured_minor = event.refunded.minor, event.captured.minor
        self._session.flush()
        self._answer(refund)
        settle(self._session, order)
        note(self._session, order, f"{event.amount} {event.amount.currency} given back")
        self._settle_cancellation(order)

    def rejected(self, event: RefundRejected) -> None:
        """Money did not go back: what it was asked for is with staff again."""
        found = self._find(event)
        if found is None or found[1].status == RefundStatus.REJECTED:
            return
        order, refund = found
        came_back = refund.status == RefundStatus.REFUNDED
        refund.status, refund.failure = RefundStatus.REJECTED, event.reason
        self._session.flush()
        if came_back and order.payment_status == PaymentStatus.REFUNDED:
            order.payment_status = PaymentStatus.NEEDS_REVIEW
        elif came_back:
            settle(self._session, order)
        self._answer(refund)
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
        known = OrderRefund.refund_id == event.refund_id
        refund = self._one(OrderRefund.order_id == order.id, known) or self._part_of(order, event)
        if refund.status == RefundStatus.ASKED and refund.amount_minor > event.amount.minor:
            self._split(refund, event.amount.minor)
        return order, refund

    def _part_of(self, order: Order, event: PaymentRefunded | RefundRejected) -> OrderRefund:
        """A refund that is told for the first time: a part of what was asked, or begun by the payments."""
        asked = None
        if event.reference:
            asked = self._one(
                OrderRefund.order_id == order.id,
                OrderRefund.reference == event.reference,
                OrderRefund.status == RefundStatus.ASKED,
            )
        if asked is not None and asked.amount_minor > event.amount.minor:
            first_id, asked.refund_id = asked.refund_id, event.refund_id
            self._session.flush()
            self._split(asked, event.amount.minor, first_id)
            return asked
        if asked is not None and asked.refund_id is None:
            asked.refund_id = event.refund_id
            return asked
        own = OrderRefund(
            order_id=order.id,
            refund_id=event.refund_id,
            reference=event.reference,
            amount_minor=event.amount.minor,
            currency=event.amount.currency,
            status=RefundStatus.ASKED,
        )
        self._session.add(own)
        return own

    def _split(self, refund: OrderRefund, minor: int, rest_id: UUID | None = None) -> None:
        """Leave `minor` in this row, and the rest, which is not told yet, in another one."""
        names = ("order_id", "reference", "cancellation_id", "request_id", "currency", "reason", "actor_id")
        rest = {name: getattr(refund, name) for name in names}
        amount = refund.amount_minor - minor
        refund.amount_minor = minor
        self._session.add(
            OrderRefund(**rest, refund_id=rest_id, amount_minor=amount, status=RefundStatus.ASKED)
        )
        self._session.flush()

    def _one(self, *conditions: Any) -> OrderRefund | None:
        statement = select(OrderRefund).where(*conditions).order_by(OrderRefund.id)
        return self._session.scalars(statement, execution_options={"populate_existing": True}).first()

    def _answer(self, refund: OrderRefund) -> None:
        """What became of a buyer's request, once everything that was asked for it is told."""
        if refund.request_id is None:
            return
        same = (OrderRefund.request_id == refund.request_id, OrderRefund.reference == refund.reference)
        states = set(self._session.scalars(select(OrderRefund.status).where(*same)))
        if RefundStatus.ASKED in states:
            return
        failed = RefundStatus.REJECTED in states
        status = RefundRequestStatus.REFUND_FAILED if failed else RefundRequestStatus.REFUNDED
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
