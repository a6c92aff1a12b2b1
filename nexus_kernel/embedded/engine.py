"""What the embedded servers have in common: start, readiness, stop, and recovery from an earlier crash."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from nexus_kernel.embedded import processes

_POLL = 0.01


class EmbeddedError(Exception):
    """An embedded server could not be started; the message says why and what to do."""


class EngineMissing(EmbeddedError):
    """There is no server to start: neither the wheel nor, where it is allowed, a system-wide one."""


class AlreadyRunning(EmbeddedError):
    """Another process serves the same data folder."""


class Engine(ABC):
    """A server that keeps its data in one folder and lives as a child of this process.

    Starting is refused when somebody else serves that folder already, and cleans up after a server that was
    killed. Use it as a context manager, or call `start()` and `stop()`; a stopped one can be started again,
    under the same address. `log_file` receives what the server prints.
    """

    name: str
    programs: tuple[str, ...]
    stop_signal = signal.SIGTERM
    start_timeout = 60.0

    def __init__(self, data_dir: Path | str, *, log_file: Path | str | None = None) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.log_file = Path(log_file) if log_file else self.data_dir.with_name(self.data_dir.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's process. Raises EmbeddedError before the first start."""
        if self._process is None:
            raise EmbeddedError(f"{self.name} was not started.")
        return self._process

    @property
    def running(self) -> bool:
        """Whether the server that this object started still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, replace: bool = False) -> Self:
        """Start the server and wait until it answers.

        `replace` ends a server that an earlier, killed process left behind on the same folder; without it
        that is an AlreadyRunning. Raises EngineMissing without the wheel, EmbeddedError with the end of the
        log otherwise.
        """
        if self.running:
            return self
        self._make_way(replace)
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.prepare()
        try:
            self._launch()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, timeout: float = 15) -> None:
        """End the server orderly; by force when it has not ended after `timeout` seconds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process.wait()

    def kill(self) -> None:
        """End the server at once, as a crash would; what it had promised to keep is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            processes.end(processes.working_in(self.data_dir), grace=0, first=signal.SIGKILL)

    @abstractmethod
    def prepare(self) -> None:
        """Make what a start needs: the data folder, its configuration."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The command line of the server, which must stay in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server serves requests already."""

    @property
    @abstractmethod
    def pid_file(self) -> Path:
        """Where the server writes its process id, in the first line."""

    def _launch(self) -> None:
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + self.start_timeout
        while not self.answers():
            if self._process.poll() is not None:
                raise EmbeddedError(f"{self.name} ended while starting:\n{self._log_since(offset)}")
            if time.monotonic() > deadline:
                waited = f"{self.name} did not answer within {self.start_timeout:.0f} s"
                raise EmbeddedError(f"{waited}:\n{self._log_since(offset)}")
            time.sleep(_POLL)

    def _log_since(self, offset: int) -> str:
        with open(self.log_file, "rb") as log:
            log.seek(offset)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-8:]) + f"\n(the whole log: {self.log_file})"

    def _make_way(self, replace: bool) -> None:
        serving = self._serving()
        if serving and not replace:
            raise AlreadyRunning(
                f"{self.name} already runs on {self.data_dir} (process {serving}); stop that one first, "
                "or choose another folder."
            )
        if serving:
            processes.end([serving], grace=10, first=self.stop_signal)
        processes.end(processes.working_in(self.data_dir), grace=0, first=signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def _serving(self) -> int | None:
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        known = processes.is_alive(pid) and processes.command_name(pid) in self.programs
        return pid if known and self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        where = processes.working_directory(pid)
        return where is None or where == str(self.data_dir)
