"""`python -m nexus_mailbox --smtp-port N --port N [--maildir FOLDER]`."""

import argparse
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

import nexus_mailbox
from nexus_mailbox.smtp import smtp_server
from nexus_mailbox.store import Store
from nexus_mailbox.web import create_app

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Pages that refresh themselves would fill the log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="nexus-mailbox", description=nexus_mailbox.__doc__)
    parser.add_argument("--smtp-port", type=int, required=True, help="where mail is accepted")
    parser.add_argument("--port", type=int, required=True, help="where the pages and the API are served")
    parser.add_argument("--maildir", type=Path, help="where messages are kept; without it a temporary folder")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        with _folder(options.maildir) as folder:
            _serve(Store(folder), options.smtp_port, options.port)
    except OSError as error:
        sys.exit(f"nexus-mailbox: cannot start: {error}")


def _serve(store: Store, smtp_port: int, port: int) -> None:
    mail = smtp_server(store, HOST, smtp_port)
    mail.start()
    try:
        web = make_server(HOST, port, create_app(store), threaded=True, request_handler=_Quiet)
        print(f"mailbox: smtp://{HOST}:{smtp_port} shown at http://{HOST}:{port}", flush=True)
        web.serve_forever()
    finally:
        mail.stop()


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(130 if number == signal.SIGINT else 0)


@contextlib.contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="nexus-mailbox-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
