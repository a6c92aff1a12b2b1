"""Invoices: issued once an order, numbered without a gap, and never changed.

An order is sold when it is paid, or when staff confirmed it: cash on delivery and transfers are invoiced
before the money comes. The number is taken as the last step of the transaction, so a failure leaves no gap,
and the row of the counter is locked for a moment only.
"""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_kernel import Actor, current_nexus, now, services, settings
from nexus_kernel.contracts.accounts import AccountService, PersonView
from nexus_kernel.contracts.payments import PaymentService
from nexus_orders import errors
from nexus_orders.config import OrdersConfig
from nexus_orders.invoices.document import invoice_document
from nexus_orders.models import InvoiceSeries, Order, OrderInvoice
from nexus_orders.services.lifecycle import lock_order
from nexus_orders.services.reading import Orders
from nexus_orders.states import OrderStatus, PaymentStatus

UNNAMED = "Name the seller with NEXUS_ORDERS__SELLER_NAME"
"""Who sells in a shop that is only tried out."""
_UNSOLD = (OrderStatus.PENDING, OrderStatus.CANCELLED)


class Invoices:
    """The invoices that somebody may see: their own, and everybody's for staff. Needs a transaction."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._orders = Orders(session, actor)

    def document(self, order_id: UUID) -> dict[str, Any]:
        """What the invoice of an order says; it is issued when it is first asked for.

        One query for an invoice that is there, a constant number for a new one. Raises OrderNotFound, also
        for a stranger's, NotInvoiced for an order that is not sold, and SellerUnnamed.
        """
        issued = self._issued(order_id)
        if issued is not None:
            return issued
        order = lock_order(self._session, order_id, owner_id=self._orders.owner_id)
        # Somebody may have issued it while this one waited for the order.
        return self._issued(order_id) or self._issue(order)

    def _issued(self, order_id: UUID) -> dict[str, Any] | None:
        statement = select(OrderInvoice.document).join(Order).where(Order.id == order_id)
        return self._session.scalar(self._visible(statement))

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        owner_id = self._orders.owner_id
        return statement if owner_id is None else statement.where(Order.user_id == owner_id)

    def _issue(self, order: Order) -> dict[str, Any]:
        _check_sold(order)
        config, seller = settings(OrdersConfig), _seller()
        order_body, buyer = self._orders.get(order.id), _buyer(order.user_id)
        zone = ZoneInfo(config.invoice_time_zone)
        year = now().astimezone(zone).year
        sequence, issued_at = self._next(config.invoice_series, year)
        number = f"{config.invoice_series}-{year}-{sequence:06d}"
        document = invoice_document(
            number=number,
            issued_at=issued_at,
            day=issued_at.astimezone(zone).date(),
            seller=seller,
            buyer=buyer,
            order=order_body,
            payment=_method(order.payment_method),
        )
        self._session.add(
            OrderInvoice(
                order_id=order.id,
                number=number,
                series=config.invoice_series,
                year=year,
                sequence=sequence,
                issued_at=issued_at,
                document=document,
            )
        )
        self._session.flush()
        return document

    def _next(self, series: str, year: int) -> tuple[int, datetime]:
        """The next number and its time, never before that of the number before. Locks the series' year."""
        row = InvoiceSeries
        first = insert(row).values(series=series, year=year, last=1, issued_at=now())
        taken = first.on_conflict_do_update(
            index_elements=[row.series, row.year],
            set_={
                "last": row.last + 1,
                "issued_at": func.greatest(row.issued_at, first.excluded.issued_at),
            },
        )
        last, issued_at = self._session.execute(taken.returning(row.last, row.issued_at)).one()
        return last, issued_at


def _check_sold(order: Order) -> None:
    paid = order.payment_status == PaymentStatus.PAID and order.status != OrderStatus.CANCELLED
    if order.payment_status == PaymentStatus.NEEDS_REVIEW:
        raise errors.NotInvoiced("The payment of this order is being looked at.")
    if order.status in _UNSOLD and not paid:
        raise errors.NotInvoiced(f"The order is {order.status} and not paid; there is nothing to invoice.")


def _seller() -> dict[str, str]:
    config = settings(OrdersConfig)
    if not config.seller_name and current_nexus().config.environment == "production":
        raise errors.SellerUnnamed("The shop has not said yet who sells here.")
    return {
        "name": config.seller_name or UNNAMED,
        "address": config.seller_address,
        "tax_id": config.seller_tax_id,
    }


def _buyer(user_id: UUID) -> PersonView | None:
    if AccountService not in current_nexus().services.contracts():
        return None
    return services.get(AccountService).get_people([user_id]).get(user_id)


def _method(code: str) -> str:
    method = services.get(PaymentService).methods().get(code)
    return method.display_name if method else code
