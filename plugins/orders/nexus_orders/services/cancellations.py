"""Cancelling: at once while nothing is paid or shipped; a paid order by a request that staff decide."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from nexus_kernel import Money, new_id, now, paginate, publish
from nexus_kernel.contracts.orders import OrderCancellationDecided
from nexus_orders import errors
from nexus_orders.models import Order, OrderCancellationRequest
from nexus_orders.services.lifecycle import check_legal, check_unshipped, lock_order, note, transition
from nexus_orders.services.refunding import ask_payments, attempt_of, sums_of
from nexus_orders.states import (
    HOLDING,
    OPEN,
    UNDECIDED,
    CancellationStatus,
    OrderStatus,
    PaymentStatus,
)

GIVEN_BACK = "Cancelled at the buyer's wish"
"""What refunds and the history say; the buyer's own words stay in the request, where they can be erased."""

_COLUMNS = (*OrderCancellationRequest.__table__.columns, Order.number, Order.user_id)


class Cancellations:
    """What buyers and staff do about cancellations, inside the caller's transaction."""

    def __init__(self, session: Session, actor_id: UUID) -> None:
        self._session = session
        self._actor_id = actor_id

    def ask(self, order: Order, reason: str) -> None:
        """Cancel a locked order, or where it is paid ask for that; a second wish changes nothing.

        Raises IllegalTransition or PartlyShipped.
        """
        check_legal(order, OrderStatus.CANCELLED)
        if order.payment_status not in HOLDING or not _needs_refund(order):
            reason = reason or "Cancelled by the buyer"
            transition(self._session, order, OrderStatus.CANCELLED, actor_id=self._actor_id, reason=reason)
            return
        check_unshipped(self._session, order)
        if self._open_of(order) is None:
            wish = OrderCancellationRequest(
                id=new_id(), order_id=order.id, requested_by=self._actor_id, reason=reason
            )
            self._session.add(wish)
            note(self._session, order, "Asked to be cancelled", actor_id=self._actor_id)
            self._session.flush()

    def withdraw(self, order: Order) -> None:
        """Take back a wish that nobody decided. Raises RequestNotFound or AlreadyDecided."""
        wish = self._open_of(order)
        if wish is None:
            raise errors.RequestNotFound("There is no open request to cancel this order.")
        _check_undecided(wish, CancellationStatus.REQUESTED)
        wish.status = CancellationStatus.WITHDRAWN
        note(self._session, order, "Not to be cancelled any more", actor_id=self._actor_id)
        self._session.flush()

    def approve(self, request_id: UUID, remark: str) -> dict[str, Any]:
        """Ask all that is left of the money back; the order is cancelled once it was given back.

        Where nothing is held any more it is cancelled at once. Raises RequestNotFound, AlreadyDecided,
        UnderReview, IllegalTransition or PartlyShipped for an order that left meanwhile, and Conflict where
        the payments refuse.
        """
        order, wish = self._lock(request_id)
        _check_undecided(wish, *UNDECIDED)
        check_legal(order, OrderStatus.CANCELLED)
        check_unshipped(self._session, order)
        if order.payment_status == PaymentStatus.NEEDS_REVIEW:
            raise errors.UnderReview("A payment does not fit: see to it first, then approve.")
        is_first = wish.status == CancellationStatus.REQUESTED
        self._decide(order, wish, CancellationStatus.APPROVED, remark, tell=is_first)
        if _needs_refund(order) and order.payment_status in HOLDING:
            self._ask_back(order, wish)
        else:
            transition(
                self._session, order, OrderStatus.CANCELLED, actor_id=self._actor_id, reason=GIVEN_BACK
            )
        return self._get(request_id)

    def decline(self, request_id: UUID, remark: str) -> dict[str, Any]:
        """Say no, and why. Raises RequestNotFound or AlreadyDecided."""
        order, wish = self._lock(request_id)
        _check_undecided(wish, *UNDECIDED)
        self._decide(order, wish, CancellationStatus.DECLINED, remark)
        return self._get(request_id)

    def page(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of requests, the newest first. At most two queries."""
        statement = select(*_COLUMNS).join(Order, Order.id == OrderCancellationRequest.order_id)
        if "status" in args:
            statement = statement.where(OrderCancellationRequest.status == args["status"])
        order = [OrderCancellationRequest.id]
        return paginate(self._session, statement, order=order, args=args, present=lambda row: row._mapping)

    def _lock(self, request_id: UUID) -> tuple[Order, OrderCancellationRequest]:
        """The order, locked, and its request as it is under the lock."""
        wish = self._session.get(OrderCancellationRequest, request_id)
        if wish is None:
            raise errors.RequestNotFound("There is no such request.")
        order = lock_order(self._session, wish.order_id)
        self._session.refresh(wish)
        return order, wish

    def _open_of(self, order: Order) -> OrderCancellationRequest | None:
        wish = OrderCancellationRequest
        statement = select(wish).where(wish.order_id == order.id, wish.status.in_(OPEN))
        return self._session.scalars(statement, execution_options={"populate_existing": True}).first()

    def _decide(
        self,
        order: Order,
        wish: OrderCancellationRequest,
        status: CancellationStatus,
        remark: str,
        *,
        tell: bool = True,
    ) -> None:
        wish.status, wish.note = status, remark
        wish.decided_by, wish.decided_at = self._actor_id, now()
        note(self._session, order, f"Cancellation {status}", actor_id=self._actor_id)
        self._session.flush()
        if tell:
            publish(
                OrderCancellationDecided(
                    order_id=order.id,
                    number=order.number,
                    user_id=order.user_id,
                    request_id=wish.id,
                    approved=status is CancellationStatus.APPROVED,
                    note=remark,
                )
            )

    def _ask_back(self, order: Order, wish: OrderCancellationRequest) -> None:
        """Ask for what is left; where all of it is on its way already, its arrival cancels the order."""
        left = sums_of(self._session, order).left(order.total_minor)
        if left <= 0:
            return
        wish.attempts += 1
        ask_payments(
            self._session,
            order,
            Money(left, order.currency),
            reference=attempt_of("cancellation", wish.id, wish.attempts),
            reason=GIVEN_BACK,
            actor_id=self._actor_id,
            cancellation_id=wish.id,
        )

    def _get(self, request_id: UUID) -> dict[str, Any]:
        self._session.flush()
        statement = select(*_COLUMNS).join(Order, Order.id == OrderCancellationRequest.order_id)
        row = self._session.execute(statement.where(OrderCancellationRequest.id == request_id)).one()
        return dict(row._mapping)


def _needs_refund(order: Order) -> bool:
    """False for an order of nothing, unless a payment came for it all the same."""
    return bool(order.total_minor) or order.payment_status == PaymentStatus.NEEDS_REVIEW


def _check_undecided(wish: OrderCancellationRequest, *undecided: CancellationStatus) -> None:
    if wish.status not in undecided:
        raise errors.AlreadyDecided(f"The request is {wish.status}.", state=wish.status)
