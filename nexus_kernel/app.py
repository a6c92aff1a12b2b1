"""`create_app`: ten named steps."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson
from flask import Flask
from flask.json.provider import JSONProvider

from nexus_kernel import outbox
from nexus_kernel.api import idempotency
from nexus_kernel.api.blueprint import Blueprint
from nexus_kernel.api.docs import register_schema
from nexus_kernel.api.openapi import KERNEL, Api
from nexus_kernel.auth import init_auth
from nexus_kernel.cache import Cache
from nexus_kernel.config import ConfigReport, ConfigSource, env_name, require_for_production
from nexus_kernel.db import Database, Model, postgres_url
from nexus_kernel.errors import StartupError
from nexus_kernel.events import check_event_type
from nexus_kernel.health import register_health
from nexus_kernel.hooks import Hooks
from nexus_kernel.logs import configure_logging, init_request_ids
from nexus_kernel.manifest import Fault, dependants
from nexus_kernel.naming import Law
from nexus_kernel.plugins import GROUP, Candidate, Loaded, discover, fault_table, load, register, select
from nexus_kernel.problems import init_problems
from nexus_kernel.registry import Owned, Registry
from nexus_kernel.runtime import KernelConfig, Nexus
from nexus_kernel.tasks import Periodic, Task

log = logging.getLogger("nexus.app")

KERNEL_MODELS: tuple[type[Model], ...] = (outbox.OutboxEvent, outbox.Delivery, idempotency.IdempotencyKey)


class OrjsonProvider(JSONProvider):
    """JSON by orjson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """The text of `obj`; UUIDs, dates and dataclasses included."""
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of this text. NaN and duplicate surrogates are refused."""
        return orjson.loads(s)


def create_app(
    config: Mapping[str, Mapping[str, Any]] | None = None, *, plugins: Sequence[object] | None = None
) -> Flask:
    """The application with its plugins.

    `config` is section -> setting -> value and wins over the environment and the file. `plugins` are
    modules, objects or names of installed plugins, and exactly these: `NEXUS_KERNEL__PLUGINS` and
    `NEXUS_KERNEL__DISABLED_PLUGINS` choose only among the installed ones, when `plugins` is left out.
    Raises StartupError with one report of every fault; in quarantine mode plugins with faults are left out.
    """
    source, report = ConfigSource.load(config), ConfigReport()
    kernel = _kernel_section(source, report)
    chosen = (kernel.plugins, kernel.disabled_plugins) if plugins is None else ((), ())
    selected = select(discover(plugins), *chosen)
    _check_sections(source, selected, report)
    if report.faults:
        _add_plugin_faults(report, load(selected, source, production=kernel.environment == "production"))
        report.raise_if_any()
    faults, consequences = list[Fault](), list[Fault]()
    while True:
        loaded = load(selected, source, production=kernel.environment == "production")
        app = _assemble(kernel, loaded, faults + consequences) if not loaded.faults else None
        if app is not None and not loaded.faults:
            break
        faults += loaded.faults
        dropped = {fault.plugin: fault for fault in loaded.faults}
        consequences += [fault for fault in _dragged_along(loaded) if fault.plugin not in dropped]
        dropped |= {fault.plugin: fault for fault in consequences}
        left = [candidate for candidate in selected if candidate.name not in dropped]
        if len(left) == len(selected):
            raise StartupError(f"The application cannot start:\n{fault_table(loaded.faults)}")
        selected = left
    if faults and kernel.plugin_failures == "strict":
        raise StartupError(f"{len(faults)} fault(s) in the plugins:\n{fault_table(faults)}")
    for fault in faults + consequences:
        log.error("quarantined %s (%s): %s", fault.plugin, fault.step, fault.reason)
    return app


def load_config(config: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[ConfigSource, KernelConfig]:
    """The layered configuration and the kernel's own section. Raises StartupError with every fault in it."""
    source, report = ConfigSource.load(config), ConfigReport()
    kernel = _kernel_section(source, report)
    report.raise_if_any()
    return source, kernel


def _kernel_section(source: ConfigSource, report: ConfigReport) -> KernelConfig:
    kernel = source.section("kernel", KernelConfig, report) or source.sound_part("kernel", KernelConfig)
    if kernel.environment == "production":
        require_for_production("kernel", kernel, report)
    try:
        postgres_url(kernel.database_url)
    except StartupError as error:
        report.add(env_name("kernel", "database_url"), str(error))
    if not kernel.redis_url.startswith(("redis://", "rediss://")):
        report.add(env_name("kernel", "redis_url"), "is not an address such as redis://host:6379/0")
    return kernel


def _check_sections(source: ConfigSource, selected: Sequence[Candidate], report: ConfigReport) -> None:
    known = {"kernel", *(candidate.name for candidate in selected)}
    if source.values.keys() - known:
        known |= {candidate.name for candidate in discover(None)}
        source.unknown_sections(known, report)


def _add_plugin_faults(report: ConfigReport, loaded: Loaded) -> None:
    """The plugins' faults too, so that one start shows all."""
    for fault in loaded.faults:
        report.faults.append(
            fault.reason if fault.step == "config" else f"{fault.plugin} ({fault.step}): {fault.reason}"
        )


