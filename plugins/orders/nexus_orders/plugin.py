"""Orders: placing them in one transaction, and moving them to the buyer."""

from collections.abc import Iterable

import click

from nexus_kernel import (
    Blueprint,
    Manifest,
    Model,
    Periodic,
    Permission,
    Subscription,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService, StockService
from nexus_kernel.contracts.payments import (
    PayableSource,
    PaymentFailed,
    PaymentNeedsReview,
    PaymentRefunded,
    PaymentService,
    PaymentSucceeded,
    RefundRejected,
)
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_orders import handlers
from nexus_orders.config import OrdersConfig
from nexus_orders.models import MODELS
from nexus_orders.payables import OrderPayables
from nexus_orders.services.privacy import OrdersData
from nexus_orders.tasks import PERIODICS
from nexus_orders.views import blp

MANIFEST = Manifest(
    name="orders",
    summary="Orders: placing, fulfilment, cancellation",
    url_prefixes=("/api/orders/",),
    needs=(CartService, CatalogService, StockService, PaymentService),
    wants=(AccountService,),
    config=OrdersConfig,
    migrations="nexus_orders.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return MODELS


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_tasks() -> Iterable[Periodic]:
    return PERIODICS


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    return [
        Subscription(PaymentSucceeded, handlers.on_payment_succeeded, "orders.payment_succeeded"),
        Subscription(PaymentFailed, handlers.on_payment_failed, "orders.payment_failed"),
        Subscription(PaymentNeedsReview, handlers.on_payment_needs_review, "orders.payment_needs_review"),
        Subscription(PaymentRefunded, handlers.on_payment_refunded, "orders.payment_refunded"),
        Subscription(RefundRejected, handlers.on_refund_rejected, "orders.refund_rejected"),
    ]


@hookimpl
def nexus_payables() -> Iterable[PayableSource]:
    return [OrderPayables()]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    return [OrdersData()]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [
        Permission("orders.use", "Place orders and see one's own"),
        Permission("orders.manage", "See every order and move it along", roles=("staff",)),
    ]


@hookimpl
def nexus_checks() -> Iterable[click.Command]:
    from nexus_orders.races.command import races

    return [races]
