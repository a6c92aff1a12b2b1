"""What plugins contribute: gathered from the hooks into registries, then held against the law."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from nexus_kernel import outbox
from nexus_kernel.api import idempotency
from nexus_kernel.api.blueprint import Blueprint
from nexus_kernel.api.docs import register_schema
from nexus_kernel.api.openapi import KERNEL
from nexus_kernel.db import Model
from nexus_kernel.errors import StartupError
from nexus_kernel.events import check_event_type
from nexus_kernel.health import HealthCheck, register_health
from nexus_kernel.manifest import Fault
from nexus_kernel.media import orphans
from nexus_kernel.media.serving import register_media
from nexus_kernel.naming import Law
from nexus_kernel.registry import Owned, Registry
from nexus_kernel.runtime import Nexus
from nexus_kernel.tasks import Periodic, Task

KERNEL_MODELS: tuple[type[Model], ...] = (
    outbox.OutboxEvent,
    outbox.Delivery,
    idempotency.IdempotencyKey,
    orphans.Orphan,
)
KERNEL_TASKS = (
    *(*outbox.TASKS, *outbox.PERIODICS),
    *(*idempotency.TASKS, *idempotency.PERIODICS),
    *orphans.PERIODICS,
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is checked after it was gathered, and kept nowhere else."""

    models: list[Owned[type[Model]]]
    blueprints: list[Owned[Blueprint]]
    health_checks: list[Owned[HealthCheck]]


def gather(nexus: Nexus) -> Gathered:
    """Call each hook once and fill the registries; what does not fit is a fault of its owner."""
    hooks = nexus.hooks
    gathered = Gathered(hooks.models(), hooks.blueprints(), hooks.health_checks())
    nexus.db.own([*KERNEL_MODELS, *(model.value for model in gathered.models)])
    for blueprint in gathered.blueprints:
        _guarded(nexus, blueprint.owner, nexus.api.add, blueprint.value)
    for declared in KERNEL_TASKS:
        _add_task(nexus, declared, KERNEL)
    for task in hooks.tasks():
        _guarded(nexus, task.owner, _add_task, nexus, task.value, task.owner)
    for service in hooks.services():
        _guarded(nexus, service.owner, nexus.services.provide, *service.value, service.owner)
    for subscription in hooks.subscriptions():
        _guarded(nexus, subscription.owner, check_event_type, subscription.value.event)
        _guarded(nexus, subscription.owner, nexus.subscriptions.add, subscription.value, subscription.owner)
    _fill(nexus, nexus.permissions, hooks.permissions(), "code")
    _fill(nexus, nexus.payment_providers, hooks.payment_providers(), "info.code")
    _fill(nexus, nexus.payables, hooks.payables(), "kind")
    _fill(nexus, nexus.price_rules, hooks.price_rules(), "code")
    _fill(nexus, nexus.checkout_guards, hooks.checkout_guards(), "code")
    _fill(nexus, nexus.order_extensions, hooks.order_extensions(), "name")
    _fill(nexus, nexus.channels, hooks.notification_channels(), "code")
    _fill(nexus, nexus.claims_providers, hooks.token_claims(), "code")
    _fill(nexus, nexus.data_subjects, hooks.data_subjects(), "name")
    for found in hooks.authenticators():
        _guarded(nexus, found.owner, nexus.authenticators.add, found.value, found.owner)
    nexus.api.describe_authenticators(nexus.authenticators.all, nexus.policy.delegable)
    register_media(nexus.app, nexus.media)
    register_health(nexus.app, gathered.health_checks, {fault.plugin for fault in nexus.quarantined})
    register_schema(nexus.app, nexus.api)
    return gathered


def verify(nexus: Nexus, gathered: Gathered) -> None:
    """Hold everything against the naming law and the seams; breaches are faults."""
    law = Law(nexus.plugins.values())
    law.models(gathered.models)
    law.names("blueprint", [Owned(b.owner, b.value.name) for b in gathered.blueprints])
    law.routes(nexus.app, gathered.blueprints, nexus.permissions)
    law.strays(nexus.app, gathered.blueprints, nexus.hooks.strays)
    law.provided([Owned(owner, contract) for contract, owner in nexus.services.contracts().items()])
    law.error_codes()
    for what, registry in (
        ("task", nexus.tasks),
        ("permission", nexus.permissions),
        ("price rule", nexus.price_rules),
        ("checkout guard", nexus.checkout_guards),
        ("order extension", nexus.order_extensions),
        ("token claim", nexus.claims_providers),
        ("data subject handler", nexus.data_subjects),
    ):
        names = [Owned(registry.owner(name), name) for name in registry]
        law.names(what, [owned for owned in names if owned.owner != KERNEL])
    by_name = nexus.subscriptions.by_name
    law.names("subscription", [Owned(by_name.owner(name), name) for name in by_name])
    law.names("health check", [Owned(c.owner, c.value.name) for c in gathered.health_checks])
    nexus.hooks.faults += law.faults


def verify_late_routes(nexus: Nexus, gathered: Gathered) -> None:
    """`nexus_app_ready` comes after the checks, and must not add what they would refuse."""
    if nexus.hooks.strays:
        law = Law(nexus.plugins.values())
        law.strays(nexus.app, gathered.blueprints, nexus.hooks.strays)
        nexus.hooks.faults += law.faults


def _add_task(nexus: Nexus, declared: Task | Periodic, owner: str) -> None:
    if isinstance(declared, Periodic):
        nexus.periodics.append(declared)
        declared = declared.task
    nexus.tasks.add(declared.name, declared, owner)


def _fill(nexus: Nexus, registry: Registry[Any], found: Sequence[Owned[Any]], attribute: str) -> None:
    name_of = attrgetter(attribute)
    for owned in found:
        _guarded(nexus, owned.owner, lambda o=owned: registry.add(name_of(o.value), o.value, o.owner))


def _guarded(nexus: Nexus, owner: str, step: Callable[..., Any], *args: Any) -> None:
    try:
        step(*args)
    except StartupError as error:
        fix = "rename one of them, or disable a plugin"
        nexus.hooks.faults.append(Fault(owner, "gather", str(error), fix))
    except Exception as error:
        fix = "see the hook's page in nexus_kernel/hookspecs.py"
        nexus.hooks.faults.append(Fault(owner, "gather", f"{type(error).__name__}: {error}", fix))
