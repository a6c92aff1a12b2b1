"""Payments: what this plugin contributes."""

from collections.abc import Iterable, Mapping

import click
from flask import Flask

from nexus_kernel import (
    Blueprint,
    HealthCheck,
    Manifest,
    Model,
    Periodic,
    Permission,
    ServiceFactory,
    Subscription,
    Task,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.orders import OrderStatusChanged
from nexus_kernel.contracts.payments import PaymentService
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_payments.config import PaymentsConfig

MANIFEST = Manifest(
    name="payments",
    summary="Payments: attempts, webhooks, reconciliation, and the platform for gateways",
    url_prefixes=("/api/payments/",),
    wants=(AccountService,),
    provides=(PaymentService,),
    config=PaymentsConfig,
    migrations="nexus_payments.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    from nexus_payments.models import Payment, ProviderEvent, Refund, TransactionLog

    return [Payment, ProviderEvent, TransactionLog, Refund]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    from nexus_payments.views import blp

    return [blp]


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    from nexus_payments.tasks import TASKS

    return TASKS


@hookimpl
def nexus_services() -> Mapping[type, ServiceFactory]:
    from nexus_payments.service import Payments

    return {PaymentService: Payments}


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    from nexus_payments.handlers import on_order_status_changed

    return [Subscription(OrderStatusChanged, on_order_status_changed, "payments.order_status_changed")]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    from nexus_payments.services.privacy import PaymentsData

    return [PaymentsData()]


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    from nexus_payments.services.reads import READ_ALL
    from nexus_payments.services.refund_reads import REFUND

    return [
        Permission(READ_ALL, "See everybody's payments", roles=("staff",)),
        Permission(REFUND, "Give money back", roles=("staff",)),
    ]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    from nexus_payments.commands import payments

    return [payments]


@hookimpl
def nexus_health_checks() -> Iterable[HealthCheck]:
    from nexus_payments.services.readiness import configuration_health

    return [HealthCheck("payments.configuration", configuration_health)]


@hookimpl
def nexus_app_ready(app: Flask) -> None:
    from nexus_payments.services.readiness import refuse_unfit_start

    nexus = app.extensions["nexus"]
    refuse_unfit_start(nexus, nexus.plugins["payments"].config)
