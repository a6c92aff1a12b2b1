"""Rate limits, counted in Redis by every process together. With Redis gone each process counts by itself.

    throttle_client("accounts.register", "60/hour")
    throttle("accounts.sign_in", email, "20/hour")

The window slides (two counters a key, which expire). Keys are kept as keyed hashes: Redis holds no address of
a person and none of a machine.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from functools import cached_property
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic, time
from typing import TYPE_CHECKING, TypeVar, cast

from flask import current_app, request

from nexus_kernel.errors import TooManyRequests

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import MemoryStorage
    from limits.strategies import SlidingWindowCounterRateLimiter

log = logging.getLogger("nexus.throttling")

T = TypeVar("T")

RETRY_AFTER = 5.0
"""Seconds for which Redis is left alone after it failed."""
TIMEOUT = 0.2
"""Seconds that a request waits for Redis; a retry on a new connection may double them."""
LOCAL_KEYS = 20_000
"""With Redis gone, a process that counts more keys than this begins anew."""

_RATE = re.compile(r"([1-9]\d{0,6})/([1-9]\d{0,3})? ?(second|minute|hour|day)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Throttled(TooManyRequests):
    """Too many attempts from one client or for one account, which need not exist."""

    code, title = "kernel.throttled", "Too many attempts"

    def __init__(self, seconds: int) -> None:
        detail = f"Too many attempts; try again in {seconds} s."
        super().__init__(detail, headers={"Retry-After": str(seconds)})


class Throttle:
    """Counts. Names begin with the owner's name: `accounts.sign_in`."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = hashlib.sha256(secret.encode()).digest()
        self._down_until = 0.0

    def hit(self, name: str, key: str, rate: str) -> None:
        """Count once. Raises Throttled, without counting, when the rate is used up; `""` never is."""
        if not rate:
            return
        item, hashed = _item(rate), self._hashed(key)
        if not self._ask(lambda limiter: limiter.hit(item, name, hashed)):
            stats = self._ask(lambda limiter: limiter.get_window_stats(item, name, hashed))
            log.info("%s was throttled at %s", name, rate)
            raise Throttled(max(1, ceil(stats.reset_time - time())))

    def forgive(self, name: str, key: str, rate: str) -> None:
        """Forget what was counted for this key."""
        if rate:
            item, hashed = _item(rate), self._hashed(key)
            self._ask(lambda limiter: limiter.clear(item, name, hashed))

    def note(self, name: str, key: str, seconds: int) -> None:
        """Remember this key for so long, or for as long as Redis keeps it."""
        noted = self._noted(name, key)
        self._ask(lambda limiter: limiter.storage.incr(noted, seconds))

    def is_noted(self, name: str, key: str) -> bool:
        """True while the key is remembered."""
        noted = self._noted(name, key)
        return self._ask(lambda limiter: limiter.storage.get(noted)) > 0

    def _hashed(self, key: str) -> str:
        return hashlib.blake2b(key.encode(), digest_size=16, key=self._secret).hexdigest()

    def _noted(self, name: str, key: str) -> str:
        return f"NOTE/{name}/{self._hashed(key)}"

    def _ask(self, step: "Callable[[SlidingWindowCounterRateLimiter], T]") -> T:
        if monotonic() >= self._down_until:
            from redis.exceptions import RedisError

            try:
                return step(self._shared)
            except RedisError as error:
                if monotonic() >= self._down_until:
                    log.warning("Redis does not answer (%s); this process counts by itself", error)
                self._down_until = monotonic() + RETRY_AFTER
        storage = cast("MemoryStorage", self._local.storage)
        if len(storage.storage) > LOCAL_KEYS:
            storage.reset()
        return step(self._local)

    @cached_property
    def _shared(self) -> "SlidingWindowCounterRateLimiter":
        """Made at the first use: the start-up needs neither library."""
        from limits.storage import RedisStorage
        from limits.strategies import SlidingWindowCounterRateLimiter
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        pool = ConnectionPool.from_url(
            self._url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        storage = RedisStorage(self._url, connection_pool=pool, key_prefix="nexus:throttle")
        return SlidingWindowCounterRateLimiter(storage)

    @cached_property
    def _local(self) -> "SlidingWindowCounterRateLimiter":
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        return SlidingWindowCounterRateLimiter(MemoryStorage())


def check_rate(text: str) -> None:
    """Raises ValueError for a text that is no rate such as `10/minute`; an empty one means no limit."""
    if text and not _RATE.fullmatch(text):
        raise ValueError(f"must be a rate such as 10/minute or 20/15 minutes, not {text!r}")


def current_throttle() -> Throttle:
    """The running application's counts."""
    throttle: Throttle = current_app.extensions["nexus"].throttle
    return throttle


def throttle(name: str, key: str, rate: str) -> None:
    """Count an attempt under this key. Raises Throttled (429) when the rate is used up.

    What the key stands for need not exist, so the answer tells nothing about it.
    """
    current_throttle().hit(name, key, rate)


def throttle_client(name: str, rate: str) -> None:
    """Count an attempt of the client whose request is under way. Raises Throttled (429)."""
    try:
        throttle(name, client_network(), rate)
    except Throttled:
        if (
            "X-Forwarded-For" in request.headers
            and not current_app.extensions["nexus"].config.trusted_proxies
        ):
            log.warning("behind a proxy, set NEXUS_KERNEL__TRUSTED_PROXIES, or all clients count as one")
        raise


def client_network() -> str:
    """Who the client is for counting: an IPv4 address, or the /64 that an IPv6 subscriber has (RFC 6177).

    The address is the connection's. `X-Forwarded-For` counts only as far as
    `NEXUS_KERNEL__TRUSTED_PROXIES` says.
    """
    text = request.remote_addr or ""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


def _item(rate: str) -> "RateLimitItem":
    from limits import RateLimitItemPerSecond

    match = _RATE.fullmatch(rate)
    if match is None:
        raise ValueError(f"{rate!r} is no rate")
    count, multiple, unit = match.groups()
    return RateLimitItemPerSecond(int(count), int(multiple or 1) * _SECONDS[unit])
