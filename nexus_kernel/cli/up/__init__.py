"""`nexus up`: the whole shop on this machine, in one command."""

from pathlib import Path

import click

__all__ = ["up"]


@click.command()
@click.option("--fresh", is_flag=True, help="Delete the database and everything else kept, and start over.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API [default: 8000, or a free one].")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".nexus"),
    show_default=True,
    help="Where database, secrets, logs and state.json are kept.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes that serve the API.",
)
@click.pass_context
def up(context: click.Context, fresh: bool, port: int | None, state_dir: Path, workers: int) -> None:
    """Run the whole shop: database, queue, API, workers, and what the plugins want beside them.

    A PostgreSQL and a Valkey of its own are started unless DATABASE_URL and REDIS_URL name others. The first
    run migrates and fills the database; state.json in the state folder tells other programs where everything
    is.
    """
    from nexus_kernel.cli.up.supervisor import Options, Supervisor

    context.exit(Supervisor(Options(state_dir=state_dir, port=port, workers=workers, fresh=fresh)).run())
