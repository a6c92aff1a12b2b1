"""What the operating system has to be asked about processes, zombies and other users included."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether `pid` runs. A zombie, which answers signals but will never do anything again, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "?"


def working_in(folder: Path) -> list[int]:
    """The processes whose working directory is `folder`; empty where there is no /proc."""
    wanted = os.path.realpath(folder)
    return [pid for pid in _pids() if working_directory(pid) == wanted and is_alive(pid)]


def working_directory(pid: int) -> str | None:
    """The working directory of `pid`, None where that cannot be known."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def with_environment(name: str, value: str) -> list[int]:
    """The processes that were started with `name=value`, this one excepted; empty where there is no /proc."""
    wanted = f"{name}={value}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and wanted in _environment(pid) and is_alive(pid)]


def _pids() -> Iterable[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def command_name(pid: int) -> str:
    """The short name of the program that `pid` runs, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        answer = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True)
        return os.path.basename(answer.stdout.strip())


def end(pids: Iterable[int], *, grace: float, first: signal.Signals = signal.SIGTERM) -> None:
    """End `pids`: ask with `first`, then insist with SIGKILL after `grace` seconds.

    Stopped ones are woken up, so that they can obey.
    """
    rest = list(pids)
    for pid in rest:
        _send(pid, first)
        _send(pid, signal.SIGCONT)
    rest = _wait(rest, grace)
    for pid in rest:
        _send(pid, signal.SIGKILL)
    _wait(rest, 5)


def _wait(pids: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    rest = [pid for pid in pids if is_alive(pid)]
    while rest and time.monotonic() < deadline:
        time.sleep(0.02)
        rest = [pid for pid in rest if is_alive(pid)]
    return rest


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def dying_with_parent(number: signal.Signals) -> list[str]:
    """A command prefix: the program gets signal `number` when this process dies, even by SIGKILL.

    Linux ties this to the *thread* that starts the program, so the prefix is empty outside of the main
    thread, and where util-linux' `setpriv` is missing.
    """
    if threading.current_thread() is not threading.main_thread() or not _has_pdeathsig():
        return []
    return ["setpriv", "--pdeathsig", number.name.removeprefix("SIG")]


@cache
def _has_pdeathsig() -> bool:
    return runs("setpriv", "--pdeathsig", "TERM", "true")


def runs(*command: str) -> bool:
    """Whether `command` exists and ends well."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
