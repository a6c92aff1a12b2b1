"""`nexus db`: one branch of revisions a plugin, in graph order."""

import click
from rich.console import Console
from rich.table import Table

from nexus_kernel.cli.main import Shop, pass_shop
from nexus_kernel.errors import StartupError


@click.group()
def db() -> None:
    """Create and change the tables."""


@db.command()
@click.option("--plugin", help="Only this plugin's tables.")
@pass_shop
def upgrade(shop: Shop, plugin: str | None) -> None:
    """Bring every plugin's tables to their newest revision."""
    from nexus_kernel import migrations

    migrations.upgrade(shop.app, plugin, lambda branch: click.echo(f"{branch.name}: upgrading"))
    click.echo("The database is up to date.")


@db.command()
@click.argument("plugin")
@click.option("--to", "revision", default="base", show_default=True, help="A revision, or -1.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_shop
def downgrade(shop: Shop, plugin: str, revision: str, yes: bool) -> None:
    """Take one plugin's tables down. Shows the rows that go with them, and asks."""
    from nexus_kernel import migrations

    counts = migrations.row_counts(shop.app, plugin)
    for table, count in counts.items():
        click.echo(f"{table}: {count} rows")
    if not yes and not click.confirm(f"Downgrade {plugin} to {revision}?"):
        raise click.Abort
    migrations.downgrade(shop.app, plugin, revision)
    click.echo(f"{plugin} is at {revision}.")


@db.command()
@pass_shop
def status(shop: Shop) -> None:
    """Show where each plugin's tables stand."""
    from nexus_kernel import migrations

    table = Table("plugin", "current", "head", "")
    for branch in migrations.status(shop.app):
        table.add_row(
            branch.name, branch.current or "-", branch.head or "-", "" if branch.is_current else "behind"
        )
    Console().print(table)


@db.command()
@pass_shop
def check(shop: Shop) -> None:
    """Fail when a revision is missing: tables behind their head, or models that differ from them."""
    from nexus_kernel import migrations

    problems = migrations.check(shop.app)
    if problems:
        raise StartupError("\n".join(problems))
    click.echo("Tables and models agree.")


@db.command()
@click.argument("plugin")
@click.option("-m", "--message", required=True, help="What changes, in a few words.")
@pass_shop
def revision(shop: Shop, plugin: str, message: str) -> None:
    """Write a plugin's next revision from its models."""
    from nexus_kernel import migrations

    path = migrations.revision(shop.app, plugin, message)
    click.echo(f"Wrote {path}; read it before you commit it." if path else f"{plugin}: no table changed.")
