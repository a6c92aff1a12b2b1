"""The typed facade over the hooks: it flattens results, keeps their owners, and checks what comes back.

pluggy holds the implementations and validates their names and arguments. Each is called by itself, so that
one that raises is named and does not hide the others.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click
import pluggy
from flask import Flask

from nexus_kernel.actors import Permission
from nexus_kernel.api import Blueprint
from nexus_kernel.authenticators import Authenticator
from nexus_kernel.contracts.development import DevService, Seed
from nexus_kernel.contracts.notifications import Channel
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, PriceRule
from nexus_kernel.contracts.payments import PayableSource, PaymentProvider
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_kernel.contracts.tokens import ClaimsProvider
from nexus_kernel.db import Model
from nexus_kernel.events import Subscription
from nexus_kernel.health import HealthCheck
from nexus_kernel.manifest import Fault
from nexus_kernel.registry import Owned
from nexus_kernel.services import ServiceFactory
from nexus_kernel.tasks import Periodic, Task

T = TypeVar("T")
Test = Callable[[Any], bool]


class Hooks:
    """One method a hook. `order` is the order of the plugins; `configs` their sections by name."""

    def __init__(
        self, manager: pluggy.PluginManager, order: list[str], configs: Mapping[str, Any], faults: list[Fault]
    ) -> None:
        self._manager = manager
        self._order = order
        self._configs = configs
        self.faults = faults
        self.strays: dict[str, str] = {}
        """Endpoints that an escape hatch added to the application, and the plugin that did."""

    def models(self) -> list[Owned[type[Model]]]:
        return self._gather(
            "nexus_models", lambda v: isinstance(v, type) and issubclass(v, Model) and hasattr(v, "__table__")
        )

    def blueprints(self) -> list[Owned[Blueprint]]:
        return self._gather("nexus_blueprints", _instance_of(Blueprint))

    def tasks(self) -> list[Owned[Task | Periodic]]:
        return self._gather("nexus_tasks", _instance_of(Task, Periodic))

    def services(self) -> list[Owned[tuple[type, ServiceFactory]]]:
        return self._gather(
            "nexus_services",
            lambda v: isinstance(v[0], type) and callable(v[1]),
            lambda result: result.items(),
        )

    def subscriptions(self) -> list[Owned[Subscription]]:
        return self._gather("nexus_subscriptions", _instance_of(Subscription))

    def permissions(self) -> list[Owned[Permission]]:
        return self._gather("nexus_permissions", _instance_of(Permission))

    def commands(self) -> list[Owned[click.Command]]:
        return self._gather("nexus_commands", _instance_of(click.Command))

    def health_checks(self) -> list[Owned[HealthCheck]]:
        return self._gather("nexus_health_checks", _instance_of(HealthCheck))

    def payment_providers(self) -> list[Owned[PaymentProvider]]:
        return self._gather("nexus_payment_providers", _has("info", "initiate", "fetch", "parse_webhook"))

    def payables(self) -> list[Owned[PayableSource]]:
        return self._gather("nexus_payables", _has("kind", "resolve"))

    def price_rules(self) -> list[Owned[PriceRule]]:
        return self._gather("nexus_price_rules", _has("code", "phase", "apply"))

    def checkout_guards(self) -> list[Owned[CheckoutGuard]]:
        return self._gather("nexus_checkout_guards", _has("code", "check"))

    def order_extensions(self) -> list[Owned[OrderExtension]]:
        return self._gather("nexus_order_extensions", _has("name", "prepare", "snapshot", "record"))

    def checks(self) -> list[Owned[click.Command]]:
        return self._gather("nexus_checks", _instance_of(click.Command))

    def notification_channels(self) -> list[Owned[Channel]]:
        return self._gather("nexus_notification_channels", _has("code", "deliver"))

    def token_claims(self) -> list[Owned[ClaimsProvider]]:
        return self._gather("nexus_token_claims", _has("code", "claim", "holding"))

    def authenticators(self) -> list[Owned[Authenticator]]:
        return self._gather("nexus_authenticators", _has("scheme", "description", "authenticate"))

    def data_subjects(self) -> list[Owned[DataSubjectHandler]]:
        return self._gather("nexus_data_subjects", _has("name", "export", "erase"))

    def dev_services(self) -> tuple[DevService, ...]:
        return tuple(owned.value for owned in self._gather("nexus_dev_services", _instance_of(DevService)))

    def seeds(self) -> tuple[Seed, ...]:
        return tuple(owned.value for owned in self._gather("nexus_seeds", _instance_of(Seed)))

    def init_app(self, app: Flask) -> None:
        self._extend("nexus_init_app", app)

    def app_ready(self, app: Flask) -> None:
        self._extend("nexus_app_ready", app)

    def _extend(self, hook: str, app: Flask) -> None:
        known = set(app.view_functions)

        def note(plugin: str) -> None:
            added = app.view_functions.keys() - known - self.strays.keys()
            self.strays.update(dict.fromkeys(added, plugin))

        self._gather(hook, after=note, app=app)

    def _gather(
        self,
        hook: str,
        check: Test = lambda value: True,
        items: Callable[[Any], Iterable[Any]] = iter,
        after: Callable[[str], None] = lambda plugin: None,
        **arguments: Any,
    ) -> list[Owned[Any]]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        found: list[Owned[Any]] = []
        for impl in sorted(caller.get_hookimpls(), key=lambda impl: self._order.index(impl.plugin_name)):
            given = {"config": self._configs.get(impl.plugin_name), **arguments}
            try:
                result = impl.function(*(given[name] for name in impl.argnames))
                values = [] if result is None else list(items(result))
                wrong = [value for value in values if not check(value)]
                if wrong:
                    raise TypeError(f"returned {wrong[0]!r}, which is not what the hook's spec says")
                found += [Owned(impl.plugin_name, value) for value in values]
            except Exception as error:
                fix = f"see `{hook}` in nexus_kernel/hookspecs.py"
                reason = f"{hook} failed: {type(error).__name__}: {error}"
                self.faults.append(Fault(impl.plugin_name, "hooks", reason, fix))
            after(impl.plugin_name)
        return found


def _instance_of(*kinds: type) -> Test:
    return lambda value: isinstance(value, kinds)


def _has(*names: str) -> Test:
    return lambda value: all(hasattr(value, name) for name in names)
