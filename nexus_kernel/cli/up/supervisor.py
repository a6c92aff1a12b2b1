"""Brings the whole shop up, keeps it up, and takes it down."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from nexus_kernel.cli.up import health
from nexus_kernel.cli.up.children import MARKER, Child, OneOff, end_all
from nexus_kernel.cli.up.declared import Declared
from nexus_kernel.cli.up.engines import Engines
from nexus_kernel.cli.up.screen import Screen
from nexus_kernel.cli.up.services import HOST, ApiPort, ReadyService, fill_in, is_installed
from nexus_kernel.cli.up.state import StateFolder, UpError
from nexus_kernel.embedded import EmbeddedError, processes

_POLL = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(frozen=True)
class Programs:
    """What is run; replaced by stand-ins in the supervisor's own tests."""

    nexus: tuple[str, ...] = (sys.executable, "-m", "nexus_kernel.cli")
    declare: tuple[str, ...] = (sys.executable, "-m", "nexus_kernel.cli.up.declared")


@dataclass(frozen=True)
class Options:
    """What the command line says. Times in seconds."""

    state_dir: Path
    port: int | None = None
    workers: int = 2
    fresh: bool = False
    grace: float = 10.0
    start_timeout: float = 90.0
    programs: Programs = field(default_factory=Programs)


