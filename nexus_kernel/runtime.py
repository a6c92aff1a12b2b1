"""What an application is made of, once it has started: `app.extensions["nexus"]`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, current_app
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from nexus_kernel.actors import Permission, Policy
from nexus_kernel.authenticators import Authenticators
from nexus_kernel.cache import Cache
from nexus_kernel.contracts.notifications import Channel
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, PriceRule
from nexus_kernel.contracts.payments import PayableSource, PaymentProvider
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_kernel.contracts.tokens import ClaimsProvider
from nexus_kernel.db import Database
from nexus_kernel.events import Subscriptions
from nexus_kernel.hooks import Hooks
from nexus_kernel.kernel_config import KernelConfig
from nexus_kernel.manifest import Fault
from nexus_kernel.plugins import Plugin
from nexus_kernel.registry import Registry
from nexus_kernel.services import ServiceRegistry
from nexus_kernel.storage import MediaStore
from nexus_kernel.tasks import Dispatcher, Periodic, Task, make_celery
from nexus_kernel.throttling import Throttle
from nexus_kernel.tokens import TokenCache

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from celery import Celery

    from nexus_kernel.api.openapi import Api

C = TypeVar("C")


@dataclass
class Nexus:
    """Everything that the plugins contributed, gathered, checked and frozen."""

    app: Flask
    config: KernelConfig
    db: Database
    cache: Cache
    media: MediaStore
    plugins: Mapping[str, Plugin]
    edges: Mapping[str, set[str]]
    """Who was loaded after whom, by need or by wish."""
    needs: Mapping[str, set[str]]
    """Who cannot run without whom."""
    hooks: Hooks
    quarantined: list[Fault]
    services: ServiceRegistry = field(default_factory=ServiceRegistry)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    tasks: Registry[Task] = field(default_factory=lambda: Registry("task"))
    periodics: list[Periodic] = field(default_factory=list)
    permissions: Registry[Permission] = field(default_factory=lambda: Registry("permission"))
    payment_providers: Registry[PaymentProvider] = field(default_factory=lambda: Registry("payment provider"))
    payables: Registry[PayableSource] = field(default_factory=lambda: Registry("payable"))
    price_rules: Registry[PriceRule] = field(default_factory=lambda: Registry("price rule"))
    checkout_guards: Registry[CheckoutGuard] = field(default_factory=lambda: Registry("checkout guard"))
    order_extensions: Registry[OrderExtension] = field(default_factory=lambda: Registry("order extension"))
    channels: Registry[Channel] = field(default_factory=lambda: Registry("notification channel"))
    claims_providers: Registry[ClaimsProvider] = field(default_factory=lambda: Registry("token claim"))
    data_subjects: Registry[DataSubjectHandler] = field(
        default_factory=lambda: Registry("data subject handler")
    )
    authenticators: Authenticators = field(default_factory=Authenticators)
    tokens: TokenCache = field(init=False)
    throttle: Throttle = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    api: "Api" = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenCache(recheck_seconds=self.config.token_recheck_seconds)
        self.dispatcher = Dispatcher(lambda: self.celery)

    @cached_property
    def celery(self) -> "Celery":
        """The Celery application, made when it is first needed."""
        return make_celery(self.app)

    @cached_property
    def policy(self) -> Policy:
        """Which role has which permission."""
        return Policy(self.permissions)

    def freeze(self) -> None:
        """End the start: nothing can be registered any more."""
        for registry in (
            self.services,
            self.subscriptions,
            self.tasks,
            self.permissions,
            self.payment_providers,
            self.payables,
            self.price_rules,
            self.checkout_guards,
            self.order_extensions,
            self.channels,
            self.claims_providers,
            self.data_subjects,
            self.authenticators.registry,
        ):
            registry.freeze()


def current_nexus() -> Nexus:
    """The running application's `Nexus`."""
    nexus: Nexus = current_app.extensions["nexus"]
    return nexus


def settings(section: type[C]) -> C:
    """The running application's configuration of this type: `settings(CatalogConfig).page_size`."""
    nexus = current_nexus()
    if isinstance(nexus.config, section):
        return nexus.config
    for plugin in nexus.plugins.values():
        if type(plugin.config) is section:
            found: C = plugin.config
            return found
    raise LookupError(f"no loaded plugin is configured by {section.__name__}")


def transaction() -> "AbstractContextManager[Session]":
    """One transaction on the running application's database; see `Database.transaction`."""
    return current_nexus().db.transaction()


def reading() -> "AbstractContextManager[Session]":
    """Autocommit on the running application's database; see `Database.reading`."""
    return current_nexus().db.reading()


def querying() -> "AbstractContextManager[Connection]":
    """A connection of the running application's database for hot reads; see `Database.querying`."""
    return current_nexus().db.querying()


def current_cache() -> Cache:
    """The running application's cache."""
    return current_nexus().cache
