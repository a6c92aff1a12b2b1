"""Background work: a request never waits for the broker, and what must happen happens, once."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import psutil
import pytest
import redis
from sqlalchemy import text

from nexus_kernel import Manifest, create_app, hookimpl, task, transaction
from nexus_kernel.embedded import EmbeddedValkey
from nexus_kernel.tasks import QUEUE, Dispatcher
from nexus_kernel.testing.fixtures import SECRET_KEY


@task("work.note")
def note(what: str) -> None:
    """Nothing."""


class Work:
    MANIFEST = Manifest(name="work", summary="Works")

    @hookimpl
    def nexus_tasks(self):
        return [note]


class Broker:
    """Stands where Celery does, and holds every message until it is let go."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple]] = []
        self.go_on, self.taking = threading.Event(), threading.Event()

    def send_task(self, name: str, args: tuple, **options: object) -> None:
        self.taking.set()
        assert self.go_on.wait(20)
        self.sent.append((name, args))


def test_equal_messages_that_wait_together_are_sent_once_and_the_queue_is_bounded():
    broker = Broker()
    dispatcher = Dispatcher(lambda: broker, capacity=3)
    dispatcher.send("work.first")
    assert broker.taking.wait(20)
    for number in (1, 1, 2, 1, 3, 4, 5):
        dispatcher.send("work.note", number)
    broker.go_on.set()
    dispatcher.flush()
    assert broker.sent == [("work.first", ()), *(("work.note", (n,)) for n in (1, 2, 3))]


def test_a_broker_that_never_answers_neither_holds_nor_fails_the_request(nexus_engines, database_url):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        kernel = {
            "environment": "test",
            "secret_key": SECRET_KEY,
            "database_url": database_url,
            "redis_url": url,
        }
        app = create_app({"kernel": kernel}, plugins=[Work()])
        done = threading.Event()

        def request() -> None:
            with app.app_context(), transaction():
                note.enqueue("x")
            done.set()

        threading.Thread(target=request, daemon=True).start()
        assert done.wait(10), "the request waits for the broker"
        app.extensions["nexus"].db.close()


HASTY = """
from nexus_kernel import Manifest, create_app, hookimpl, task, transaction

@task("work.note")
def note(what): ...

class Work:
    MANIFEST = Manifest(name="work", summary="Works")

    @hookimpl
    def nexus_tasks(self):
        return [note]

with create_app(plugins=[Work()]).app_context(), transaction():
    note.enqueue("x")
"""


def test_a_process_that_enqueues_and_ends_at_once_hands_its_message_over(tmp_path, database_url):
    with EmbeddedValkey(tmp_path / "valkey", durable=False, allow_system=True) as valkey:
        values = {"DATABASE_URL": database_url, "REDIS_URL": valkey.url, "NEXUS_KERNEL__ENVIRONMENT": "test"}
        command = [sys.executable, "-c", HASTY]
        ended = subprocess.run(
            command, env={**os.environ, **values}, capture_output=True, text=True, cwd=tmp_path, timeout=60
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert redis.Redis.from_url(valkey.url).llen(QUEUE) == 1


def test_a_rolled_back_transaction_enqueues_nothing(app):
    with app.app_context():
        with pytest.raises(RuntimeError), transaction():
            note.enqueue("x")
            raise RuntimeError
        assert app.extensions["nexus"].dispatcher.sent == []
        with transaction():
            note.enqueue("x")
            assert app.extensions["nexus"].dispatcher.sent == []
        assert app.extensions["nexus"].dispatcher.sent == [("work.note", ("x",))]


def test_enqueueing_outside_of_a_transaction_is_refused(app):
    with app.app_context(), pytest.raises(RuntimeError, match="with transaction"):
        note.enqueue("x")


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Work()]


