"""`nexus config | openapi | routes | shell`: look at a deployment."""

import code
import dataclasses
import json
from pathlib import Path

import click

from nexus_kernel.api.blueprint import Access
from nexus_kernel.cli.main import Shop, pass_shop
from nexus_kernel.config import env_name, redacted
from nexus_kernel.runtime import Nexus


@click.group()
def config() -> None:
    """Show and check the configuration."""


@config.command("show")
@pass_shop
def show_config(shop: Shop) -> None:
    """Print every setting with its value and meaning; secrets are hidden."""
    nexus: Nexus = shop.app.extensions["nexus"]
    sections = {"kernel": nexus.config, **{p.name: p.config for p in nexus.plugins.values() if p.config}}
    for section, values in sections.items():
        shown = redacted(values)
        for field in dataclasses.fields(values):
            value = shown[field.name]
            text = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
            click.echo(f"{env_name(section, field.name)}={text}\n    {field.metadata['help']}")


@config.command("check")
@pass_shop
def check_config(shop: Shop) -> None:
    """Fail with a report of every fault, else say that there is none."""
    nexus: Nexus = shop.app.extensions["nexus"]
    nexus.api.document()
    click.echo(f"The configuration is sound: {len(nexus.plugins)} plugins, {nexus.config.environment}.")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of the terminal.")
@pass_shop
def openapi(shop: Shop, output: Path | None) -> None:
    """Print the OpenAPI document of the installed plugins."""
    text = json.dumps(shop.app.extensions["nexus"].api.document(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
        click.echo(f"Wrote {output}.")


@click.command()
@pass_shop
def routes(shop: Shop) -> None:
    """List every route with who may call it."""
    nexus: Nexus = shop.app.extensions["nexus"]
    for rule in sorted(nexus.app.url_map.iter_rules(), key=lambda rule: rule.rule):
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        click.echo(f"{methods:<8} {rule.rule:<60} {_who(nexus, rule.endpoint)}")


@click.command()
@pass_shop
def shell(shop: Shop) -> None:
    """Open a Python prompt inside the application's context."""
    with shop.app.app_context():
        names = {"app": shop.app, "nexus": shop.app.extensions["nexus"]}
        code.interact(banner="app and nexus are ready; `with transaction(): ...` works here.", local=names)


def _who(nexus: Nexus, endpoint: str) -> str:
    blueprint, _, name = endpoint.partition(".")
    access: Access | None = getattr(nexus.app.blueprints.get(blueprint), "access", {}).get(name)
    if access is None or (access.public and not access.codes):
        return "everybody"
    if access.public:
        return f"guests, {' and '.join(access.codes)}"
    return " and ".join(access.codes) or "every member"
