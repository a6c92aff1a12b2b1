"""What is in Redis, and what happens while it is not there.

A process that fails to reach Redis asks nothing more of it: a thread tries until it answers again and first
of all lays a new floor (nothing older is trusted: others may have been unable to say what moved), and only
then is Redis used again. While all is well there is no thread.
"""

import logging
import re
import secrets
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from nexus_kernel.cache import scripts
from nexus_kernel.cache.entry import Entry

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

log = logging.getLogger("nexus.cache")

TIMEOUT = 0.3
"""Seconds that one request may lose to a Redis that does not answer; those after it lose nothing."""
TRY_AGAIN = 0.1
"""Seconds between two tries while Redis is out of reach."""
TURN_MS = 2000
"""Milliseconds after which a reader that was to build an answer counts as lost."""
SLOTS = 65_536
"""Answers that one owner keeps in Redis at most; a new one takes the slot of an older one."""
LARGEST = 1_000_000
"""Bytes of a body, as Redis keeps it, above which it is not kept."""
LONGEST = 3600
"""Seconds that an answer may live at most; a tag that moved earlier than that need not be remembered."""
MOST_CHANGES = 1000
MOST_TAGS = 100_000
_MOVED, _RUN = "nexus:cache:moved", "nexus:cache:run"


@dataclass(frozen=True, slots=True)
class Look:
    """What Redis knew at one point of time."""

    floor: int
    position: int
    changed: Sequence[str]
    verdict: str
    """`hit`, `build` (it is the caller's turn), `wait` (somebody else's), `miss` or `sync`."""
    entry: Entry | None
    started: float
    all_of_it: bool
    """False when `changed` leaves things out: too many, or the caller asked about another floor."""


class Shared:
    """The connection, the scripts, and the outage."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None
        self._scripts: dict[str, Script] = {}
        self._lock = threading.Lock()
        self._missed = 0
        """Moves that Redis was not told of; what counts is whether it grows."""
        self._recovery: threading.Thread | None = None
        self.reachable = True

    @property
    def client(self) -> "Redis":
        """The connection pool, with time-outs that a request can bear."""
        if self._client is None:
            from redis import Redis  # a fifth of the start-up's imports, and not needed before the first use
            from redis.backoff import NoBackoff
            from redis.exceptions import ConnectionError as ConnectionLost
            from redis.retry import Retry

            # The client's own retries sleep for seconds; one attempt more covers a connection gone idle.
            self._client = Redis.from_url(
                self._url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
                redis_connect_func=_greet,
            )
        return self._client

    def look(
        self, floor: int, since: int, key: str = "", tags: Sequence[str] = (), *, may_build: bool = False
    ) -> Look | None:
        """What moved since, and the answer under this key, if any; None while Redis is out of reach."""
        if not self._may_ask():
            return None
        keys = [_MOVED, *(_slot_and_lock(key)[: 1 + may_build] if key else ())]
        started = monotonic()
        try:
            found = self._run(scripts.LOOK, keys, [floor, since, MOST_CHANGES, TURN_MS, key, *tags])
        except redis_error() as error:
            self._failed(error)
            return None
        entry = _entry(found, started) if found[3] == b"hit" else None
        changed = [tag.decode() for tag in found[2]]
        told = int(found[0]) == floor and len(changed) < MOST_CHANGES
        return Look(int(found[0]), int(found[1]), changed, found[3].decode(), entry, started, told)

    def store(self, key: str, entry: Entry, seconds: float) -> None:
        """Keep an entry, unless one of its tags moved meanwhile; others may build again."""
        head, payload = entry.dump()
        milliseconds = int(seconds * 1000) if len(payload) <= LARGEST else 0
        self._finish(key, entry.floor, entry.seen, milliseconds, "\n".join(entry.tags), head, payload)

    def give_up(self, key: str, floor: int, seen: int) -> None:
        """Let others build what could not be built here."""
        self._finish(key, floor, seen, 0, "", "", b"")

    def move(self, tags: Sequence[str]) -> tuple[int, int] | None:
        """Make what carries these tags worthless: the newest time until now, and theirs; None when down."""
        if not self._may_ask(moving=True):
            return None
        try:
            before, now = self._run(scripts.MOVE, [_MOVED], [LONGEST * 1_000_000, MOST_TAGS, *tags])
        except redis_error() as error:
            self._failed(error)
            return None
        return int(before), int(now)

    def renew_lock(self) -> None:
        """For a process that has just been forked."""
        self._lock = threading.Lock()

    def _finish(self, key: str, floor: int, seen: int, milliseconds: int, *rest: str | bytes) -> None:
        if self._may_ask():
            try:
                keys = [_MOVED, *_slot_and_lock(key)]
                self._run(scripts.STORE, keys, [key, floor, seen, milliseconds, *rest])
            except redis_error() as error:
                self._failed(error)

    def _run(self, text: str, keys: list[str], arguments: Sequence[Any]) -> Any:
        script = self._scripts.get(text)
        if script is None:
            script = self._scripts[text] = self.client.register_script(text)
        return script(keys=keys, args=arguments)

    def _may_ask(self, *, moving: bool = False) -> bool:
        if self.reachable:
            return True
        with self._lock:
            down = not self.reachable
            if down:
                self._missed += moving
                self._see_to_recovery()
            return not down

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._missed += 1
            if self.reachable:
                log.warning("Redis does not answer (%s); going on without it", error)
            self.reachable = False
            self._see_to_recovery()

    def _see_to_recovery(self) -> None:
        """One thread at a time, which does not keep the process from ending; a fork takes none along."""
        if self._recovery is None or not self._recovery.is_alive():
            self._recovery = threading.Thread(target=self._recover, name="nexus-cache-recovery", daemon=True)
            self._recovery.start()

    def _recover(self) -> None:
        while True:
            missed = self._missed
            try:
                self._run(scripts.FLOOR, [_MOVED], [])
            except redis_error():
                sleep(TRY_AGAIN)
                continue
            with self._lock:
                if missed == self._missed:
                    self.reachable = True
                    log.warning("Redis answers again")
                    return


def redis_error() -> type[Exception]:
    """The base of redis-py's errors: `except redis_error()` imports the client only once something failed."""
    from redis.exceptions import RedisError

    return RedisError


def _greet(connection: Any) -> None:
    """On each new connection: a server that is not the one of before gets a new floor."""
    from redis.exceptions import ResponseError

    connection.on_connect()
    connection.send_command("INFO", "server")
    try:
        found = re.search(rb"run_id:(\w+)", connection.read_response())
    except ResponseError:  # an account that may not ask: as if it were a new server each time
        found = None
    run = found[1] if found else secrets.token_hex(16)
    connection.send_command("EVAL", scripts.GREET, 2, _MOVED, _RUN, run)
    connection.read_response()


def _entry(found: list[Any], started: float) -> Entry:
    tags = tuple(found[4].decode().split("\n")) if found[4] else ()
    entry = Entry.load(found[5], found[6], tags)
    entry.floor, entry.seen = int(found[0]), int(found[1])
    entry.began, entry.until = started, started + found[7] / 1000
    return entry


def _slot_and_lock(key: str) -> tuple[str, str]:
    """Keys of Redis begin with the owner's name, as the key itself does."""
    owner = key.partition(":")[0]
    number = zlib.crc32(key.encode())
    return f"{owner}:cache:{number % SLOTS:04x}", f"{owner}:cache:lock:{number:08x}"
