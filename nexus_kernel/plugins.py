"""Plugins: discover (metadata only), select (before any import), load, sort, register.

Composition over `pluggy.PluginManager`, public API only. Each application has a manager of its own.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from nexus_kernel import hookspecs
from nexus_kernel.annotations import contradictions
from nexus_kernel.config import ConfigReport, ConfigSource, require_for_production
from nexus_kernel.errors import StartupError
from nexus_kernel.manifest import HOOK_API, Fault, Manifest, build_graph

GROUP = "nexus.plugins"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED = ("kernel", "nexus")


@dataclass(frozen=True)
class Candidate:
    """A plugin that could be loaded. Nothing of it is imported before `load` is called."""

    name: str
    origin: str
    load: Callable[[], object]


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin: its manifest, its module or object, and its typed configuration."""

    manifest: Manifest
    implementation: object
    origin: str
    config: Any = None

    @property
    def name(self) -> str:
        """The manifest's name."""
        return self.manifest.name

    @property
    def is_module(self) -> bool:
        """True for a plugin that is a module, so that its package holds nothing of another plugin."""
        return isinstance(self.implementation, ModuleType)

    @property
    def package(self) -> str:
        """The top-level package of a plugin that is a module; the module of one that is an object."""
        if isinstance(self.implementation, ModuleType):
            return self.implementation.__name__.partition(".")[0]
        return type(self.implementation).__module__

    def holds(self, module: str) -> bool:
        """True when a module of this dotted name is part of the plugin."""
        return module == self.package or module.startswith(self.package + ".")


@dataclass
class Loaded:
    """The plugins that can start, in the order of their needs, and why the others cannot."""

    plugins: list[Plugin]
    edges: Mapping[str, set[str]]
    needs: Mapping[str, set[str]]
    faults: list[Fault]


def discover(given: Sequence[object] | None) -> list[Candidate]:
    """The installed plugins, or exactly the given ones: modules, objects, or names of installed plugins.

    Raises StartupError for a name that is not installed.
    """
    installed = {point.name: _from_entry_point(point) for point in entry_points(group=GROUP)}
    if given is None:
        return [installed[name] for name in sorted(installed)]
    return [
        _installed(plugin, installed) if isinstance(plugin, str) else _from_object(plugin) for plugin in given
    ]


def select(
    candidates: Iterable[Candidate], allowed: Sequence[str], disabled: Sequence[str]
) -> list[Candidate]:
    """Those of the allow-list, or all, minus the disabled. Raises StartupError for an unknown name."""
    by_name: dict[str, Candidate] = {}
    for candidate in candidates:
        other = by_name.setdefault(candidate.name, candidate)
        if other is not candidate:
            raise StartupError(
                f"two plugins are named {candidate.name}: {other.origin}, {candidate.origin}; uninstall one"
            )
    for name in (*allowed, *disabled):
        _installed(name, by_name)
    return [by_name[name] for name in by_name if (not allowed or name in allowed) and name not in disabled]


def load(candidates: Sequence[Candidate], source: ConfigSource, *, production: bool) -> Loaded:
    """Import, read the manifests and configurations, and sort. Faults are collected, not raised."""
    faults: list[Fault] = []
    plugins = [
        plugin
        for candidate in candidates
        if (plugin := _load_one(candidate, source, production, faults)) is not None
    ]
    graph = build_graph([plugin.manifest for plugin in plugins])
    by_name = {plugin.name: plugin for plugin in plugins}
    return Loaded([by_name[name] for name in graph.order], graph.edges, graph.needs, faults + graph.faults)


