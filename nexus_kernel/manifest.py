"""A plugin's manifest, and the graph of what plugins need from one another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

HOOK_API = 1
"""The version of the hook specs; it rises when plugins have to change, unlike the product's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a plugin is. `needs`, `wants` and `provides` are contract types, never plugin names.

    `needs` must be provided by somebody for the plugin to start; `wants` only orders the loading.
    `config` is a frozen dataclass made of `setting()` fields. `migrations` is the dotted name of the
    package that holds the plugin's revisions, for a plugin that owns tables.
    """

    name: str
    summary: str
    hook_api: int = HOOK_API
    url_prefixes: tuple[str, ...] = ()
    needs: tuple[type, ...] = ()
    wants: tuple[type, ...] = ()
    provides: tuple[type, ...] = ()
    config: type | None = None
    migrations: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a plugin cannot start: at which step, for what reason, and what to do."""

    plugin: str
    step: str
    reason: str
    fix: str


@dataclass(slots=True)
class Graph:
    """Who provides what, and an order in which everybody comes after what they need."""

    order: list[str] = field(default_factory=list)
    edges: dict[str, set[str]] = field(default_factory=dict)
    """Who comes after whom, by need or by wish."""
    needs: dict[str, set[str]] = field(default_factory=dict)
    """Who cannot start without whom."""
    faults: list[Fault] = field(default_factory=list)


def build_graph(manifests: Sequence[Manifest]) -> Graph:
    """The capability graph. The order is stable: it depends on names and needs, not on discovery."""
    graph = Graph()
    providers = _providers(manifests, graph.faults)
    for manifest in sorted(manifests, key=lambda m: m.name):
        graph.faults += [
            _unmet(manifest.name, contract) for contract in manifest.needs if contract not in providers
        ]
        own = {manifest.name}
        graph.needs[manifest.name] = {providers[c] for c in manifest.needs if c in providers} - own
        wished = {providers[c] for c in manifest.wants if c in providers} - own
        graph.edges[manifest.name] = graph.needs[manifest.name] | wished
    try:
        graph.order = _sorted(graph.edges)
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        graph.faults.append(
            Fault(
                error.args[1][0],
                "graph",
                f"plugins need one another: {cycle}",
                "replace one need by an event",
            )
        )
    return graph


def dependants(edges: Mapping[str, Iterable[str]], name: str) -> set[str]:
    """Everybody who needs `name`, directly or not, where `edges` are `Graph.needs`."""
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {who for who, needs in edges.items() if frontier & set(needs)} - found
        found |= frontier
    return found


def _providers(manifests: Sequence[Manifest], faults: list[Fault]) -> dict[type, str]:
    providers: dict[type, str] = {}
    for manifest in sorted(manifests, key=lambda m: m.name):
        for contract in manifest.provides:
            other = providers.setdefault(contract, manifest.name)
            if other != manifest.name:
                reason = f"{contract.__name__} is provided by {other} and by {manifest.name}"
                faults.append(Fault(manifest.name, "graph", reason, f"disable {other} or {manifest.name}"))
    return providers


def _unmet(name: str, contract: type) -> Fault:
    return Fault(
        name,
        "graph",
        f"needs {contract.__name__}, which no enabled plugin provides",
        f"install and enable a plugin that provides {contract.__name__}, or disable {name}",
    )


def _sorted(edges: Mapping[str, set[str]]) -> list[str]:
    sorter = TopologicalSorter({name: sorted(needs) for name, needs in sorted(edges.items())})
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order
