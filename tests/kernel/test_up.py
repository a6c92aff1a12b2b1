"""`nexus up` brings everything up, keeps it up, and leaves nothing behind, whatever is killed."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from nexus_kernel.cli.up.children import Backoff
from nexus_kernel.cli.up.errors_in_logs import ErrorTail
from nexus_kernel.embedded import processes

FAKE = Path(__file__).with_name("fake_nexus.py")
START = """
import sys
from pathlib import Path
from nexus_kernel.cli.up.supervisor import Options, Programs, Supervisor
fake, folder, port, fresh = sys.argv[1:]
programs = Programs(nexus=(sys.executable, fake), declare=(sys.executable, fake, "declare"))
options = Options(
    Path(folder), int(port) if port else None, fresh=bool(fresh), grace=1, start_timeout=60, programs=programs
)
sys.exit(Supervisor(options).run())
"""


class Run:
    """One `nexus up` with a stand-in for the application."""

    def __init__(
        self, folder: Path, *, port: int | None = None, fresh: bool = False, **environment: str
    ) -> None:
        self.folder = folder
        self.calls = folder.with_name("calls.txt")
        self.screen = folder.with_name(f"screen-{time.monotonic_ns()}.txt")
        inherited = {
            key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")
        }
        command = [
            sys.executable,
            "-c",
            START,
            str(FAKE),
            str(folder),
            str(port or ""),
            "yes" if fresh else "",
        ]
        with open(self.screen, "wb") as output:
            self.process = subprocess.Popen(
                command,
                env={**inherited, "FAKE_CALLS": str(self.calls), "COLUMNS": "200", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> "Run":
        eventually(lambda: self.process.poll() is not None or self.published, 90)
        assert self.process.poll() is None, self.shown
        return self

    @property
    def published(self) -> bool:
        with contextlib.suppress(OSError):
            return self.pids["up"] == self.process.pid
        return False

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def shown(self) -> str:
        return self.screen.read_text()

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        return self.state["pids"]

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()

    def api(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.state["api"], timeout=5) as answer:
            return json.load(answer)


def eventually(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def answers(run: Run) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return bool(run.api())
    return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def starter(**options: Any) -> Run:
        runs.append(Run(tmp_path / "state", **options))
        return runs[-1]

    yield starter
    for run in runs:
        if run.process.poll() is None:
            run.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("up") / "state").ready()
    yield run
    run.end()


class TestWhatItOffers:
    def test_state_json_names_addresses_engines_accounts_and_pids(self, running: Run) -> None:
        state = running.state
        assert state["api"].startswith("http://127.0.0.1:")
        assert state["mailbox"].startswith("http://127.0.0.1:")
        assert state["accounts"]["admin"]["email"] == "admin@example.com"
        assert {"up", "postgres", "valkey", "api", "worker", "beat", "mailbox"} <= state["pids"].keys()

    def test_the_engines_answer_at_their_addresses(self, running: Run) -> None:
        dsn = running.state["database_url"].replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("nexus",)
        assert redis.Redis.from_url(running.state["redis_url"]).ping()

    def test_other_users_can_read_no_state_and_no_secret(self, running: Run) -> None:
        private = [running.folder / "state.json", *(running.folder / "secrets").iterdir()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700

    def test_the_processes_get_engines_secret_and_the_settings_of_the_services(self, running: Run) -> None:
        environment = running.api()["environment"]
        assert environment["DATABASE_URL"] == running.state["database_url"]
        assert len(environment["NEXUS_KERNEL__SECRET_KEY"]) >= 32
        assert environment["NEXUS_FAKE__MAILBOX"].startswith(running.state["mailbox"] + "/")
        assert environment["NEXUS_FAKE__API"] == running.state["api"]

    def test_the_table_shows_addresses_and_accounts(self, running: Run) -> None:
        assert running.state["api"] in running.shown
        assert "s3cret" in running.shown

    def test_a_service_that_is_not_installed_is_left_out_with_a_sentence(self, running: Run) -> None:
        assert "absent is left out: the module nexus_no_such_module is not installed" in running.shown
        assert "absent" not in running.state

    def test_migrations_come_before_seeds_and_seeds_run_in_their_order(self, running: Run) -> None:
        steps = [call for call in running.called if call.startswith(("db", "seed", "serve"))]
        assert [step.split(" --")[0] for step in steps] == [
            "db upgrade",
            "seed catalog",
            "seed accounts",
            "serve",
        ]

    def test_errors_of_a_child_are_shown_with_its_name_and_kept_in_its_log(self, running: Run) -> None:
        eventually(lambda: "worker | 2026-01-01 ERROR the worker complains" in running.shown)
        assert "the worker complains" in (running.folder / "logs" / "worker.log").read_text()

    def test_a_second_one_on_the_same_folder_is_refused_with_pid_and_address(self, running: Run) -> None:
        second = Run(running.folder)
        assert second.process.wait(60) == 1
        assert f"process {running.process.pid}, at {running.state['api']}" in " ".join(second.shown.split())
        assert answers(running)

    def test_fresh_is_refused_while_it_runs(self, running: Run) -> None:
        assert Run(running.folder, fresh=True).process.wait(60) == 1
        assert answers(running)

    @pytest.mark.parametrize("name", ["worker", "beat", "mailbox", "api"])
    def test_a_child_that_dies_is_started_again(self, running: Run, name: str) -> None:
        before = running.pids[name]
        os.kill(before, signal.SIGKILL)
        eventually(lambda: running.pids.get(name, before) != before)
        eventually(lambda: answers(running))
        assert f"{name} ended (killed by SIGKILL)" in running.shown

    @pytest.mark.parametrize("name", ["postgres", "valkey"])
    def test_an_engine_that_dies_is_started_again_at_its_address(self, running: Run, name: str) -> None:
        before = running.state
        os.kill(before["pids"][name], signal.SIGKILL)
        eventually(lambda: running.pids.get(name, before["pids"][name]) != before["pids"][name])
        assert running.state["database_url"] == before["database_url"]
        assert running.state["redis_url"] == before["redis_url"]
        self.test_the_engines_answer_at_their_addresses(running)

    def test_a_database_that_was_stopped_for_a_while_is_left_alone(self, running: Run) -> None:
        before = running.pids["postgres"]
        os.kill(before, signal.SIGSTOP)
        time.sleep(1)
        os.kill(before, signal.SIGCONT)
        assert running.pids["postgres"] == before
        self.test_the_engines_answer_at_their_addresses(running)


@pytest.mark.slow
class TestTheEnd:
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
    def test_a_signal_ends_every_process(self, start: Callable[..., Run], number: int, code: int) -> None:
        run = start(FAKE_STUBBORN="yes").ready()
        pids = run.pids
        assert run.end(number) == code
        assert [name for name, pid in pids.items() if processes.is_alive(pid)] == []
        assert not (run.folder / "state.json").exists()
        assert "Traceback" not in run.shown

    def test_a_signal_during_the_start_ends_every_process(self, start: Callable[..., Run]) -> None:
        run = start()
        eventually(lambda: (run.folder / "postgres" / "postmaster.pid").exists())
        assert run.end(signal.SIGINT) == 130
        assert processes.working_in(run.folder / "postgres") == []
        assert "Traceback" not in run.shown

    @pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
    def test_after_kill_9_nothing_goes_on_and_the_next_start_recovers(
        self, start: Callable[..., Run]
    ) -> None:
        run = start().ready()
        pids = run.pids
        run.process.kill()
        run.process.wait()
        eventually(lambda: not any(processes.is_alive(pid) for pid in pids.values()))
        again = start().ready()
        assert answers(again)


@pytest.mark.slow
class TestStartingAgain:
    def test_seeds_and_secrets_last_from_run_to_run(self, start: Callable[..., Run]) -> None:
        first = start().ready()
        secret = first.api()["environment"]["NEXUS_KERNEL__SECRET_KEY"]
        first.end()
        second = start().ready()
        assert second.api()["environment"]["NEXUS_KERNEL__SECRET_KEY"] == secret
        assert second.state["accounts"]["admin"]["password"] == "s3cret"
        assert second.called.count("seed catalog") == 1

    def test_a_seed_that_failed_runs_again_and_finished_ones_do_not(self, start: Callable[..., Run]) -> None:
        broken = start(FAKE_BROKEN="seed")
        assert broken.process.wait(60) == 1
        assert "seed-catalog failed" in broken.shown
        run = start().ready()
        assert run.called.count("seed accounts") == 1

    def test_fresh_starts_over(self, start: Callable[..., Run]) -> None:
        first = start().ready()
        dsn = first.state["database_url"].replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE remains (n int)")
        first.end()
        keep = first.folder / "mine.txt"
        keep.write_text("not made by nexus up")
        second = start(fresh=True).ready()
        with psycopg.connect(second.state["database_url"].replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT to_regclass('remains')").fetchone() == (None,)
        assert second.called.count("seed catalog") == 2
        assert keep.exists()

    def test_engines_named_by_the_environment_are_used_and_left_alone(
        self, start: Callable[..., Run], running: Run
    ) -> None:
        theirs = {"DATABASE_URL": running.state["database_url"], "REDIS_URL": running.state["redis_url"]}
        run = start(**theirs).ready()
        assert not {"postgres", "valkey"} & run.pids.keys()
        run.end()
        TestWhatItOffers().test_the_engines_answer_at_their_addresses(running)


class TestRefusals:
    def test_a_taken_port_is_named(self, start: Callable[..., Run]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            run = start(port=other.getsockname()[1])
            assert run.process.wait(60) == 1
            assert f"Port {other.getsockname()[1]} is taken" in run.shown

    def test_the_port_that_was_asked_for_is_used(self, start: Callable[..., Run]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        assert start(port=port).ready().state["api"] == f"http://127.0.0.1:{port}"

    @pytest.mark.parametrize("command", ["db", "serve", "declare"])
    def test_a_step_that_fails_is_shown_and_nothing_stays(
        self, start: Callable[..., Run], command: str
    ) -> None:
        run = start(FAKE_BROKEN=command)
        assert run.process.wait(60) == 1
        assert "the reason why it is broken" in run.shown
        assert "Traceback" not in run.shown
        assert processes.working_in(run.folder / "postgres") == []


def test_waits_double_up_to_a_limit_and_start_over_after_a_steady_run() -> None:
    backoff = Backoff()
    waits = [backoff.next(ran_for=1) for _ in range(9)]
    assert waits[:4] == [0.5, 1, 2, 4]
    assert waits[-1] == 30
    assert backoff.next(ran_for=60) == 0.5


def test_a_traceback_is_shown_whole_and_ordinary_lines_are_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old ERROR\n")
    tail = ErrorTail(log)
    with log.open("a") as file:
        file.write('fine\nTraceback (most recent call last):\n  File "x"\nValueError: no\nfine again\n')
        file.write("ERROR half a li")
    assert tail.read() == ["Traceback (most recent call last):", '  File "x"', "ValueError: no"]
    with log.open("a") as file:
        file.write("ne\n")
    assert tail.read() == ["ERROR half a line"]
