"""One handler a subscription. They write rows, once an event; workers send them afterwards."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nexus_kernel import Money, Subscription, settings
from nexus_kernel.contracts.accounts import (
    EmailChanged,
    EmailChangeRequested,
    PasswordChanged,
    PasswordResetRequested,
    SellerApplicationDecided,
    UserActivated,
    UserRegistered,
)
from nexus_kernel.contracts.catalog import StockLow
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.orders import (
    OrderCancellationDecided,
    OrderPlaced,
    OrderShipped,
    OrderStatusChanged,
)
from nexus_kernel.contracts.payments import PaymentFailed, PaymentRefunded, PaymentSucceeded
from nexus_notifications.config import NotificationsConfig
from nexus_notifications.services import Addressee, find_addressee, notify
from nexus_notifications.tasks import send_mail


def verify_email(event: UserRegistered, delivery: Delivery) -> None:
    """Ask whether the address is the person's own.

    The name is left out: nobody has proved yet whose address it is, and a stranger's words must not reach it.
    A person who was erased meanwhile is left alone.
    """
    if find_addressee(event.user_id) is None:
        return
    person = Addressee(event.user_id, event.email, "")
    context = {"uid": event.uid, "token": event.token, "repeated": event.repeated}
    _send(delivery, "verify_email", person, context)


def welcome(event: UserActivated, delivery: Delivery) -> None:
    """Greet a person whose address is verified, unless they were erased meanwhile."""
    if find_addressee(event.user_id) is None:
        return
    _send(delivery, "welcome", Addressee(event.user_id, event.email, event.display_name), {})


def seller_application_decided(event: SellerApplicationDecided, delivery: Delivery) -> None:
    """Tell an applicant whether they are a seller now, and why not."""
    context = {"applied_for": event.shop_name, "approved": event.approved, "reason": event.reason}
    data = {"application_id": str(event.application_id), "approved": event.approved}
    _tell(delivery, "seller_application_decided", event.user_id, context, data)


def password_reset(event: PasswordResetRequested, delivery: Delivery) -> None:
    """Mail a link that sets a new password. Nobody may have proved the address, so no name is written."""
    person = Addressee(event.user_id, event.email, "")
    _send(delivery, "password_reset", person, {"uid": event.uid, "token": event.token})


def password_changed(event: PasswordChanged, delivery: Delivery) -> None:
    """Say that the password is another one, in case that it was not the person."""
    _send(delivery, "password_changed", Addressee(event.user_id, event.email, ""), {})


def email_change(event: EmailChangeRequested, delivery: Delivery) -> None:
    """Ask at the new address whether it is the person's own."""
    person = Addressee(event.user_id, event.email, "")
    _send(delivery, "email_change", person, {"uid": event.uid, "token": event.token})


def email_changed(event: EmailChanged, delivery: Delivery) -> None:
    """Say at the old address that the account has another one, in case that it was not the person."""
    _send(delivery, "email_changed", Addressee(event.user_id, event.old_email, ""), {"new": event.email})


def order_placed(event: OrderPlaced, delivery: Delivery) -> None:
    """List what was ordered."""
    lines = [
        {
            "title": line.title,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": _amount(line.unit_price),
            "total": _amount(line.total),
        }
        for line in event.lines
    ]
    context = {**_order(event), "lines": lines, "total": _amount(event.total)}
    _tell(delivery, "order_placed", event.user_id, context, _order(event))


def payment_received(event: PaymentSucceeded, delivery: Delivery) -> None:
    """Confirm that the money arrived."""
    context = {**_payment(event), "amount": _amount(event.amount)}
    context["paid_on"] = event.succeeded_at.strftime("%Y-%m-%d %H:%M UTC")
    _tell(delivery, "payment_received", event.owner_id, context, _payment(event))


def payment_failed(event: PaymentFailed, delivery: Delivery) -> None:
    """Say that an attempt brought no money, and that another one can be made."""
    context = {**_payment(event), "amount": _amount(event.amount), "reason": event.reason}
    _tell(delivery, "payment_failed", event.owner_id, context, _payment(event))


def payment_refunded(event: PaymentRefunded, delivery: Delivery) -> None:
    """Say how much went back, and how much of all that is."""
    data = {"payable_kind": event.payable_kind, "payable_id": str(event.payable_id), "number": event.number}
    sums = {name: _amount(getattr(event, name)) for name in ("amount", "refunded", "captured")}
    _tell(delivery, "payment_refunded", event.owner_id, {**data, **sums}, data)


