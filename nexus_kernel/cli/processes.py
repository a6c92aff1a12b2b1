"""The processes of a deployment: `nexus serve`, `nexus worker`, `nexus beat`."""

import os
from typing import TYPE_CHECKING, Any

import click

from nexus_kernel.cli.main import Shop, pass_shop
from nexus_kernel.errors import StartupError

if TYPE_CHECKING:
    from flask import Flask


THREADS = 10
"""More than one, so that reads go on beside requests that wait for a password's hash or a gateway."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=os.cpu_count() or 1, show_default="one a core")
@click.option("--threads", default=THREADS, show_default=True, help="Of each worker.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the API with granian."""
    try:
        from granian import Granian
        from granian.constants import Interfaces
        from granian.log import LogLevels
    except ImportError:
        raise StartupError("granian is missing: pip install 'nexus-kernel[serve]'") from None
    Granian(
        "nexus_kernel.app:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


@click.command()
@click.option("--concurrency", default=2, show_default=True)
@pass_shop
def worker(shop: Shop, concurrency: int) -> None:
    """Run background work: the outbox relay and every task."""
    from celery.signals import worker_process_init

    app = shop.app
    worker_process_init.connect(lambda **_: app.extensions["nexus"].db.dispose(), weak=False)
    _celery(app).Worker(
        concurrency=concurrency, loglevel=_level(app), without_mingle=True, without_gossip=True
    ).start()


@click.command()
@pass_shop
def beat(shop: Shop) -> None:
    """Send the periodic tasks when they are due. Run one a deployment.

    It keeps no file: every task is a sweep, and begins anew with the process.
    """
    scheduler = "celery.beat:Scheduler"
    _celery(shop.app).Beat(scheduler_cls=scheduler, loglevel=_level(shop.app)).run()


def _celery(app: "Flask") -> Any:
    return app.extensions["nexus"].celery


def _level(app: "Flask") -> str:
    level: str = app.extensions["nexus"].config.log_level
    return "WARNING" if level == "INFO" else level
