"""The embedded servers start from nothing, survive being killed, and leave nothing behind."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection

from nexus_kernel.embedded import (
    AlreadyRunning,
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedValkey,
    EngineMissing,
    processes,
)
from nexus_kernel.embedded import postgres as postgres_module
from nexus_kernel.embedded import valkey as valkey_module

PACKAGES = [str(Path(postgres_module.__file__).parents[2]), str(Path(psycopg.__file__).parents[1])]


def query(server: EmbeddedPostgres, statement: str, database: str = "postgres"):
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with EmbeddedPostgres(tmp_path_factory.mktemp("shared") / "data", durable=False) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path):
    engine = EmbeddedPostgres(tmp_path / "data")
    yield engine.start()
    engine.stop()


class TestPostgres:
    def test_speaks_utf8_with_the_same_collation_everywhere(self, server: EmbeddedPostgres) -> None:
        encoding = query(server, "SHOW server_encoding")
        locale = query(server, "SELECT datlocale FROM pg_database WHERE datname = 'postgres'")
        assert (encoding, locale) == ([("UTF8",)], [("C.UTF-8",)])
        assert query(server, "SELECT lower('ÄÖ'), length('ሰላም')") == [("äö", 3)]

    def test_listens_on_no_network_port(self, server: EmbeddedPostgres) -> None:
        assert query(server, "SHOW listen_addresses") == [("",)]

    def test_allows_two_hundred_connections(self, server: EmbeddedPostgres) -> None:
        assert query(server, "SHOW max_connections") == [("200",)]

    @pytest.mark.parametrize("extension", ["vector", "pg_trgm", "unaccent"])
    def test_brings_the_extensions_that_search_wants(self, server: EmbeddedPostgres, extension: str) -> None:
        server.ensure_database("extensions")
        with psycopg.connect(server.dsn("extensions"), autocommit=True) as connection:
            connection.execute(f"CREATE EXTENSION {extension}")

    def test_a_database_made_from_a_template_holds_its_rows(self, server: EmbeddedPostgres) -> None:
        server.create_database("model")
        with psycopg.connect(server.dsn("model"), autocommit=True) as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")
        server.create_database("copy", template="model")
        assert query(server, "SELECT n FROM t", "copy") == [(7,)]

    def test_the_sqlalchemy_address_works(self, server: EmbeddedPostgres) -> None:
        import sqlalchemy

        engine = sqlalchemy.create_engine(server.url("postgres"))
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1
        engine.dispose()

    def test_ensuring_and_dropping_a_database_twice_is_harmless(self, server: EmbeddedPostgres) -> None:
        for _ in range(2):
            server.ensure_database("twice")
        for _ in range(2):
            server.drop_database("twice")

    def test_durable_ones_sync_and_throw_away_ones_do_not(
        self, server: EmbeddedPostgres, fresh: EmbeddedPostgres
    ) -> None:
        assert (query(fresh, "SHOW fsync"), query(server, "SHOW fsync")) == ([("on",)], [("off",)])

    def test_rows_survive_a_restart_under_the_same_address(self, fresh: EmbeddedPostgres) -> None:
        with psycopg.connect(fresh.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        address = fresh.dsn("postgres")
        fresh.stop()
        fresh.start()
        assert fresh.dsn("postgres") == address
        assert query(fresh, "SELECT n FROM kept") == [(1,)]

    def test_committed_rows_survive_kill_9(self, fresh: EmbeddedPostgres) -> None:
        with psycopg.connect(fresh.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        os.kill(fresh.process.pid, signal.SIGKILL)
        fresh.process.wait()
        fresh.start()
        assert query(fresh, "SELECT n FROM kept") == [(1,)]

    def test_a_pid_file_that_names_a_stranger_is_ignored(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path / "data"):
            pass
        (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
        with EmbeddedPostgres(tmp_path / "data") as again:
            assert query(again, "SELECT 1") == [(1,)]

    def test_a_second_start_on_the_same_folder_is_refused(self, fresh: EmbeddedPostgres) -> None:
        with pytest.raises(AlreadyRunning, match=str(fresh.process.pid)):
            EmbeddedPostgres(fresh.data_dir).start()
        assert query(fresh, "SELECT 1") == [(1,)]

    def test_a_server_left_behind_can_be_replaced(self, fresh: EmbeddedPostgres) -> None:
        with EmbeddedPostgres(fresh.data_dir).start(replace=True) as successor:
            assert successor.process.pid != fresh.process.pid
            assert query(successor, "SELECT 1") == [(1,)]

    def test_an_interrupted_initialisation_starts_over(self, tmp_path: Path) -> None:
        half = tmp_path / "data.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with EmbeddedPostgres(tmp_path / "data") as server:
            assert query(server, "SELECT 1") == [(1,)]

    def test_a_folder_with_something_else_in_it_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "dear.txt").write_text("x")
        with pytest.raises(EmbeddedError, match="holds something"):
            EmbeddedPostgres(tmp_path / "letters").start()
        assert (tmp_path / "letters" / "dear.txt").read_text() == "x"

    def test_a_path_too_long_for_a_socket_works(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path / ("deep" * 20) / ("deeper, with spaces" * 2) / "data") as server:
            assert query(server, "SELECT 1") == [(1,)]

    def test_a_failed_start_shows_the_end_of_the_log(self, tmp_path: Path) -> None:
        with pytest.raises(EmbeddedError, match="no_such_setting"):
            EmbeddedPostgres(tmp_path / "data", settings={"no_such_setting": "1"}).start()

    def test_nothing_runs_after_stop(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path / "data") as server:
            pid = server.process.pid
        assert not processes.is_alive(pid)
        assert processes.working_in(tmp_path / "data") == []

    def test_a_missing_wheel_is_said_with_the_way_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres_module, "find_spec", lambda name: None)
        with pytest.raises(EngineMissing, match=r"nexus-kernel\[embedded\].*DATABASE_URL"):
            EmbeddedPostgres("unused")

    @pytest.mark.skipif(not shutil.which("postgres"), reason="no PostgreSQL installed on this machine")
    def test_a_system_postgres_stands_in_for_the_wheel(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_module, "find_spec", lambda name: None)
        with EmbeddedPostgres(tmp_path / "data", durable=False, allow_system=True) as server:
            assert query(server, "SHOW server_encoding") == [("UTF8",)]


class TestValkey:
    def test_redis_and_celery_use_the_same_address(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "data") as server:
            assert redis.Redis.from_url(server.url).ping()
            with Connection(server.url) as connection:
                connection.ensure_connection(max_retries=1)

    def test_refuses_those_without_the_password(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "data") as server:
            port = int(server.url.rpartition(":")[2].split("/")[0])
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=port).ping()

    def test_what_was_written_survives_kill_9_under_the_same_address(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "data") as server:
            client = redis.Redis.from_url(server.url)
            client.set("kept", "yes")
            address = server.url
            time.sleep(1.1)  # written to disk once a second
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            server.start()
            assert server.url == address
            assert client.get("kept") == b"yes"

    def test_a_throw_away_one_forgets(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "data", durable=False) as server:
            redis.Redis.from_url(server.url).set("kept", "no")
            server.stop()
            server.start()
            assert redis.Redis.from_url(server.url).get("kept") is None

    def test_two_run_side_by_side(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "a") as one, EmbeddedValkey(tmp_path / "b") as other:
            assert one.url != other.url

    def test_a_second_start_on_the_same_folder_is_refused(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path / "data"), pytest.raises(AlreadyRunning):
            EmbeddedValkey(tmp_path / "data").start()

    def test_a_missing_wheel_is_said_with_the_way_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(valkey_module, "find_spec", lambda name: None)
        with pytest.raises(EngineMissing, match="REDIS_URL"):
            EmbeddedValkey("unused")


BOTH = textwrap.dedent(
    """
    import os, sys, time
    from nexus_kernel.embedded import EmbeddedPostgres, EmbeddedValkey
    folder = sys.argv[1]
    with EmbeddedPostgres(folder + "/postgres") as postgres, EmbeddedValkey(folder + "/valkey") as valkey:
        postgres.ensure_database("nexus")
        print(postgres.process.pid, valkey.process.pid, flush=True)
        if len(sys.argv) > 2:
            time.sleep(60)
    """
)


def run_both(folder: Path, *more: str, python: str = sys.executable, **options) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-c", BOTH, str(folder), *more]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
def test_the_servers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = run_both(tmp_path, "stay")
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(processes.is_alive(pid) for pid in pids):
        time.sleep(0.02)
    assert [pid for pid in pids if processes.is_alive(pid)] == []


def as_nobody(folder: Path) -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    with EmbeddedPostgres(folder / "postgres") as server, EmbeddedValkey(folder / "valkey") as valkey:
        answer = query(server, "SELECT 1") == [(1,)] and redis.Redis.from_url(valkey.url).ping()
        (folder / "verdict").write_text(str(answer))


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_can_run_them() -> None:
    folder = Path("/tmp") / f"nexus-ordinary-{os.getpid()}"
    folder.mkdir()
    try:
        os.chown(folder, 65534, 65534)
        # Forked, not started anew: root's Python often lies in a folder that is closed to others.
        process = multiprocessing.get_context("fork").Process(target=as_nobody, args=(folder,))
        process.start()
        process.join(60)
        assert (folder / "verdict").read_text() == "True"
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
@pytest.mark.parametrize("forbidden", [["unshare"], ["unshare", "ambient"]])
def test_root_without_namespaces_runs_it_as_an_unprivileged_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forbidden: list[str]
) -> None:
    really = processes.runs
    monkeypatch.setattr(
        processes,
        "runs",
        lambda *command: not any(w in " ".join(command) for w in forbidden) and really(*command),
    )
    folder = Path("/tmp") / f"nexus-dropped-{os.getpid()}"
    try:
        with EmbeddedPostgres(folder / "data") as server:
            owner = os.stat(f"/proc/{server.process.pid}").st_uid
            assert owner != 0
            assert query(server, "SELECT 1") == [(1,)]
    finally:
        shutil.rmtree(folder)
