"""The command."""

import json
import sys
import time
from functools import cache
from pathlib import Path

import click

from nexus_kernel.cli.tour.http import Http, TourFailed
from nexus_kernel.cli.tour.journey import Journey
from nexus_kernel.errors import StartupError


@click.command()
@click.option("--state-dir", type=click.Path(path_type=Path), default=Path(".nexus"), show_default=True)
@click.option("--api", help="Address of the shop, instead of the one in the state folder.")
@click.option("--mailbox", help="Address of the mailbox, instead of the one in the state folder.")
@click.option("--pause", default=0.0, help="Seconds to wait before each step.")
def tour(state_dir: Path, api: str | None, mailbox: str | None, pause: float) -> None:
    """Play a buyer against the running shop, from registration to the receipt. Exit 0 only if all held."""
    state = {} if api and mailbox else _state(state_dir)
    http = Http()
    journey = Journey(api or state["api"], mailbox or state["mailbox"], http)
    http.on_wait = _say_once
    started = time.monotonic()
    for number, (name, play) in enumerate(journey.steps(), 1):
        time.sleep(pause)
        try:
            click.echo(f"{number:2} {name}: {play()}")
        except (TourFailed, KeyError, TypeError) as error:
            reason = str(error) if isinstance(error, TourFailed) else f"the answer lacks {error}"
            click.echo(f"{number:2} {name}: FAILED, {reason}", err=True)
            sys.exit(1)
    click.echo(f"The first sale is made, in {time.monotonic() - started:.1f} s.")


@cache
def _say_once(reason: str) -> None:
    click.echo(f"   ... waiting: {reason}")


def _state(folder: Path) -> dict[str, str]:
    try:
        state: dict[str, str] = json.loads((folder / "state.json").read_text())
    except (OSError, ValueError):
        raise StartupError(f"no shop runs from {folder}; start one with `nexus up` (or `./dev up`)") from None
    missing = [name for name in ("api", "mailbox", "chapa") if not state.get(name)]
    if missing:
        raise StartupError(
            f"{folder}/state.json has no address of {', '.join(missing)}; the tour needs them all"
        )
    return state