def _dragged_along(loaded: Loaded) -> list[Fault]:
    """A fault for each plugin that needs one of those that cannot start."""
    culprits = {
        name: fault.plugin for fault in loaded.faults for name in dependants(loaded.needs, fault.plugin)
    }
    return [
        Fault(name, "graph", f"needs {culprit}, which cannot start", f"mend {culprit}, or disable {name}")
        for name, culprit in sorted(culprits.items())
    ]


def _assemble(kernel: KernelConfig, loaded: Loaded, quarantined: list[Fault]) -> Flask:
    """Steps 6 to 10 on plugins that loaded; what goes wrong is added to `loaded.faults`."""
    faults = loaded.faults
    app = Flask("nexus", static_folder=None)
    app.json = OrjsonProvider(app)
    configs = {plugin.name: plugin.config for plugin in loaded.plugins}
    manager = register(loaded.plugins, faults)
    hooks = Hooks(manager, [plugin.name for plugin in loaded.plugins], configs, faults)
    nexus = Nexus(
        app=app,
        config=kernel,
        db=_database(kernel),
        cache=Cache(kernel.redis_url),
        plugins={plugin.name: plugin for plugin in loaded.plugins},
        edges=loaded.edges,
        needs=loaded.needs,
        hooks=hooks,
        quarantined=quarantined,
    )
    app.extensions["nexus"] = nexus
    _extensions(app, nexus)
    models, blueprints = _gather(nexus)
    _verify(nexus, models, blueprints)
    if not faults:
        nexus.freeze()
        hooks.app_ready(app)
        _verify_late_routes(nexus, blueprints)
    return app


def _database(kernel: KernelConfig) -> Database:
    db = Database(
        kernel.database_url,
        pool_size=kernel.database_pool_size,
        lock_timeout_ms=kernel.lock_timeout_ms,
        prepared_statements=kernel.database_prepared_statements,
    )
    db.before_commit.append(outbox.write_events)
    return db


def _extensions(app: Flask, nexus: Nexus) -> None:
    kernel = nexus.config
    configure_logging(kernel.log_level, kernel.log_format)
    app.config.update(
        API_TITLE="Nexus",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=kernel.max_body_bytes,
        PROPAGATE_EXCEPTIONS=False,
    )
    secret_key = kernel.secret_key or secrets.token_urlsafe(48)
    if not kernel.secret_key and kernel.environment == "development":
        log.warning("NEXUS_KERNEL__SECRET_KEY is not set: tokens end with this process")
    app.secret_key = secret_key
    init_auth(app, secret_key=secret_key, access_minutes=kernel.access_token_minutes)
    init_request_ids(app)
    init_problems(app)
    nexus.api = Api(app, lambda module: [p.name for p in nexus.plugins.values() if p.holds(module)])
    nexus.hooks.init_app(app)


def _gather(nexus: Nexus) -> tuple[list[Owned[type[Model]]], list[Owned[Blueprint]]]:
    hooks, app = nexus.hooks, nexus.app
    models, blueprints = hooks.models(), hooks.blueprints()
    nexus.db.own([*KERNEL_MODELS, *(model.value for model in models)])
    for blueprint in blueprints:
        _guarded(nexus, blueprint.owner, nexus.api.add, blueprint.value)
    for declared in (*outbox.TASKS, *outbox.PERIODICS, *idempotency.TASKS, *idempotency.PERIODICS):
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
    _fill(nexus, nexus.channels, hooks.notification_channels(), "code")
    register_health(app, hooks.health_checks(), {fault.plugin for fault in nexus.quarantined})
    register_schema(app, nexus.api)
    return models, blueprints


def _verify(nexus: Nexus, models: list[Owned[type[Model]]], blueprints: list[Owned[Blueprint]]) -> None:
    law = Law(nexus.plugins.values())
    law.models(models)
    law.names("blueprint", [Owned(b.owner, b.value.name) for b in blueprints])
    law.routes(nexus.app, blueprints, nexus.permissions)
    law.strays(nexus.app, blueprints, nexus.hooks.strays)
    law.provided([Owned(owner, contract) for contract, owner in nexus.services.contracts().items()])
    law.error_codes()
    for what, registry in (
        ("task", nexus.tasks),
        ("permission", nexus.permissions),
        ("price rule", nexus.price_rules),
        ("checkout guard", nexus.checkout_guards),
    ):
        names = [Owned(registry.owner(name), name) for name in registry]
        law.names(what, [owned for owned in names if owned.owner != KERNEL])
    by_name = nexus.subscriptions.by_name
    law.names("subscription", [Owned(by_name.owner(name), name) for name in by_name])
    law.names("health check", [Owned(check.owner, check.value.name) for check in nexus.hooks.health_checks()])
    nexus.hooks.faults += law.faults


def _verify_late_routes(nexus: Nexus, blueprints: list[Owned[Blueprint]]) -> None:
    """`nexus_app_ready` comes after the checks, and must not add what they would refuse."""
    if nexus.hooks.strays:
        law = Law(nexus.plugins.values())
        law.strays(nexus.app, blueprints, nexus.hooks.strays)
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


__all__ = ["GROUP", "KERNEL_MODELS", "create_app", "load_config"]
