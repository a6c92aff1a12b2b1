"""Giving money back: buyers ask, staff decide, or give it back by themselves."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from nexus_kernel import Money, new_id, now, paginate
from nexus_orders import errors
from nexus_orders.models import Order, OrderRefund, OrderRefundRequest
from nexus_orders.services.lifecycle import lock_order, note
from nexus_orders.services.refunding import (
    ask_payments,
    attempt_of,
    check_holding,
    check_left,
    parse,
    sums_of,
    wanted,
)
from nexus_orders.states import OPEN, UNDECIDED, PaymentStatus, RefundRequestStatus


class Refunds:
    """What buyers and staff do about refunds, inside the caller's transaction."""

    def __init__(self, session: Session, actor_id: UUID) -> None:
        self._session = session
        self._actor_id = actor_id

    def give(self, order_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the payments to give back an amount, what lines cost, or all that is left; the refund's body.

        Raises OrderNotFound, NothingPaid, RefundTooLarge, Invalid, and Conflict where the payments refuse.
        """
        order = lock_order(self._session, order_id)
        check_holding(order)
        amount, id = wanted(self._session, order, args, self._left(order)), new_id()
        refund = ask_payments(
            self._session,
            order,
            amount,
            reference=f"refund:{id}",
            reason=args["reason"],
            actor_id=self._actor_id,
        )
        note(
            self._session,
            order,
            f"Refund of {amount} {amount.currency} asked: {args['reason']}",
            actor_id=self._actor_id,
        )
        return present_refund(refund)

    def ask(self, order_id: UUID, args: Mapping[str, Any], owner_id: UUID | None) -> dict[str, Any]:
        """A buyer's wish for money back, once until it is decided; the request's body.

        Raises OrderNotFound, NothingPaid, UnderReview, RefundRequestOpen, RefundTooLarge and Invalid.
        """
        order = lock_order(self._session, order_id, owner_id=owner_id)
        check_holding(order)
        if order.payment_status == PaymentStatus.NEEDS_REVIEW:
            raise errors.UnderReview("A payment of this order is being looked at; the shop will tell.")
        self._check_none_open(order)
        amount = wanted(self._session, order, args, self._left(order))
        lines = args.get("lines")
        wish = OrderRefundRequest(
            id=new_id(),
            order_id=order.id,
            requested_by=self._actor_id,
            reason=args["reason"],
            amount_minor=amount.minor,
            currency=amount.currency,
            lines=lines and [{**line, "item_id": str(line["item_id"])} for line in lines],
        )
        self._session.add(wish)
        note(self._session, order, f"Refund of {amount} {amount.currency} wished", actor_id=self._actor_id)
        return self._get(wish.id)

    def approve(self, request_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """Give back what was asked, or another amount. Raises what `give` raises, RequestNotFound and
        AlreadyDecided.
        """
        order, wish = self._lock(request_id)
        _check_undecided(wish)
        check_holding(order)
        given = args.get("amount")
        amount = Money(wish.amount_minor, wish.currency) if given is None else parse(given, wish.currency)
        check_left(amount, self._left(order))
        wish.attempts += 1
        wish.approved_minor = amount.minor
        self._decide(order, wish, RefundRequestStatus.APPROVED, args["note"])
        ask_payments(
            self._session,
            order,
            amount,
            reference=attempt_of("refund_request", wish.id, wish.attempts),
            reason="At the buyer's wish",
            actor_id=self._actor_id,
            request_id=wish.id,
        )
        return self._get(request_id)

    def decline(self, request_id: UUID, remark: str) -> dict[str, Any]:
        """Say no, and why. Raises RequestNotFound or AlreadyDecided."""
        order, wish = self._lock(request_id)
        _check_undecided(wish)
        self._decide(order, wish, RefundRequestStatus.DECLINED, remark)
        return self._get(request_id)

    def page(self, args: Mapping[str, Any], order_id: UUID | None = None) -> dict[str, Any]:
        """A page of requests, of one order or of all, the newest first. At most two queries."""
        statement = _requests()
        if order_id is not None:
            statement = statement.where(OrderRefundRequest.order_id == order_id)
        if "status" in args:
            statement = statement.where(OrderRefundRequest.status == args["status"])
        order = [OrderRefundRequest.id]
        return paginate(self._session, statement, order=order, args=args, present=_present_request)

    def given(self, order_id: UUID, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of an order's refunds, the newest first. At most two queries."""
        statement = select(*OrderRefund.__table__.columns).where(OrderRefund.order_id == order_id)
        order = [OrderRefund.id]
        return paginate(self._session, statement, order=order, args=args, present=present_refund)

    def _left(self, order: Order) -> Money:
        return Money(max(0, sums_of(self._session, order).left(order.total_minor)), order.currency)

    def _check_none_open(self, order: Order) -> None:
        wish = OrderRefundRequest
        statement = select(wish.id).where(wish.order_id == order.id, wish.status.in_(OPEN))
        if self._session.scalar(statement) is not None:
            raise errors.RefundRequestOpen("You have asked before; wait for what comes of it.")

    def _lock(self, request_id: UUID) -> tuple[Order, OrderRefundRequest]:
        """The order, locked, and its request as it is under the lock."""
        wish = self._session.get(OrderRefundRequest, request_id)
        if wish is None:
            raise errors.RequestNotFound("There is no such request.")
        order = lock_order(self._session, wish.order_id)
        self._session.refresh(wish)
        return order, wish

    def _decide(
        self, order: Order, wish: OrderRefundRequest, status: RefundRequestStatus, remark: str
    ) -> None:
        wish.status, wish.note = status, remark
        wish.decided_by, wish.decided_at = self._actor_id, now()
        note(self._session, order, f"Refund request {status}", actor_id=self._actor_id)
        self._session.flush()

    def _get(self, request_id: UUID) -> dict[str, Any]:
        self._session.flush()
        statement = _requests().where(OrderRefundRequest.id == request_id)
        return _present_request(self._session.execute(statement).one())


def present_refund(refund: Any) -> dict[str, Any]:
    """The body of a refund, of its row or its model."""
    names = ("id", "order_id", "currency", "status", "reason", "failure", "asked_at", "updated_at")
    amount = Money(refund.amount_minor, refund.currency)
    return {**{name: getattr(refund, name) for name in names}, "amount": amount}


def _requests() -> Select[Any]:
    columns = (*OrderRefundRequest.__table__.columns, Order.number, Order.user_id)
    return select(*columns).join(Order, Order.id == OrderRefundRequest.order_id)


def _present_request(row: Any) -> dict[str, Any]:
    approved = None if row.approved_minor is None else Money(row.approved_minor, row.currency)
    asked = Money(row.amount_minor, row.currency)
    return {**row._mapping, "amount": asked, "approved_amount": approved}


def _check_undecided(wish: OrderRefundRequest) -> None:
    if wish.status not in UNDECIDED:
        raise errors.AlreadyDecided(f"The request is {wish.status}.", state=wish.status)
