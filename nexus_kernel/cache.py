"""A cache of finished bytes in Redis, invalidated by tag. With Redis gone it is slower, never an error.

A tag is a generation number that is part of the key: to invalidate is to raise the number, after the commit.
What was built from older rows lands under an older number and is never read.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
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
        self._client: "Redis | None" = None
        self._down_until = 0.0
        self._unsent: set[str] = set()
        self._lock = threading.Lock()

    @property
    def client(self) -> "Redis":
        """The connection pool, with time-outs that a request can bear."""
        if self._client is None:
            from redis import Redis  # a fifth of the start-up's imports, and not needed before the first use

            self._client = Redis.from_url(self._url, socket_timeout=0.5, socket_connect_timeout=0.5)
        return self._client

    def get_or_create(
        self, key: str, create: Callable[[], bytes], *, tags: Sequence[str], seconds: int
    ) -> bytes:
        """The cached bytes, or those of `create`, kept for `seconds`. One rebuilds, others wait."""
        if monotonic() < self._down_until or self._unsent.intersection(tags):
            return create()
        try:
            generations = cast(list[bytes | None], self.client.mget([_tag_key(tag) for tag in tags]))
            full_key = ":".join([key, *((g or b"0").decode() for g in generations)])
            return self._found(full_key) or self._rebuild(full_key, create, seconds)
        except redis_error() as error:
            self._failed(error)
            return create()

    def invalidate(self, *tags: str) -> None:
        """Make what carries these tags unreadable once the transaction under way is committed."""
        on_commit(lambda: self._raise_generations(set(tags)))

    def _found(self, full_key: str) -> bytes | None:
        return cast(bytes | None, self.client.get(full_key))

    def _rebuild(self, full_key: str, create: Callable[[], bytes], seconds: int) -> bytes:
        lock_key, deadline = f"{full_key}:lock", monotonic() + REBUILD_WAIT
        while not self.client.set(lock_key, b"1", nx=True, px=int(REBUILD_WAIT * 1000)):
            sleep(0.02)
            found = self._found(full_key)
            if found is not None or monotonic() > deadline:
                return found if found is not None else create()
        value = create()
        pipe: Any = self.client.pipeline(transaction=False)
        pipe.set(full_key, value, ex=seconds).delete(lock_key).execute()
        return value

    def _raise_generations(self, tags: set[str]) -> None:
        with self._lock:
            waiting = self._unsent | tags
            try:
                pipe: Any = self.client.pipeline(transaction=False)
                for tag in sorted(waiting):
                    pipe.incr(_tag_key(tag))
                pipe.execute()
                self._unsent = set()
            except redis_error() as error:
                self._unsent = waiting
                self._failed(error)
                threading.Timer(RETRY_AFTER, self._raise_generations, [set()]).start()

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
