"""`Cache`: what plugins and routes use.

Who reads says how exact it must be. With `now` the history in Redis is read first, so that a write is seen by
whoever could know of it; else what the process holds is good for `TRUSTED` seconds after the last look.
"""

import os
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING
from weakref import WeakSet

from nexus_kernel.cache.entry import Entry
from nexus_kernel.cache.memory import Memory
from nexus_kernel.cache.shared import LONGEST, Look, Shared
from nexus_kernel.db import current_unit, on_commit

if TYPE_CHECKING:
    from redis import Redis

MODES = ("on", "shared", "off")
TRUSTED = 0.5
"""Seconds for which a process trusts what it knows of Redis, for readers who wrote nothing."""
REBUILD_WAIT = 2.0
"""Seconds that a reader waits for another one's rebuild before it builds its own copy."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.002, 0.02


class Cache:
    """Keys and tags begin with the owner's name: `catalog:categories`.

    `mode` is `on` (memory over Redis), `shared` (Redis alone) or `off` (everything is built anew).
    """

    def __init__(self, url: str, *, mode: str = "on", memory_mb: int = 16) -> None:
        self.is_on = mode != "off"
        self._shared = Shared(url)
        self._memory = Memory(memory_mb * 1_048_576 if mode == "on" else 0)
        self._asking = threading.Lock()
        _caches.add(self)

    @property
    def client(self) -> "Redis":
        """The connection pool, with time-outs that a request can bear."""
        return self._shared.client

    def get_or_create(
        self,
        key: str,
        create: Callable[[], bytes],
        *,
        tags: Sequence[str],
        seconds: int,
        exact: bool = True,
    ) -> bytes:
        """The cached bytes, or those of `create`, kept for `seconds`. One rebuilds, others wait.

        They are never older than what carries their tags, whoever reads. Without `exact` another process may
        give what was so half a second ago, and Redis is not asked for each call.
        """

        def build() -> Entry:
            return Entry.of(create(), "application/octet-stream", tuple(tags))

        return self.fetch(key, build, tags=tags, seconds=seconds, now=exact).body()

    def invalidate(self, *tags: str) -> None:
        """Make what carries these tags unreadable once the transaction under way is committed.

        However often it is called in a transaction, Redis hears of it once.
        """
        for step in current_unit().after_commit:
            if isinstance(step, _Moves) and step.cache is self:
                step.tags.update(dict.fromkeys(tags))
                return
        moves = _Moves(self, dict.fromkeys(tags))
        on_commit(moves)
        callbacks = current_unit().after_commit
        callbacks.insert(0, callbacks.pop())  # before steps that take longer

    def find(self, key: str, *, now: bool) -> Entry | None:
        """The entry if there is one in memory or Redis."""
        entry = self._held(key, now=now)
        if entry is None and self.is_on:
            look = self._shared.look(self._memory.floor, self._memory.position, key)
            entry = self._learn(key, look) if look else None
        return entry

    def fetch(
        self, key: str, build: Callable[[], Entry], *, tags: Sequence[str], seconds: float, now: bool
    ) -> Entry:
        """The entry, built if need be. `tags` are those of its tags that are known beforehand."""
        if not self.is_on:
            return build()
        entry, deadline, pause = self._held(key, now=now), monotonic() + REBUILD_WAIT, _SHORTEST_PAUSE
        while entry is None:
            memory = self._memory
            look = self._shared.look(memory.floor, memory.position, key, tags, may_build=True)
            if look is None:
                return self._build_alone(key, build, seconds)
            entry = self._learn(key, look)
            if look.verdict == "build" or (entry is None and monotonic() > deadline):
                return self._build(key, build, look, seconds)
            if entry is None:
                sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        return entry

    def _held(self, key: str, *, now: bool) -> Entry | None:
        entry = self._memory.get(key)
        if entry is None or not (now or monotonic() - max(self._memory.synced, entry.began) > TRUSTED):
            return entry
        return self._memory.get(key) if self._sync(now=now) else None

    def _sync(self, *, now: bool) -> bool:
        """Read what moved. One thread at a time for readers who wrote nothing; false without an answer."""
        if not now and not self._asking.acquire(blocking=False):
            with self._asking:
                return monotonic() - self._memory.synced <= TRUSTED
        try:
            look = self._shared.look(self._memory.floor, self._memory.position)
            if look is not None:
                self._apply(look)
            return look is not None
        finally:
            if not now:
                self._asking.release()

    def _learn(self, key: str, look: Look) -> Entry | None:
        if self._apply(look) and look.entry is not None:
            self._memory.put(key, look.entry)
        return look.entry

    def _apply(self, look: Look) -> bool:
        return self._memory.learn(
            look.floor, look.position, look.changed, look.started, all_of_it=look.all_of_it
        )

    def _build(self, key: str, build: Callable[[], Entry], look: Look, seconds: float) -> Entry:
        seconds = min(seconds, LONGEST)
        try:
            entry = build()
        except BaseException:
            self._shared.give_up(key, look.floor, look.position)
            raise
        entry.floor, entry.seen = look.floor, look.position
        entry.began, entry.until = look.started, look.started + seconds
        self._memory.put(key, entry)
        self._shared.store(key, entry, seconds)
        return entry

    def _build_alone(self, key: str, build: Callable[[], Entry], seconds: float) -> Entry:
        """Without Redis: held for those who wrote nothing, and for `TRUSTED` seconds."""
        began, floor, position = monotonic(), self._memory.floor, self._memory.position
        entry = build()
        entry.floor, entry.seen = floor, position
        entry.began, entry.until = began, began + min(seconds, TRUSTED)
        self._memory.put(key, entry)
        return entry

    def _move(self, tags: Sequence[str]) -> None:
        if not self.is_on:
            return
        self._memory.move(tags)
        times = self._shared.move(tags)
        if times is not None:
            self._memory.moved(tags, *times)

    def _renew_locks(self) -> None:
        self._asking = threading.Lock()
        self._memory.renew_lock()
        self._shared.renew_lock()


class _Moves:
    """What one transaction makes worthless, once it is committed."""

    def __init__(self, cache: Cache, tags: dict[str, None]) -> None:
        self.cache, self.tags = cache, tags

    def __call__(self) -> None:
        self.cache._move(list(self.tags))


_caches: "WeakSet[Cache]" = WeakSet()


def _after_fork() -> None:
    for cache in _caches:
        cache._renew_locks()


os.register_at_fork(after_in_child=_after_fork)
