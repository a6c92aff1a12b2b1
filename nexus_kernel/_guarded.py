"""The network of `nexus_kernel.outgoing`: it connects to checked addresses only, and ends at a deadline."""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

Resolve = Callable[[str, int], object]


class GuardedBackend(httpcore.NetworkBackend):
    """Asks `resolve` for the address of each host and connects to that very address.

    The name is resolved once a connection, so what was checked is what is connected to (DNS rebinding). TLS
    still checks the certificate against the name.
    """

    def __init__(self, deadline: float, resolve: Resolve) -> None:
        self._deadline = deadline
        self._resolve = resolve
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the host's checked address."""
        address = str(self._resolve(host, port))
        left = _left(timeout, self._deadline)
        stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
        return _BoundedStream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        """Never used: nothing is tried again."""
        raise NotImplementedError


class _BoundedStream(httpcore.NetworkStream):
    """A stream on which no wait is longer than what is left until the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, self._deadline)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left if timeout is None else min(timeout, left)