class Supervisor:
    """One run of `nexus up`. `run()` returns the exit code of the command."""

    def __init__(self, options: Options, screen: Screen | None = None) -> None:
        self._options = options
        self._screen = screen or Screen()
        self._state = StateFolder(options.state_dir)
        self._engines = Engines(self._state, os.environ)
        self._children: list[Child] = []
        self._services: list[ReadyService] = []
        self._api = ""
        self._port: ApiPort | None = None

    def run(self) -> int:
        """Bring up, keep up until a signal, take down: 0 after SIGTERM, 130 after Ctrl-C, 1 on failure."""
        try:
            with self._state.held():
                return self._run()
        except (UpError, EmbeddedError) as error:
            self._screen.failure(str(error))
            return 1

    def _run(self) -> int:
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            self._recover()
            self._bring_up()
            self._keep_up()
        except Stopped as stop:
            return 130 if stop.number == signal.SIGINT else 0
        finally:
            self._take_down()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, self._on_impatience)
        raise Stopped(number)

    def _on_impatience(self, number: int, frame: FrameType | None) -> None:
        for child in self._children:
            child.make_end()

    # bringing up

    def _recover(self) -> None:
        """End what a killed run left behind, and forget what it had published."""
        orphans = processes.with_environment(MARKER, str(self._state.folder))
        if orphans:
            with self._screen.step(f"ending {len(orphans)} processes of a run that was killed"):
                processes.end(orphans, grace=self._options.grace)
        self._state.withdraw()

    def _bring_up(self) -> None:
        self._port = ApiPort(self._options.port)
        self._api = f"http://{HOST}:{self._port.number}"
        if self._options.fresh:
            self._end_engines_left_behind()
            self._state.clear()
        self._start_engines()
        declared = self._migrate()
        self._prepare_services(declared)
        self._seed(declared)
        self._start_what_answers(self._port.number)
        self._await_readiness()
        self._start_what_works_behind()
        self._publish()
        self._screen.addresses(self._addresses(), self._seeded().get("accounts", {}), str(self._state.folder))

    def _end_engines_left_behind(self) -> None:
        for folder in (self._state.postgres, self._state.valkey):
            processes.end(processes.working_in(folder), grace=5, first=signal.SIGINT)

    def _start_engines(self) -> None:
        if not self._engines.database_url:
            with self._screen.step("PostgreSQL"):
                self._engines.start_postgres()
        if not self._engines.redis_url:
            with self._screen.step("Valkey"):
                self._engines.start_valkey()

    def _migrate(self) -> Declared:
        with self._screen.step("database schema"):
            declaration = self._one_off("plugins", self._options.programs.declare)
            self._one_off("db-upgrade", (*self._options.programs.nexus, "db", "upgrade")).result()
            return Declared.from_json(declaration.result())

    def _prepare_services(self, declared: Declared) -> None:
        for service in declared.services:
            if is_installed(service):
                self._services.append(fill_in(service, self._state, self._api))
            else:
                self._screen.say(f"{service.name} is left out: the module {service.module} is not installed.")

    def _seed(self, declared: Declared) -> None:
        done = self._state.seeded()
        for seed in sorted(declared.seeds, key=lambda each: (each.order, each.name)):
            if seed.name in done:
                continue
            with self._screen.step(f"filling the new shop: {seed.name}"):
                command = (*self._options.programs.nexus, *seed.command)
                printed = self._one_off(f"seed-{seed.name}", command, talks=True).result()
                self._state.remember_seed(seed.name, _object_in(printed))

    def _start_what_answers(self, port: int) -> None:
        for service in self._services:
            self._child(service.name, service.command)
        workers = str(self._options.workers)
        self._child(
            "api", (*self._options.programs.nexus, "serve", "--port", str(port), "--workers", workers)
        )

    def _start_what_works_behind(self) -> None:
        for name in ("worker", "beat"):
            self._child(name, (*self._options.programs.nexus, name))

    def _await_readiness(self) -> None:
        with self._screen.step(f"the API at {self._api}"):
            self._await(lambda: health.is_ready(self._api), self._options.start_timeout)
        for service in self._services:
            if health.status(service.health) != 200 and not self._await_service(service):
                self._screen.about(
                    service.name, f"does not answer at {service.health} yet; going on without it"
                )

    def _await(self, ready: Callable[[], bool], seconds: float) -> None:
        api = next(child for child in self._children if child.name == "api")
        deadline = time.monotonic() + seconds
        while not ready():
            if api.has_ended():
                raise UpError(f"The API ended while starting:\n{_end_of(api.log)}\nlog: {api.log}")
            if time.monotonic() > deadline:
                raise UpError(
                    f"The API did not answer within {seconds:g} s:\n{_end_of(api.log)}\nlog: {api.log}"
                )
            time.sleep(0.03)

    def _await_service(self, service: ReadyService) -> bool:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if health.status(service.health) == 200:
                return True
            time.sleep(0.05)
        return False

    # keeping up

    def _keep_up(self) -> NoReturn:
        while True:
            changed = self._engines.tend(self._screen.about)
            for child in self._children:
                for line in child.errors():
                    self._screen.error_of(child.name, line)
                if said := child.tend():
                    self._screen.about(child.name, said)
                    changed = True
            if changed:
                self._publish()
            time.sleep(_POLL)

    def _publish(self) -> None:
        pids = {child.name: child.pid for child in self._children if child.pid}
        self._state.publish(
            {
                **self._seeded(),
                **self._addresses(),
                "database_url": self._engines.database_url,
                "redis_url": self._engines.redis_url,
                "state_dir": str(self._state.folder),
                "pids": {"up": os.getpid(), **self._engines.pids, **pids},
            },
            {key: value for key, value in self._environment().items() if _is_ours(key)},
        )

    def _addresses(self) -> dict[str, str]:
        return {"api": self._api, **{service.name: service.address for service in self._services}}

    def _seeded(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for printed in self._state.seeded().values():
            merged.update(printed)
        return merged

    # taking down

    def _take_down(self) -> None:
        self._state.withdraw()
        end_all(self._children, self._options.grace)
        left = processes.with_environment(MARKER, str(self._state.folder))
        processes.end(left, grace=1)
        self._engines.stop()

    # starting programs

    def _environment(self) -> dict[str, str]:
        settings = {key: value for service in self._services for key, value in service.settings.items()}
        return {
            "NEXUS_KERNEL__SECRET_KEY": self._state.secret("kernel"),
            "NEXUS_KERNEL__PUBLIC_URL": self._api,
            "NEXUS_KERNEL__MEDIA_STORE": str(self._state.folder / "media"),
            **settings,
            **os.environ,
            "DATABASE_URL": self._engines.database_url,
            "REDIS_URL": self._engines.redis_url,
            "PYTHONUNBUFFERED": "1",
            MARKER: str(self._state.folder),
        }

    def _child(self, name: str, command: tuple[str, ...]) -> None:
        child = Child(name, command, self._environment(), self._state.log(name))
        self._children.append(child)
        child.start()

    def _one_off(self, name: str, command: tuple[str, ...], *, talks: bool = False) -> OneOff:
        return OneOff(name, command, self._environment(), self._state.log(name), talks=talks)


def _is_ours(variable: str) -> bool:
    return variable in ("DATABASE_URL", "REDIS_URL") or (variable.startswith("NEXUS_") and variable != MARKER)


def _object_in(printed: str) -> dict[str, Any]:
    try:
        answer = json.loads(printed)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
