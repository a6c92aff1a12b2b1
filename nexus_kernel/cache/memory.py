"""What one process holds: answers, of which the least recently used leave first, and what moved."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from math import inf
from time import monotonic

from nexus_kernel.cache.entry import Entry

MOST_ENTRIES = 10_000
MOST_TAGS = 20_000
NEVER = -inf


class Memory:
    """Bounded by bytes and by number. Of no bytes it holds nothing, and still knows what moved."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._moved: dict[str, float] = {}
        self._lock = threading.Lock()
        self.size = 0
        self.floor = 0
        self.position = 0
        """How far of the history in Redis this process has read."""
        self._horizon = 0
        """From here on every move is known; what was begun before cannot be judged."""
        self.synced = NEVER
        """The time at which that was so (`monotonic()`, before the question was sent)."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The entry, if nothing that this process knows of speaks against it."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if self._is_good(entry):
                self._entries.move_to_end(key)
                return entry
            self._drop(key)
            return None

    def put(self, key: str, entry: Entry) -> None:
        """Hold an entry, unless it was overtaken while it was built or fetched."""
        with self._lock:
            if entry.size > self._most_bytes // 4 or not self._is_good(entry):
                return
            self._drop(key)
            self._entries[key] = entry
            self.size += entry.size
            while self.size > self._most_bytes or len(self._entries) > MOST_ENTRIES:
                self._drop(next(iter(self._entries)))

    def move(self, tags: Iterable[str], at: float = inf) -> None:
        """Tags move. Until Redis has said at what time, nothing that carries them is good."""
        with self._lock:
            self._move(tags, at)

    def moved(self, tags: Iterable[str], before: int, at: int) -> None:
        """Redis has moved these tags of ours; `before` was the newest time in the history until then."""
        with self._lock:
            for tag in tags:
                self._moved[tag] = at
            if before == self.position:
                self.position = at

    def learn(
        self, floor: int, position: int, changed: Iterable[str], started: float, *, all_of_it: bool
    ) -> bool:
        """Take in what a look at Redis told; False when a later look was faster and this is no news."""
        with self._lock:
            if started < self.synced:
                return False
            if floor != self.floor or not all_of_it:
                self._forget()
                self.floor = floor
                self.position = self._horizon = position
            self._move(changed, position)
            self.position = max(self.position, position)
            self.synced = started
            return True

    def renew_lock(self) -> None:
        """For a process that has just been forked: another thread may have held the lock."""
        self._lock = threading.Lock()

    def _is_good(self, entry: Entry) -> bool:
        if entry.floor != self.floor or entry.seen < self._horizon or entry.until < monotonic():
            return False
        moved, seen = self._moved, entry.seen
        return all(moved.get(tag, 0) <= seen for tag in entry.tags)

    def _move(self, tags: Iterable[str], at: float) -> None:
        for tag in tags:
            self._moved[tag] = max(at, self._moved.get(tag, 0)) if at != inf else inf
        if len(self._moved) > MOST_TAGS:
            self._forget()

    def _forget(self) -> None:
        self._entries.clear()
        self._moved.clear()
        self.size = self.floor = 0
        self._horizon = self.position

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size
