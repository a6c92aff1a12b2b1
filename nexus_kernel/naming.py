"""The naming law: everything that a plugin owns begins with its name. Checked at the start.

Two plugins with the same URL rule or task name raise no error in Flask or Celery, and the first one wins
silently; two schemas of one name swap with the order of loading. The law makes both impossible.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from flask import Flask
from werkzeug.routing import Rule

from nexus_kernel.api import Blueprint
from nexus_kernel.db import Model
from nexus_kernel.errors import NexusError
from nexus_kernel.manifest import Fault
from nexus_kernel.plugins import Plugin
from nexus_kernel.registry import Owned

K = TypeVar("K")


def owner_of(name: str, plugins: Collection[str], separator: str = ".") -> str | None:
    """The plugin that a name belongs to: the longest one that it begins with.

    `payments_chapa_event` belongs to `payments_chapa`, although `payments` is a prefix of it too.
    """
    owners = [plugin for plugin in plugins if name == plugin or name.startswith(plugin + separator)]
    return max(owners, key=len, default=None)


class Law:
    """Collects the breaches of the naming law and of the seams as faults."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = {plugin.name: plugin for plugin in plugins}
        self.faults: list[Fault] = []

    def names(self, what: str, names: Iterable[Owned[str]], separator: str = ".") -> None:
        """Each name must begin with its owner's name."""
        for owned in names:
            if owner_of(owned.value, self._plugins, separator) != owned.owner:
                fix = f"rename it to begin with {owned.owner}{separator}"
                self._breach(
                    owned.owner, f"the {what} {owned.value!r} does not begin with the plugin's name", fix
                )

    def models(self, models: Iterable[Owned[type[Model]]]) -> None:
        """Tables are named by the law, contributed whole, and no foreign key leaves its plugin."""
        models = list(models)
        self.names("table", [Owned(m.owner, m.value.__tablename__) for m in models], "_")
        for model in models:
            for key in model.value.__table__.foreign_keys:
                target = key.target_fullname.partition(".")[0]
                if owner_of(target, self._plugins, "_") != model.owner:
                    reason = (
                        f"{model.value.__tablename__} has a foreign key to {target}, which leaves the plugin"
                    )
                    self._breach(
                        model.owner, reason, "keep the id in a plain indexed column, and a snapshot beside it"
                    )
        contributed = {model.value for model in models}
        # Not the registry's mappers: it raises once some other plugin's model could not be mapped.
        for model_class in _subclasses(Model):
            plugin = self._by_package(model_class.__module__)
            if plugin is not None and "__table__" in vars(model_class) and model_class not in contributed:
                self._breach(
                    plugin.name, f"{model_class.__name__} is not contributed", "return it from nexus_models"
                )

    def routes(
        self, app: Flask, blueprints: Iterable[Owned[Blueprint]], permissions: Collection[str]
    ) -> None:
        """Routes stand under the plugin's prefixes, say who may call them, and belong to one plugin."""
        owners = {owned.value.name: owned for owned in blueprints}
        taken: dict[tuple[str, str], tuple[str, str]] = {}
        for rule in app.url_map.iter_rules():
            blueprint, _, endpoint = rule.endpoint.partition(".")
            owned = owners.get(blueprint)
            owner = owned.owner if owned else "the kernel"
            if owned is not None:
                self._route(owned, rule.rule, endpoint, permissions)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                other = taken.setdefault((method, _shape(rule)), (owner, rule.endpoint))
                if other[1] != rule.endpoint:
                    reason = f"{method} {rule.rule} is a route of {other[0]} too"
                    self._breach(owner if owned else other[0], reason, "change one of them")

    def strays(self, app: Flask, blueprints: Iterable[Owned[Blueprint]], added_by: Mapping[str, str]) -> None:
        """No route but the kernel's escapes the checks of routes. `added_by` is endpoint -> plugin."""
        contributed = {owned.value.name for owned in blueprints}
        for rule in app.url_map.iter_rules():
            if rule.endpoint.partition(".")[0] in contributed:
                continue
            module = str(getattr(app.view_functions.get(rule.endpoint), "__module__", ""))
            if module.partition(".")[0] != __name__.partition(".")[0]:
                plugin = added_by.get(rule.endpoint) or self._holder(module) or "(unknown)"
                reason = f"the route {rule.rule} ({rule.endpoint}) does not say who may call it"
                self._breach(plugin, reason, "put it on a nexus_kernel.Blueprint from nexus_blueprints")

    def provided(self, services: Iterable[Owned[type]]) -> None:
        """The hook's contracts are exactly those that the manifest promises."""
        services = list(services)
        for plugin in self._plugins.values():
            promised = set(plugin.manifest.provides)
            kept = {owned.value for owned in services if owned.owner == plugin.name}
            for contract in promised ^ kept:
                where = "nexus_services" if contract in promised else "the manifest's `provides`"
                self._breach(plugin.name, f"{contract.__name__} is missing in {where}", f"add it to {where}")

    def error_codes(self) -> None:
        """A plugin's error classes have codes of its own."""
        codes = [
            Owned(plugin.name, error.code)
            for error in _subclasses(NexusError)
            if (plugin := self._by_package(error.__module__)) is not None and "code" in vars(error)
        ]
        self.names("error code", codes)

    def _route(self, owned: Owned[Blueprint], rule: str, endpoint: str, permissions: Collection[str]) -> None:
        prefixes = self._plugins[owned.owner].manifest.url_prefixes
        if not (rule + "/").startswith(tuple(prefix.rstrip("/") + "/" for prefix in prefixes)):
            fix = f"move it below one of {prefixes or '()'}, or declare its prefix in the manifest"
            self._breach(owned.owner, f"the route {rule} is outside of the plugin's url_prefixes", fix)
        access = owned.value.access.get(endpoint)
        if access is None:
            self._breach(
                owned.owner,
                f"{endpoint} says nobody who may call it",
                "add @blp.requires(...) or @blp.public",
            )
            return
        for code in access.codes:
            if code not in permissions:
                self._breach(
                    owned.owner,
                    f"{endpoint} requires {code}, which nobody declares",
                    "declare it in nexus_permissions",
                )

    def _by_package(self, module: str) -> Plugin | None:
        return next((p for p in self._plugins.values() if p.is_module and p.holds(module)), None)

    def _holder(self, module: str) -> str | None:
        return next((plugin.name for plugin in self._plugins.values() if plugin.holds(module)), None)

    def _breach(self, plugin: str, reason: str, fix: str) -> None:
        self.faults.append(Fault(plugin, "verify", reason, fix))


def _shape(rule: Rule) -> str:
    """The rule without the names of its variables, which do not tell two rules apart."""
    return re.sub(r"<(?:([^:<>]*):)?[^:<>]*>", r"<\1>", rule.rule)


def _subclasses(kind: type[K]) -> Iterable[type[K]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
