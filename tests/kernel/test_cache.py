"""The cache: built once, invalid after the commit, and only slower while Valkey is away."""

import socket
import threading

import pytest

from nexus_kernel import current_cache, transaction
from nexus_kernel.cache import Cache
from nexus_kernel.embedded import EmbeddedValkey
from nexus_kernel.testing import in_threads


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


class Source:
    """Something to cache, which counts how often it was built."""

    def __init__(self, value: bytes = b"one") -> None:
        self.value, self.built = value, 0

    def create(self) -> bytes:
        self.built += 1
        return self.value

    def read(self, store: Cache) -> bytes:
        return store.get_or_create("shelf:list", self.create, tags=["shelf:rows"], seconds=60)


@pytest.fixture
def source():
    return Source()


def test_a_value_is_built_once(app, source):
    with app.app_context():
        assert [source.read(current_cache()) for _ in range(3)] == [b"one"] * 3 and source.built == 1


def test_an_empty_value_is_a_value(app):
    source = Source(b"")
    with app.app_context():
        assert [source.read(current_cache()) for _ in range(3)] == [b""] * 3 and source.built == 1


def test_invalidation_takes_effect_after_the_commit_and_not_before(app, source):
    with app.app_context():
        source.read(current_cache())
        source.value = b"two"
        with transaction():
            current_cache().invalidate("shelf:rows")
            assert source.read(current_cache()) == b"one"
        assert source.read(current_cache()) == b"two"


def test_a_rollback_invalidates_nothing(app, source):
    with app.app_context():
        source.read(current_cache())
        with pytest.raises(RuntimeError), transaction():
            current_cache().invalidate("shelf:rows")
            raise RuntimeError
        source.read(current_cache())
    assert source.built == 1


def test_what_was_built_from_older_rows_is_never_read(app, source):
    def overtaken() -> bytes:
        with transaction():
            current_cache().invalidate("shelf:rows")
        return b"older"

    with app.app_context():
        current_cache().get_or_create("shelf:list", overtaken, tags=["shelf:rows"], seconds=60)
        assert source.read(current_cache()) == b"one"


def test_invalidation_outside_of_a_transaction_is_refused(app):
    with app.app_context(), pytest.raises(RuntimeError, match="with transaction"):
        current_cache().invalidate("shelf:rows")


def test_eight_readers_at_once_build_once(app, source):
    begun = threading.Event()

    def slow() -> bytes:
        begun.set()
        threading.Event().wait(0.3)
        return source.create()

    store = app.extensions["nexus"].cache
    reads = [lambda: store.get_or_create("shelf:list", slow, tags=["shelf:rows"], seconds=60)] * 8
    assert in_threads(reads) == [b"one"] * 8
    assert source.built == 1 and begun.is_set()


def test_a_build_that_fails_keeps_nobody_else_from_building(app, source):
    store = app.extensions["nexus"].cache

    def fails() -> bytes:
        raise RuntimeError("no rows today")

    with pytest.raises(RuntimeError, match="no rows today"):
        store.get_or_create("shelf:list", fails, tags=["shelf:rows"], seconds=60)
    assert not [key for key in store.client.scan_iter("*:lock")]
    assert source.read(store) == b"one"


def lose_generations(store: Cache) -> None:
    """As an eviction under `allkeys-lru` does, or a restart: the entries stay, the numbers are gone."""
    store.client.delete(*store.client.scan_iter("*:generation"))


def test_a_lost_generation_brings_no_older_entry_back(app, source):
    with app.app_context():
        source.read(current_cache())
        with transaction():
            current_cache().invalidate("shelf:rows")
        lose_generations(current_cache())
        source.value = b"two"
        assert source.read(current_cache()) == b"two"


def test_an_invalidation_of_a_lost_generation_brings_no_older_entry_back(app, source):
    with app.app_context():
        for value in (b"one", b"two", b"three"):
            source.value = value
            if source.built:
                lose_generations(current_cache())
            with transaction():
                current_cache().invalidate("shelf:rows")
            assert source.read(current_cache()) == value


def test_readers_at_once_agree_on_the_number_of_a_lost_generation(app, source):
    store = app.extensions["nexus"].cache
    assert (
        in_threads([lambda: store._generations(["shelf:rows", "shelf:names"])] * 8)
        == [store._generations(["shelf:rows", "shelf:names"])] * 8
    )


@pytest.fixture
def valkey(tmp_path):
    with EmbeddedValkey(tmp_path / "valkey", durable=False, allow_system=True) as engine:
        yield engine


@pytest.fixture
def nexus_config(request):
    if "valkey" not in request.fixturenames:
        return {}
    return {"kernel": {"redis_url": request.getfixturevalue("valkey").url}}


def test_with_valkey_away_reads_and_writes_go_on_and_an_invalidation_made_meanwhile_holds(
    valkey, app, source
):
    store = app.extensions["nexus"].cache
    with app.app_context():
        source.read(store)
        store.client.persist(next(key for key in store.client.scan_iter("shelf:list:*")))
        valkey.process.send_signal(19)  # stopped, so that it forgets nothing and answers nobody
        try:
            source.value = b"two"
            for _ in range(3):
                with transaction():
                    store.invalidate("shelf:rows")
                assert source.read(store) == b"two"
        finally:
            valkey.process.send_signal(18)
        deadline = threading.Event()
        for _ in range(100):
            if not store._unsent:
                break
            deadline.wait(0.1)
        assert source.read(store) == b"two" and source.read(store) == b"two"


def test_outages_leave_at_most_one_timer_which_does_not_keep_the_process(app):
    store = Cache("redis://127.0.0.1:1/0")
    for _ in range(5):
        store._raise_generations({"shelf:rows"})
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    mine = [timer for timer in timers if getattr(timer.function, "__self__", None) is store]
    assert len(mine) == 1 and mine[0].daemon
    mine[0].cancel()


def test_a_read_while_valkey_refuses_tries_at_most_twice_and_later_ones_not_at_all(source):
    with socket.create_server(("127.0.0.1", 0)) as server:
        tries = []

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                tries.append(connection.close())

        threading.Thread(target=hang_up, daemon=True).start()
        store = Cache(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        assert [source.read(store) for _ in range(5)] == [b"one"] * 5
        assert len(tries) <= 4, "a request waits for every one of these"
