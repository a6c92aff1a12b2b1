"""Which event brings which message. The names are stable: renaming one orphans what is under way."""

from nexus_kernel import Subscription
from nexus_kernel.contracts.accounts import SellerApplicationDecided, UserActivated, UserRegistered
from nexus_kernel.contracts.orders import OrderPlaced, OrderStatusChanged
from nexus_kernel.contracts.payments import PaymentFailed, PaymentSucceeded
from nexus_notifications import handlers

SUBSCRIPTIONS = (
    Subscription(UserRegistered, handlers.verify_email, "notifications.verify_email"),
    Subscription(UserActivated, handlers.welcome, "notifications.welcome"),
    Subscription(
        SellerApplicationDecided,
        handlers.seller_application_decided,
        "notifications.seller_application_decided",
    ),
    Subscription(OrderPlaced, handlers.order_placed, "notifications.order_placed"),
    Subscription(PaymentSucceeded, handlers.payment_received, "notifications.payment_received"),
    Subscription(PaymentFailed, handlers.payment_failed, "notifications.payment_failed"),
    Subscription(OrderStatusChanged, handlers.order_status_changed, "notifications.order_status_changed"),
)
