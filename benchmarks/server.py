"""`python -m benchmarks.server granian|gunicorn MODULE PORT`: two workers on an application.

`MODULE:create_app` is `nexus_kernel.app` or `benchmarks.hello`. granian as `nexus serve` runs it (WSGI);
gunicorn with its plain sync workers, to stand behind a proxy.
"""

import sys

from nexus_kernel.cli.processes import THREADS

WORKERS = 2


def main() -> None:
    """Runs until it is told to stop."""
    kind, module, port = sys.argv[1:]
    {"granian": _granian, "gunicorn": _gunicorn}[kind](module, int(port))


def _granian(module: str, port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        f"{module}:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=port,
        workers=WORKERS,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


def _gunicorn(module: str, port: int) -> None:
    from gunicorn.app.wsgiapp import run

    options = ["-w", str(WORKERS), "-k", "sync", "-b", f"127.0.0.1:{port}", "--log-level", "warning"]
    sys.argv = ["gunicorn", *options, f"{module}:create_app()"]
    run()


if __name__ == "__main__":
    main()
