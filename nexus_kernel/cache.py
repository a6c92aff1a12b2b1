"""A cache of finished bytes in Redis, invalidated by tag. With Redis gone it is slower, never an error.

A tag is a generation number that is part of the key: to invalidate is to raise the number, after the commit.
What was built from older rows lands under an older number and is never read. A generation that Redis lost or
evicted begins anew at the time in nanoseconds, a number that it never had, so that no older entry comes back.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Any, cast

from nexus_kernel.db import on_commit

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger("nexus.cache")

RETRY_AFTER = 1.0
"""Seconds for which Redis is left alone after it failed."""
REBUILD_WAIT = 2.0
"""Seconds that a reader waits for another one's rebuild before it builds its own copy."""


class Cache:
    """Keys begin with the owner's name: `catalog:categories`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None
        self._down_until = 0.0
        self._unsent: set[str] = set()
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> "Redis":
        """The connection pool, with time-outs that a request can bear."""
        if self._client is None:
            from redis import Redis  # a fifth of the start-up's imports, and not needed before the first use
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            # The client's own retries sleep for seconds; one attempt more covers a connection gone idle.
            self._client = Redis.from_url(
                self._url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1)
            )
        return self._client

    def get_or_create(
        self, key: str, create: Callable[[], bytes], *, tags: Sequence[str], seconds: int
    ) -> bytes:
        """The cached bytes, or those of `create`, kept for `seconds`. One rebuilds, others wait."""
        if monotonic() < self._down_until or self._unsent.intersection(tags):
            return create()
        try:
            full_key = ":".join([key, *(number.decode() for number in self._generations(tags))])
            found = self._found(full_key)
            mine = found is None and self._wait_for_turn(full_key)
            if found is None:
                found = self._found(full_key)
            if mine and found is not None:
                self.client.delete(f"{full_key}:lock")
        except redis_error() as error:
            self._failed(error)
            return create()
        if found is not None:
            return found
        return self._rebuild(full_key, create, seconds) if mine else create()

    def invalidate(self, *tags: str) -> None:
        """Make what carries these tags unreadable once the transaction under way is committed."""
        on_commit(lambda: self._raise_generations(set(tags)))

    def _generations(self, tags: Sequence[str]) -> list[bytes]:
        keys = [_tag_key(tag) for tag in tags]
        found = cast(list[bytes | None], self.client.mget(keys))
        if None in found:
            pipe: Any = self.client.pipeline(transaction=False)
            for key in keys:
                pipe.set(key, time_ns(), nx=True)
            found = pipe.mget(keys).execute()[-1]
        return [number or str(time_ns()).encode() for number in found]

    def _found(self, full_key: str) -> bytes | None:
        return cast(bytes | None, self.client.get(full_key))

    def _wait_for_turn(self, full_key: str) -> bool:
        """True when it is this reader's turn to rebuild; False when another one has, or takes too long."""
        deadline = monotonic() + REBUILD_WAIT
        while not self.client.set(f"{full_key}:lock", b"1", nx=True, px=int(REBUILD_WAIT * 1000)):
            if self._found(full_key) is not None or monotonic() > deadline:
                return False
            sleep(0.02)
        return True

    def _rebuild(self, full_key: str, create: Callable[[], bytes], seconds: int) -> bytes:
        pipe: Any = self.client.pipeline(transaction=False)
        try:
            value = create()
            pipe.set(full_key, value, ex=seconds)
            return value
        finally:
            try:
                pipe.delete(f"{full_key}:lock").execute()
            except redis_error() as error:
                self._failed(error)

    def _raise_generations(self, tags: set[str]) -> None:
        with self._lock:
            self._unsent = self._unsent | tags
            if monotonic() < self._down_until:
                self._try_again_later()
                return
            try:
                pipe: Any = self.client.pipeline(transaction=False)
                for tag in sorted(self._unsent):
                    pipe.set(_tag_key(tag), time_ns(), nx=True).incr(_tag_key(tag))
                pipe.execute()
                self._unsent = set()
            except redis_error() as error:
                self._failed(error)
                self._try_again_later()

    def _try_again_later(self) -> None:
        """One timer at a time, which does not keep the process from ending."""
        if self._timer is None:
            self._timer = threading.Timer(RETRY_AFTER, self._send_unsent)
            self._timer.daemon = True
            self._timer.start()

    def _send_unsent(self) -> None:
        with self._lock:
            self._timer = None
        self._raise_generations(set())

    def _failed(self, error: Exception) -> None:
        if monotonic() >= self._down_until:
            log.warning("Redis does not answer (%s); going on without it", error)
        self._down_until = monotonic() + RETRY_AFTER


def redis_error() -> type[Exception]:
    """The base of redis-py's errors: `except redis_error()` imports the client only once something failed."""
    from redis.exceptions import RedisError

    return RedisError


def _tag_key(tag: str) -> str:
    return f"{tag}:generation"
