"""One HTTP request to the merchant, whatever comes of it."""

import time

import urllib3

from nexus_chapa_sim.core.clock import Clock
from nexus_chapa_sim.delivery.model import Attempt, Delivery

RESPONSE_EXCERPT = 2000


class Sender:
    """Sends without redirects and without retries of its own; a failure is a result, not an error."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool = urllib3.PoolManager(retries=False)

    def send(self, delivery: Delivery, timeout: float) -> Attempt:
        """Try once, waiting at most ``timeout`` seconds for each step of the exchange."""
        at, started = self._clock.now(), time.monotonic()
        status, text, error = None, "", ""
        try:
            status, text = self._exchange(delivery, timeout)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        latency = round((time.monotonic() - started) * 1000, 1)
        return Attempt(at=at, status=status, latency_ms=latency, response=text, error=error)

    def close(self) -> None:
        self._pool.clear()

    def _exchange(self, delivery: Delivery, timeout: float) -> tuple[int, str]:
        response = self._pool.request(
            delivery.method,
            delivery.url,
            body=delivery.body or None,
            headers=dict(delivery.headers) | {"Connection": "close"},
            redirect=False,
            timeout=timeout,
            preload_content=False,
        )
        try:
            excerpt = response.read(RESPONSE_EXCERPT, decode_content=False)
            return response.status, excerpt.decode("utf-8", "replace")
        finally:
            response.close()
