"""`nexus check`: proofs that plugins contribute, run on the deployment that this command is set up for."""

import click

from nexus_kernel.cli.main import Shop, in_context
from nexus_kernel.errors import StartupError
from nexus_kernel.plugins import fault_table
from nexus_kernel.registry import Owned


class Checks(click.Group):
    """What the plugins return from `nexus_checks`, each run inside the application's context."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the checks, sorted."""
        return sorted(self._contributed(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The check of this name."""
        return self._contributed(ctx).get(cmd_name)

    def _contributed(self, ctx: click.Context) -> dict[str, click.Command]:
        app = ctx.ensure_object(Shop).app
        hooks = app.extensions["nexus"].hooks
        before = len(hooks.faults)
        checks = hooks.checks()
        if len(hooks.faults) > before:
            raise StartupError(fault_table(hooks.faults[before:]))
        found: dict[str, Owned[click.Command]] = {}
        for check in checks:
            other = found.setdefault(str(check.value.name), check)
            if other is not check:
                raise StartupError(
                    f"{other.owner} and {check.owner} both contribute the check {check.value.name!r}; "
                    "rename one of the two"
                )
        return {name: in_context(app, check.value) for name, check in found.items()}


@click.group(cls=Checks, invoke_without_command=True)
@click.pass_context
def check(ctx: click.Context) -> None:
    """Prove on this deployment what its plugins promise; alone, list the checks."""
    if ctx.invoked_subcommand is not None:
        return
    names = check.list_commands(ctx)
    for name in names:
        command = check.get_command(ctx, name)
        assert command is not None
        click.echo(f"nexus check {name:<12} {command.get_short_help_str(limit=80)}")
    if not names:
        click.echo("No plugin contributes a check.")
