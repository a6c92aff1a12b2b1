"""PostgreSQL and Valkey for `nexus up`: embedded ones, or those that the environment names."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nexus_kernel.cli.up.children import Backoff
from nexus_kernel.cli.up.state import StateFolder
from nexus_kernel.embedded.engine import EmbeddedError, Engine
from nexus_kernel.embedded.postgres import EmbeddedPostgres
from nexus_kernel.embedded.valkey import EmbeddedValkey

DATABASE = "nexus"


@dataclass
class _Kept:
    """An engine that is started again when it dies."""

    key: str
    engine: Engine
    backoff: Backoff = field(default_factory=Backoff)
    started: float = 0.0
    due: float | None = None


class Engines:
    """The servers that this run needs; those named by DATABASE_URL and REDIS_URL are left alone."""

    def __init__(self, state: StateFolder, environ: Mapping[str, str]) -> None:
        self._state = state
        self.database_url = environ.get("DATABASE_URL", "")
        self.redis_url = environ.get("REDIS_URL", "")
        self._kept: list[_Kept] = []

    def start_postgres(self) -> None:
        """Start the embedded PostgreSQL; one that a killed run left behind is ended first."""
        engine = EmbeddedPostgres(self._state.postgres, log_file=self._state.log("postgres"))
        self._start(_Kept("postgres", engine))
        engine.ensure_database(DATABASE)
        self.database_url = engine.url(DATABASE)

    def start_valkey(self) -> None:
        """Start the embedded Valkey; one that a killed run left behind is ended first."""
        engine = EmbeddedValkey(self._state.valkey, log_file=self._state.log("valkey"))
        self._start(_Kept("valkey", engine))
        self.redis_url = engine.url

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the embedded servers that run."""
        return {kept.key: kept.engine.process.pid for kept in self._kept if kept.engine.running}

    def tend(self, say: Callable[[str, str], None]) -> bool:
        """Start again what died; whether anything changed."""
        return any([self._tend(kept, say) for kept in self._kept])

    def stop(self) -> None:
        """End them, the database last."""
        for kept in reversed(self._kept):
            kept.engine.stop()

    def _start(self, kept: _Kept) -> None:
        self._kept.append(kept)
        kept.engine.start(replace=True)
        kept.started = time.monotonic()

    def _tend(self, kept: _Kept, say: Callable[[str, str], None]) -> bool:
        if kept.engine.running:
            return False
        now = time.monotonic()
        if kept.due is None:
            wait = kept.backoff.next(now - kept.started)
            kept.due = now + wait
            say(kept.key, f"ended, starting it again in {wait:g} s; log: {kept.engine.log_file}")
            return True
        if now < kept.due:
            return False
        kept.due = None
        kept.started = now
        try:
            kept.engine.start(replace=True)
        except EmbeddedError as error:
            say(kept.key, str(error))
            return False
        say(kept.key, f"started again, process {kept.engine.process.pid}")
        return True
