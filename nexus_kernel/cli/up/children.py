"""The processes that `nexus up` starts: kept running, logged, and ended together with it."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nexus_kernel.cli.up.errors_in_logs import ErrorTail
from nexus_kernel.cli.up.state import UpError
from nexus_kernel.embedded import processes

MARKER = "NEXUS_UP_CHILD_OF"
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_STEADY = 20.0


def spawn(
    command: Sequence[str], environment: Mapping[str, str], output: int, errors: int
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own; it ends when this process dies, however that happens."""
    return subprocess.Popen(
        [*processes.dying_with_parent(signal.SIGTERM), *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )


def kill_group(pid: int) -> None:
    """End what is left of the process group that `pid` leads."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


class Backoff:
    """How long to wait before a program that ended is started again: 0.5 s, doubled up to 30 s."""

    def __init__(self) -> None:
        self._delay = 0.0

    def next(self, ran_for: float) -> float:
        """Seconds to wait now; one that had run for a while starts over with the shortest wait."""
        grown = min(self._delay * 2, _LONGEST_DELAY)
        self._delay = _FIRST_DELAY if ran_for > _STEADY else max(grown, _FIRST_DELAY)
        return self._delay


class Child:
    """A program that is started again whenever it ends."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._backoff = Backoff()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due: float | None = None
        self._tail = ErrorTail(log)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start the program; its output is appended to the log."""
        with open(self.log, "ab") as log:
            self._process = spawn(self._command, self._environment, log.fileno(), log.fileno())
        self._started = time.monotonic()
        self._due = None

    def tend(self) -> str | None:
        """Start it again when it has ended and its time has come; what is to be said, if anything."""
        now = time.monotonic()
        if self.exit_code is None or self._process is None:
            return None
        if self._due is None:
            kill_group(self._process.pid)
            wait = self._backoff.next(now - self._started)
            self._due = now + wait
            return f"ended ({describe(self.exit_code)}), starting it again in {wait:g} s; log: {self.log}"
        if now < self._due:
            return None
        self.start()
        return f"started again, process {self.pid}"

    def errors(self) -> list[str]:
        """The error lines that it has written since the last call."""
        return self._tail.read()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the program, which ends its own children."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)

    def has_ended(self) -> bool:
        """Whether the program itself is gone."""
        return self._process is None or self._process.poll() is not None

    def make_end(self) -> None:
        """End whatever is left of it, at once."""
        if self._process is not None:
            kill_group(self._process.pid)
            self._process.wait()


def end_all(children: Iterable[Child], grace: float) -> None:
    """Ask all of them to end, wait up to `grace` seconds, and end the rest by force."""
    children = list(children)
    try:
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and not all(child.has_ended() for child in children):
            time.sleep(0.02)
    finally:
        for child in children:
            child.make_end()


class OneOff:
    """A program that is run to its end: its output is returned, its complaints are shown when it fails."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        talks: bool = False,
    ) -> None:
        """`talks`: its standard error goes to the terminal while it runs, instead of into the log."""
        self.name = name
        self._log = log
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - read after the end
        with open(log, "wb") as errors:
            self._process = spawn(
                command, environment, self._output.fileno(), 2 if talks else errors.fileno()
            )

    def result(self) -> str:
        """Wait for the end; what it printed. Raises UpError when it failed."""
        try:
            code = self._process.wait()
        except BaseException:
            kill_group(self._process.pid)
            raise
        with self._output as output:
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        if code != 0:
            said = (self._log.read_text("utf-8", "replace") + text).strip().splitlines()
            raise UpError(
                "\n".join([f"{self.name} failed ({describe(code)}):", *said[-40:], f"log: {self._log}"])
            )
        return text


def describe(code: int) -> str:
    """An exit code in words."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