SMITH = """
import os, time
from dataclasses import dataclass
from sqlalchemy import text
MANIFEST = Manifest(name="smith", summary="Forges")

@dataclass(frozen=True, kw_only=True)
class Struck(Event):
    name = "smith.struck"
    what: str

@task("smith.forge")
def forge(what):
    with transaction() as session:
        session.execute(text("INSERT INTO smith_work (what) VALUES (:what)"), {"what": what})

def handle(event, delivery):
    current_session().execute(text("INSERT INTO smith_work (what) VALUES (:what)"), {"what": event.what})
    if event.what == "slow" and not os.path.exists(os.environ["SMITH_PASS"]):
        open(os.environ["SMITH_BUSY"], "w").write(str(os.getpid()))
        time.sleep(60)

@hookimpl
def nexus_tasks(): return [forge]
@hookimpl
def nexus_subscriptions(): return [Subscription(Struck, handle, "smith.listen")]
"""


@pytest.fixture
def smithy(install, tmp_path, database_url, monkeypatch):
    """A shop of one installed plugin, its own Valkey, and processes of `nexus`, which end with the test."""
    folder = install("smith", SMITH)
    with EmbeddedValkey(tmp_path / "valkey", durable=False, allow_system=True) as valkey:
        values = {
            "DATABASE_URL": database_url, "REDIS_URL": valkey.url, "PYTHONPATH": str(folder),
            "NEXUS_KERNEL__PLUGINS": "smith", "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
            "NEXUS_KERNEL__ENVIRONMENT": "test", "SMITH_PASS": str(tmp_path / "pass"),
            "SMITH_BUSY": str(tmp_path / "busy"),
        }  # fmt: skip
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        shop = Smithy(create_app(), valkey, tmp_path)
        shop.run("CREATE TABLE smith_work (what text)")
        yield shop
        shop.end()


class Smithy:
    def __init__(self, app, valkey, folder) -> None:
        self.app, self.valkey, self.folder = app, valkey, folder
        self.started: list[subprocess.Popen] = []

    def nexus(self, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", "from nexus_kernel.cli import main; main()", *arguments]
        with open(self.folder / "processes.log", "ab") as log:
            process = subprocess.Popen(
                command, env=os.environ.copy(), stdout=log, stderr=log, cwd=self.folder
            )
        self.started.append(process)
        return process

    def run(self, statement: str) -> list:
        with self.app.extensions["nexus"].db.transaction() as session:
            result = session.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []

    def strike(self, what: str) -> None:
        event = sys.modules["installed_smith"].Struck(what=what)
        from nexus_kernel import publish

        with self.app.app_context(), transaction():
            publish(event)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        pause = threading.Event()
        for _ in range(int(seconds * 10)):
            if condition():
                return
            pause.wait(0.1)
        pytest.fail((self.folder / "processes.log").read_text("utf-8", "replace")[-3000:])

    def done(self) -> list[str]:
        return sorted(self.run("SELECT what FROM smith_work"))

    def kill(self, process: subprocess.Popen) -> None:
        """The process and its children, at once, as a crash of the machine would."""
        for victim in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            victim.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)
        self.app.extensions["nexus"].db.close()


@pytest.mark.slow
def test_real_workers_do_what_is_enqueued_published_in_an_outage_and_left_by_a_crash(smithy):
    smithy.nexus("beat")
    worker = smithy.nexus("worker", "--concurrency", "1")
    with smithy.app.app_context(), transaction():
        sys.modules["installed_smith"].forge.enqueue("horseshoe")
    smithy.wait_for(lambda: smithy.done() == ["horseshoe"])

    smithy.valkey.stop()
    smithy.strike("in the outage")
    smithy.valkey.start()
    smithy.wait_for(lambda: smithy.done() == ["horseshoe", "in the outage"])

    smithy.strike("slow")
    smithy.wait_for(lambda: (smithy.folder / "busy").exists())
    smithy.kill(worker)
    (smithy.folder / "pass").touch()
    assert "slow" not in smithy.done(), "what the killed handler wrote is rolled back"
    smithy.nexus("worker", "--concurrency", "1")
    smithy.wait_for(lambda: "slow" in smithy.done())
    smithy.wait_for(lambda: smithy.run("SELECT count(*) FROM nexus_delivery WHERE done_at IS NULL") == [0])
    assert smithy.done() == ["horseshoe", "in the outage", "slow"]
