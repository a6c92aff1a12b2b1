"""The state folder of `nexus up`: its lock, secrets, finished seeds, and state.json for other programs."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class UpError(Exception):
    """`nexus up` cannot go on; the message says why and what to do."""


class StateFolder:
    """Everything that one `nexus up` keeps. Nothing in it is readable by other users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.postgres = self.folder / "postgres"
        self.valkey = self.folder / "valkey"
        self.logs = self.folder / "logs"
        self.services = self.folder / "services"
        self._secrets = self.folder / "secrets"
        self._state = self.folder / "state.json"
        self._seeds = self.folder / "seeds.json"
        self._ports = self.folder / "ports.json"
        self._environment = self.folder / "environment.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Own the folder, making it if need be. Raises UpError while another `nexus up` owns it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UpError(
                f"The state folder {self.folder} cannot be used: {error.strerror}. "
                "Choose another with --state-dir."
            ) from None
        with os.fdopen(lock, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UpError(self._who_holds_it(file.read().strip())) from None
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            (self.folder / ".gitignore").write_text("# Made by `nexus up`.\n*\n")
            yield
            file.seek(0)
            file.truncate()

    def clear(self) -> None:
        """Remove what earlier runs have kept, and nothing that is not ours."""
        for folder in (self.postgres, self.valkey, self.logs, self.services, self._secrets):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.folder / "postgres.new", ignore_errors=True)
        for file in (self._state, self._seeds, self._ports, self._environment):
            file.unlink(missing_ok=True)

    def secret(self, name: str) -> str:
        """A random text of that name, made at the first call and kept."""
        self._secrets.mkdir(mode=0o700, exist_ok=True)
        path = self._secrets / name
        if not path.exists() or not path.read_text().strip():
            _write(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    def seeded(self) -> dict[str, dict[str, Any]]:
        """What each finished seed has printed, by its name."""
        try:
            answer: dict[str, dict[str, Any]] = json.loads(self._seeds.read_text())
        except FileNotFoundError:
            return {}
        return answer

    def remember_seed(self, name: str, printed: dict[str, Any]) -> None:
        """Note that a seed has run, so that it does not run again."""
        _write(self._seeds, json.dumps({**self.seeded(), name: printed}, indent=2))

    def port(self, name: str) -> int | None:
        """The port that the last run has given to this name."""
        return self._remembered_ports().get(name)

    def remember_port(self, name: str, number: int) -> None:
        """Keep a port for the next run."""
        _write(self._ports, json.dumps({**self._remembered_ports(), name: number}, indent=2))

    def _remembered_ports(self) -> dict[str, int]:
        try:
            answer: dict[str, int] = json.loads(self._ports.read_text())
        except (OSError, ValueError):
            return {}
        return answer

    def publish(self, state: dict[str, Any], environment: dict[str, str]) -> None:
        """Write state.json, whole or not at all, and what a command needs to work on this shop."""
        _write(self._environment, json.dumps(environment, indent=2) + "\n")
        _write(self._state, json.dumps(state, indent=2) + "\n")

    def published(self) -> dict[str, Any] | None:
        """What state.json says, None when there is none."""
        try:
            answer: dict[str, Any] = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return None
        return answer

    def withdraw(self) -> None:
        """Remove state.json and the environment: nothing runs any more."""
        self._state.unlink(missing_ok=True)
        self._environment.unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """The log file of a child; a long one of earlier runs is set aside first."""
        self.logs.mkdir(mode=0o700, exist_ok=True)
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > 5_000_000:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _who_holds_it(self, pid: str) -> str:
        address = (self.published() or {}).get("api")
        where = f", at {address}" if address else ", and is still starting"
        return (
            f"`nexus up` already runs on {self.folder}: process {pid}{where}. "
            "Stop it first, or choose another folder with --state-dir."
        )


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
