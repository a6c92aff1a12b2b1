"""The table of contents of nexus-notifications."""

from collections.abc import Iterable

import click
from flask import Flask

from nexus_kernel import (
    Blueprint,
    HealthCheck,
    Manifest,
    Model,
    Periodic,
    Permission,
    Subscription,
    Task,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.development import DevService
from nexus_kernel.contracts.notifications import Channel
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_notifications import config
from nexus_notifications.channels import EmailChannel
from nexus_notifications.commands import notifications
from nexus_notifications.health import dead_mails
from nexus_notifications.models import EmailNotificationTask, Notification
from nexus_notifications.services.privacy import NotificationsData
from nexus_notifications.subscriptions import SUBSCRIPTIONS
from nexus_notifications.tasks import TASKS
from nexus_notifications.views import blp

MANIFEST = Manifest(
    name="notifications",
    summary="E-mail and in-app notifications",
    url_prefixes=("/api/notifications",),
    wants=(AccountService,),
    config=config.NotificationsConfig,
    migrations="nexus_notifications.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    return [Notification, EmailNotificationTask]


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    return TASKS


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    return SUBSCRIPTIONS


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    return [Permission("notifications.use", "Read one's own notifications")]


@hookimpl
def nexus_notification_channels() -> Iterable[Channel]:
    return [EmailChannel()]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    return [NotificationsData()]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    return [notifications]


@hookimpl
def nexus_health_checks() -> Iterable[HealthCheck]:
    return [HealthCheck("notifications.dead_mails", dead_mails)]


@hookimpl
def nexus_dev_services() -> Iterable[DevService]:
    return [
        DevService(
            name="mailbox",
            module="nexus_mailbox",
            ports=("port", "smtp_port"),
            arguments=("--port", "{port}", "--smtp-port", "{smtp_port}", "--maildir", "{state_dir}/mail"),
            settings={
                "NEXUS_NOTIFICATIONS__SMTP_HOST": "127.0.0.1",
                "NEXUS_NOTIFICATIONS__SMTP_PORT": "{smtp_port}",
            },
        )
    ]


@hookimpl
def nexus_app_ready(app: Flask) -> None:
    nexus = app.extensions["nexus"]
    config.check(nexus.plugins[MANIFEST.name].config, nexus.channels)
