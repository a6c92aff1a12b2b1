"""`nexus`: the kernel's commands, and one command or group from each plugin that contributes it."""

import copy
import importlib
import json
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nexus_kernel.errors import StartupError

if TYPE_CHECKING:
    from flask import Flask

_COMMANDS = {
    "beat": "processes",
    "check": "check",
    "config": "inspect",
    "db": "db",
    "openapi": "inspect",
    "outbox": "outbox",
    "plugins": "plugins",
    "routes": "inspect",
    "serve": "processes",
    "shell": "inspect",
    "tour": "tour",
    "up": "up",
    "worker": "processes",
}


FLUSH_SECONDS = 10.0
"""How long a command waits for the broker to take what it enqueued."""


class Shop:
    """The application of this command line, made when a command first needs it."""

    @cached_property
    def app(self) -> "Flask":
        """The application. Raises StartupError with every fault."""
        from nexus_kernel.app import create_app

        return create_app()


pass_shop = click.make_pass_decorator(Shop, ensure=True)


class LazyGroup(click.Group):
    """Imports a command when it is called, and asks the plugins for theirs only when it has to."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The kernel's commands and, where the application starts, those of its plugins."""
        try:
            contributed = list(self._contributed(ctx))
        except StartupError as error:
            click.echo(f"The plugins' commands are missing: {error}", err=True)
            contributed = []
        return sorted([*_COMMANDS, *contributed])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name in _COMMANDS:
            module = importlib.import_module(f"nexus_kernel.cli.{_COMMANDS[cmd_name]}")
            command: click.Command = getattr(module, cmd_name)
            return command
        return self._contributed(ctx).get(cmd_name)

    def _contributed(self, ctx: click.Context) -> dict[str, click.Command]:
        shop = ctx.ensure_object(Shop)
        from nexus_kernel.plugins import fault_table

        nexus = shop.app.extensions["nexus"]
        before = len(nexus.hooks.faults)
        commands = nexus.hooks.commands()
        if len(nexus.hooks.faults) > before:
            raise StartupError(fault_table(nexus.hooks.faults[before:]))
        for owned in commands:
            if owned.value.name != owned.owner:
                raise StartupError(
                    f"{owned.owner} contributes the command {owned.value.name!r}; name it {owned.owner}"
                )
        return {owned.owner: in_context(shop.app, owned.value) for owned in commands}


def _adopt(ctx: click.Context, option: click.Parameter, folder: Path | None) -> None:
    """Take the addresses, secrets and settings of a running shop; what the environment says wins."""
    if folder is None:
        return
    try:
        values: dict[str, str] = json.loads((folder / "environment.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise StartupError(f"No shop runs from {folder}; start one with `nexus up`.") from None
    for name, value in values.items():
        os.environ.setdefault(name, value)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nexus-kernel")
@click.option(
    "--shop",
    envvar="NEXUS_SHOP",
    type=click.Path(path_type=Path),
    callback=_adopt,
    is_eager=True,
    expose_value=False,
    help="Work on the shop that `nexus up` runs from this state folder.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Nexus: commerce out of plugins."""
    ctx.ensure_object(Shop)


def main() -> Any:
    """The console script. A fault is a sentence and exit code 1, never a traceback."""
    try:
        return cli(standalone_mode=True)
    except StartupError as error:
        click.echo(str(error), err=True)
    except Exception as error:
        sentence = _out_of_reach(error)
        if sentence is None:
            raise
        click.echo(sentence, err=True)
    sys.exit(1)


def _out_of_reach(error: Exception) -> str | None:
    """What to do about an engine that is away or not set up; None when that is not the matter."""
    from kombu.exceptions import OperationalError as BrokerError
    from sqlalchemy.exc import ProgrammingError

    from nexus_kernel.cache import redis_error
    from nexus_kernel.db import connection_lost

    if connection_lost(error):
        reason = (str(getattr(error, "orig", None) or error).splitlines() or ["no reason given"])[0]
        return f"PostgreSQL does not answer; check DATABASE_URL and the server ({reason})."
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", None) == "42P01":
        return "The database lacks a table; run `nexus db upgrade` first."
    if isinstance(error, (redis_error(), BrokerError)):
        return f"Redis does not answer; check REDIS_URL and the server ({error})."
    return None


def in_context(app: "Flask", command: click.Command) -> click.Command:
    """A copy of a plugin's command that runs inside the application's context."""
    original, wrapped = command.invoke, copy.copy(command)

    def invoke(ctx: click.Context) -> Any:
        with app.app_context():
            try:
                return original(ctx)
            finally:
                app.extensions["nexus"].dispatcher.flush(FLUSH_SECONDS)

    wrapped.invoke = invoke  # type: ignore[method-assign]
    return wrapped