def order_status_changed(event: OrderStatusChanged, delivery: Delivery) -> None:
    """Say where the order stands."""
    data = {**_order(event), "status": event.new_status}
    context = {**data, "old_status": event.old_status, "reason": event.reason}
    _tell(delivery, "order_status_changed", event.user_id, context, data)


def order_shipped(event: OrderShipped, delivery: Delivery) -> None:
    """Say what left, and how it is followed. A shipment that nobody carries by name has its status alone."""
    if not event.carrier:
        return
    data = {**_order(event), "shipment_id": str(event.shipment_id), "tracking_url": event.tracking_url}
    context = {
        **data,
        "carrier": event.carrier,
        "tracking_code": event.tracking_code,
        "lines": [{"title": line.title, "quantity": line.quantity} for line in event.lines],
        "is_complete": event.is_complete,
    }
    _tell(delivery, "order_shipped", event.user_id, context, data)


def cancellation_decided(event: OrderCancellationDecided, delivery: Delivery) -> None:
    """Tell the buyer what the shop says to their wish to cancel."""
    data = {**_order(event), "approved": event.approved}
    _tell(delivery, "cancellation_decided", event.user_id, {**data, "note": event.note}, data)


def stock_low(event: StockLow, delivery: Delivery) -> None:
    """Tell the seller that few pieces are left; where the shop itself sells it, tell its `stock_address`."""
    data = {"product_id": str(event.product_id), "variant_id": str(event.variant_id), "sku": event.sku}
    context = {**data, "title": event.title, "available": event.available, "threshold": event.threshold}
    address = settings(NotificationsConfig).stock_address
    if event.seller_id is not None:
        _tell(delivery, "stock_low", event.seller_id, context, data)
    elif address:
        _send(delivery, "stock_low", Addressee(None, address, ""), context)


def _tell(
    delivery: Delivery, kind: str, user_id: UUID, context: Mapping[str, Any], data: Mapping[str, Any]
) -> None:
    person = find_addressee(user_id)
    if person is not None:
        _send(delivery, kind, person, context, data)


def _send(
    delivery: Delivery,
    kind: str,
    person: Addressee,
    context: Mapping[str, Any],
    data: Mapping[str, Any] | None = None,
) -> None:
    for mail_id in notify(delivery.event_id, kind, person, context, data=data):
        send_mail.enqueue(str(mail_id))


def _order(
    event: OrderPlaced | OrderStatusChanged | OrderShipped | OrderCancellationDecided,
) -> dict[str, str]:
    return {"order_id": str(event.order_id), "number": event.number}


def _payment(event: PaymentSucceeded | PaymentFailed) -> dict[str, str]:
    return {
        "payment_id": str(event.payment_id),
        "payable_kind": event.payable_kind,
        "payable_id": str(event.payable_id),
        "number": event.number,
        "reference": event.reference,
    }


def _amount(money: Money) -> dict[str, str]:
    return {"amount": str(money), "currency": money.currency}


SUBSCRIPTIONS = (
    Subscription(UserRegistered, verify_email, "notifications.verify_email"),
    Subscription(UserActivated, welcome, "notifications.welcome"),
    Subscription(
        SellerApplicationDecided,
        seller_application_decided,
        "notifications.seller_application_decided",
    ),
    Subscription(PasswordResetRequested, password_reset, "notifications.password_reset"),
    Subscription(PasswordChanged, password_changed, "notifications.password_changed"),
    Subscription(EmailChangeRequested, email_change, "notifications.email_change"),
    Subscription(EmailChanged, email_changed, "notifications.email_changed"),
    Subscription(OrderPlaced, order_placed, "notifications.order_placed"),
    Subscription(PaymentSucceeded, payment_received, "notifications.payment_received"),
    Subscription(PaymentFailed, payment_failed, "notifications.payment_failed"),
    Subscription(PaymentRefunded, payment_refunded, "notifications.payment_refunded"),
    Subscription(OrderStatusChanged, order_status_changed, "notifications.order_status_changed"),
    Subscription(OrderShipped, order_shipped, "notifications.order_shipped"),
    Subscription(OrderCancellationDecided, cancellation_decided, "notifications.cancellation_decided"),
    Subscription(StockLow, stock_low, "notifications.stock_low"),
)
