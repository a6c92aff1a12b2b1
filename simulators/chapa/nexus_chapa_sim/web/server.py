"""A threaded HTTP server on a loopback address."""

import ipaddress
import logging
import threading

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

_log = logging.getLogger("nexus_chapa_sim.access")


class NotLoopback(ValueError):
    """The address can be reached from other machines, which a simulator must not be."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The simulator only listens on this machine (127.0.0.1), not on {host!r}.")


class AddressInUse(OSError):
    """The address cannot be listened on."""


class Server:
    """Serves an application in background threads from ``start()`` to ``stop()``.

    Raises NotLoopback for an address beyond 127.0.0.0/8, AddressInUse when the port is taken.
    """

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0) -> None:
        if not _is_loopback(host):
            raise NotLoopback(host)
        try:
            self._server = make_server(host, port, app, threaded=True, request_handler=_Handler)
        except SystemExit:
            raise AddressInUse(f"Port {port} of {host} cannot be listened on.") from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://{host}:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more; requests under way are left to finish by themselves."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(WSGIRequestHandler):
    timeout = 30

    def log(self, type: str, message: str, *args: object) -> None:
        _log.log(logging.DEBUG if type == "info" else logging.ERROR, message, *args)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