def register(plugins: Sequence[Plugin], faults: list[Fault]) -> pluggy.PluginManager:
    """A manager with the specs and the implementations; what pluggy refuses becomes a fault."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    known = [name for name in vars(hookspecs) if name.startswith("nexus_")]
    for plugin in plugins:
        try:
            _check_marks(plugin.implementation, known)
            manager.register(plugin.implementation, plugin.name)
            manager.check_pending()
            _check_annotations(manager, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            manager.unregister(name=plugin.name)
            reason = " ".join(str(error).split())
            faults.append(Fault(plugin.name, "register", reason, f"the hooks are: {', '.join(known)}"))
    return manager


def _check_annotations(manager: pluggy.PluginManager, name: str) -> None:
    """Raises ValueError for implementations whose annotations contradict the spec."""
    found = [
        f"{caller.name}: {sentence}"
        for caller in manager.get_hookcallers(manager.get_plugin(name)) or ()
        for impl in caller.get_hookimpls()
        if impl.plugin_name == name
        for sentence in contradictions(impl.function, getattr(hookspecs, caller.name))
    ]
    if found:
        raise ValueError("; ".join(found))


def _check_marks(implementation: object, known: Iterable[str]) -> None:
    """Raises ValueError for a function that is named like a hook and would be passed over in silence."""
    for name in known:
        function = getattr(implementation, name, None)
        if callable(function) and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
            raise ValueError(f"{name} is not decorated with @hookimpl")


def fault_table(faults: Sequence[Fault]) -> str:
    """The faults as a table for a terminal: plugin, step, reason, and the fix in the line below."""
    names, steps = (max(len(getattr(f, part)) for f in faults) for part in ("plugin", "step"))
    indent = " " * (names + steps + 6)
    return "\n".join(
        f"  {f.plugin:<{names}}  {f.step:<{steps}}  {f.reason}\n{indent}-> {f.fix}" for f in faults
    )


def _from_entry_point(point: EntryPoint) -> Candidate:
    origin = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    return Candidate(point.name, origin, point.load)


def _from_object(plugin: object) -> Candidate:
    manifest = getattr(plugin, "MANIFEST", None)
    fallback = getattr(plugin, "__name__", None) or type(plugin).__name__
    origin = getattr(plugin, "__file__", None) or type(plugin).__qualname__
    name = manifest.name if isinstance(manifest, Manifest) else str(fallback)
    return Candidate(name, str(origin), lambda: plugin)


def _installed(name: str, known: Mapping[str, Candidate]) -> Candidate:
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = (
            f"did you mean {close[0]}?" if close else f"installed are: {', '.join(sorted(known)) or 'none'}"
        )
        raise StartupError(f"no plugin named {name!r} is installed; {hint}")
    return known[name]


def _manifest_of(plugin: object) -> Manifest:
    manifest: object = getattr(plugin, "MANIFEST", None)
    if not isinstance(manifest, Manifest):
        raise _BadManifest("it has no MANIFEST", "add `MANIFEST = nexus_kernel.Manifest(...)`")
    return manifest


def _load_one(
    candidate: Candidate, source: ConfigSource, production: bool, faults: list[Fault]
) -> Plugin | None:
    try:
        implementation = candidate.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        faults.append(
            Fault(candidate.name, "import", reason, f"reinstall or disable it ({candidate.origin})")
        )
        return None
    try:
        manifest = _manifest_of(implementation)
        _check_manifest(candidate, manifest)
    except _BadManifest as error:
        faults.append(Fault(candidate.name, "manifest", *error.args))
        return None
    report = ConfigReport()
    config: Any = source.section(manifest.name, manifest.config, report) if manifest.config else None
    if config is not None and production:
        require_for_production(manifest.name, config, report)
    faults += [
        Fault(manifest.name, "config", reason, "see `nexus config show` for every setting")
        for reason in report.faults
    ]
    return None if report.faults else Plugin(manifest, implementation, candidate.origin, config)


class _BadManifest(Exception):
    """Arguments: the reason and the fix."""


def _check_manifest(candidate: Candidate, manifest: Manifest) -> None:
    if manifest.name != candidate.name:
        raise _BadManifest(
            f"its manifest is named {manifest.name!r}, its entry point {candidate.name!r}",
            "give both the same name",
        )
    if not _NAME.fullmatch(manifest.name) or manifest.name in _RESERVED:
        raise _BadManifest(
            f"{manifest.name!r} is no name for a plugin",
            "use lower-case letters, digits and underscores; `kernel` and `nexus` are taken",
        )
    if manifest.hook_api != HOOK_API:
        raise _BadManifest(
            f"it is written for hook API {manifest.hook_api}; this kernel speaks {HOOK_API}",
            "install a release of the plugin for this kernel",
        )
    for prefix in manifest.url_prefixes:
        if not prefix.startswith("/") or not prefix.strip("/"):
            raise _BadManifest(f"its URL prefix {prefix!r} is too wide", "declare one such as /api/<name>/")
