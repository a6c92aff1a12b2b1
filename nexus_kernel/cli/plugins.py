"""`nexus plugins`: what is installed, what it contributes, and who needs whom."""

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from nexus_kernel.cli.main import Shop, pass_shop
from nexus_kernel.errors import StartupError
from nexus_kernel.naming import owner_of
from nexus_kernel.plugins import Plugin, discover
from nexus_kernel.runtime import Nexus


@click.group()
def plugins() -> None:
    """Show the plugins."""


@plugins.command("list")
@pass_shop
def list_plugins(shop: Shop) -> None:
    """List the installed plugins and whether they run."""
    nexus: Nexus = shop.app.extensions["nexus"]
    reasons = {fault.plugin: fault.reason for fault in nexus.quarantined}
    table = Table("plugin", "state", "from", "summary")
    for name, plugin in nexus.plugins.items():
        table.add_row(name, "running", plugin.origin, plugin.manifest.summary)
    for candidate in discover(None):
        if candidate.name not in nexus.plugins:
            quarantined = nexus.config.plugin_failures == "quarantine" and candidate.name in reasons
            state = "quarantined" if quarantined else "disabled"
            table.add_row(candidate.name, state, candidate.origin, reasons.get(candidate.name, ""))
    Console().print(table)


@plugins.command()
@click.argument("name")
@pass_shop
def show(shop: Shop, name: str) -> None:
    """Show everything that a plugin contributes."""
    nexus: Nexus = shop.app.extensions["nexus"]
    if name not in nexus.plugins:
        raise StartupError(f"{name} does not run; `nexus plugins list` shows what does")
    plugin = nexus.plugins[name]
    click.echo(f"{name}: {plugin.manifest.summary} ({plugin.origin})")
    for title, values in _contributions(nexus, plugin).items():
        for number, value in enumerate(values):
            click.echo(f"{title if number == 0 else '':<20} {value}")


@plugins.command()
@click.option("--format", "style", type=click.Choice(["text", "mermaid"]), default="text", show_default=True)
@pass_shop
def graph(shop: Shop, style: str) -> None:
    """Print who needs whom."""
    draw = mermaid if style == "mermaid" else graph_text
    click.echo(draw(shop.app.extensions["nexus"]))


def graph_text(nexus: Nexus) -> str:
    """A line a plugin in loading order: its name, and the plugins whose contracts it needs or wants."""
    width = max((len(name) for name in nexus.plugins), default=0)
    return "\n".join(
        f"{name:<{width}} -> {', '.join(sorted(nexus.edges[name])) or '(nothing)'}" for name in nexus.plugins
    )


def mermaid(nexus: Nexus) -> str:
    """The graph for mermaid: needs are solid arrows, wishes dotted, events dotted with their names."""
    lines = [f"  {name}" for name in nexus.plugins]
    for name in nexus.plugins:
        lines += [
            f"  {name} {'-->' if other in nexus.needs[name] else '-.->'} {other}"
            for other in sorted(nexus.edges[name])
        ]
    heard: dict[tuple[str, str], set[str]] = {}
    for name, subscription in nexus.subscriptions.by_name.items():
        event, subscriber = subscription.event.name, nexus.subscriptions.by_name.owner(name)
        publisher = owner_of(event, nexus.plugins)
        if publisher is not None and publisher != subscriber:
            heard.setdefault((publisher, subscriber), set()).add(event)
    for (publisher, subscriber), events in sorted(heard.items()):
        lines.append(f'  {publisher} -. "{", ".join(sorted(events))}" .-> {subscriber}')
    return "\n".join(["graph LR", *lines])


def _contributions(nexus: Nexus, plugin: Plugin) -> dict[str, list[str]]:
    manifest = plugin.manifest
    hooks, name = nexus.hooks, plugin.name
    registries: list[Any] = [nexus.permissions, nexus.price_rules, nexus.checkout_guards, nexus.payables]
    registries += [nexus.payment_providers, nexus.channels, nexus.data_subjects]
    registries += [nexus.authenticators.registry]
    return {
        "needs": [contract.__name__ for contract in manifest.needs],
        "wants": [contract.__name__ for contract in manifest.wants],
        "provides": [contract.__name__ for contract in manifest.provides],
        "tables": [m.value.__tablename__ for m in hooks.models() if m.owner == name],
        "routes": [
            f"{','.join(sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'})):<8} {rule.rule}"
            for rule in nexus.app.url_map.iter_rules()
            if rule.endpoint.startswith(f"{name}.")
        ],
        "tasks": [task for task in nexus.tasks if nexus.tasks.owner(task) == name],
        "subscriptions": [
            s for s in nexus.subscriptions.by_name if nexus.subscriptions.by_name.owner(s) == name
        ],
        **{r.what + "s": [entry for entry in r if r.owner(entry) == name] for r in registries},
    }
