"""The cache: built once, invalid after the commit, exact for whoever wrote, and bounded."""

import socket
import threading
from time import monotonic, sleep, time_ns

import pytest

from nexus_kernel import current_cache, transaction
from nexus_kernel.cache import Cache, Entry, shared
from nexus_kernel.cache.memory import MOST_TAGS, Memory
from nexus_kernel.cache.store import REBUILD_WAIT
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
    assert not [key for key in store.client.scan_iter("*:lock:*")]
    assert source.read(store) == b"one"


def lose_history(store: Cache) -> None:
    """As an eviction under `allkeys-lru` does: answers stay, what is known of their tags is gone."""
    store.client.delete("nexus:cache:moved")


def test_a_lost_history_brings_no_older_entry_back(app, source):
    with app.app_context():
        source.read(current_cache())
        with transaction():
            current_cache().invalidate("shelf:rows")
        lose_history(current_cache())
        source.value = b"two"
        assert source.read(current_cache()) == b"two"


def test_an_invalidation_without_a_history_brings_no_older_entry_back(app, source):
    with app.app_context():
        for value in (b"one", b"two", b"three"):
            source.value = value
            if source.built:
                lose_history(current_cache())
            with transaction():
                current_cache().invalidate("shelf:rows")
            assert source.read(current_cache()) == value


def test_a_clock_that_was_set_back_gives_no_time_twice(app, source):
    store = app.extensions["nexus"].cache
    with app.app_context():
        source.read(store)
        store.client.zadd("nexus:cache:moved", {"shelf:other": time_ns() // 1000 + 60_000_000})
        for value in (b"two", b"three"):
            source.value = value
            with transaction():
                store.invalidate("shelf:rows")
            assert source.read(store) == value


def test_one_transaction_tells_redis_once_however_often_it_invalidates(app, source):
    store = app.extensions["nexus"].cache
    with app.app_context():
        source.read(store)
        before = store.client.info("commandstats")["cmdstat_evalsha"]["calls"]
        with transaction():
            for number in range(50):
                store.invalidate(f"shelf:{number}", "shelf:rows")
        assert (
            store.client.info("commandstats")["cmdstat_evalsha"]["calls"] - before <= 2
        )  # one, and its loading


def test_another_tag_ends_nothing(app, source):
    with app.app_context():
        source.read(current_cache())
        with transaction():
            current_cache().invalidate("shelf:names")
        assert source.read(current_cache()) == b"one" and source.built == 1


def two_processes(app) -> tuple[Cache, Cache]:
    """Two caches on one Redis, as two processes have."""
    return app.extensions["nexus"].cache, Cache(app.extensions["nexus"].config.redis_url)


def entry(source: Source, *tags: str) -> Entry:
    return Entry.of(source.create(), "text/plain", tags)


def fetch(cache: Cache, source: Source, *, now: bool) -> bytes:
    build = lambda: entry(source, "shelf:rows")  # noqa: E731
    return cache.fetch("shelf:page", build, tags=["shelf:rows"], seconds=60, now=now).body()


def test_who_may_know_of_a_write_sees_it_in_every_process_at_once(app, source):
    writer, reader = two_processes(app)
    assert fetch(reader, source, now=True) == b"one"
    source.value = b"two"
    with app.app_context(), transaction():
        writer.invalidate("shelf:rows")
    assert fetch(reader, source, now=True) == b"two"


def test_who_wrote_nothing_asks_redis_once_in_half_a_second_and_sees_a_write_within_one(app, source):
    writer, reader = two_processes(app)
    fetch(reader, source, now=False)
    calls = [reader.client.info("stats")["total_commands_processed"] for _ in range(2)]
    for _ in range(20):
        fetch(reader, source, now=False)
    after = reader.client.info("stats")["total_commands_processed"]
    assert after - calls[1] <= 2 * (calls[1] - calls[0]), "twenty reads cost a look or two"
    source.value = b"two"
    with app.app_context(), transaction():
        writer.invalidate("shelf:rows")
    deadline = monotonic() + 1
    while fetch(reader, source, now=False) != b"two":
        assert monotonic() < deadline
        sleep(0.01)


def test_a_value_that_need_not_be_exact_is_known_to_its_writer_at_once_and_to_others_within_one_second(
    app, source
):
    writer, reader = two_processes(app)

    def read(store: Cache) -> bytes:
        return store.get_or_create("shelf:list", source.create, tags=["shelf:rows"], seconds=60, exact=False)

    assert read(reader) == read(writer) == b"one" and source.built == 1
    source.value = b"two"
    with app.app_context(), transaction():
        writer.invalidate("shelf:rows")
    assert read(writer) == b"two"
    deadline = monotonic() + 1
    while read(reader) != b"two":
        assert monotonic() < deadline
        sleep(0.01)


def test_the_process_that_wrote_shows_it_to_everybody_at_once(app, source):
    store = app.extensions["nexus"].cache
    for value in (b"one", b"two", b"three"):
        source.value = value
        with app.app_context(), transaction():
            store.invalidate("shelf:rows")
        assert fetch(store, source, now=False) == value


def test_the_test_of_coherence_fails_for_a_cache_that_forgets_to_move_tags(app, source, monkeypatch):
    writer, reader = two_processes(app)
    assert fetch(reader, source, now=True) == b"one"
    monkeypatch.setattr(Cache, "_move", lambda self, tags: None)
    source.value = b"two"
    with app.app_context(), transaction():
        writer.invalidate("shelf:rows")
    assert fetch(reader, source, now=True) == b"one", (
        "without moves even an exact reader is served the old one"
    )


def test_processes_share_what_one_of_them_built(app, source):
    first, second = two_processes(app)
    assert [fetch(cache, source, now=True) for cache in (first, second)] == [b"one"] * 2 and source.built == 1


def test_a_large_body_is_kept_compressed_and_comes_back_whole(app):
    first, second = two_processes(app)
    source = Source(b"many words " * 1000)
    assert [fetch(cache, source, now=True) for cache in (first, second)] == [source.value] * 2
    assert source.built == 1
    (slot,) = [key for key in first.client.scan_iter("shelf:cache:????")]
    assert first.client.memory_usage(slot) < len(source.value) / 4


def test_a_tag_that_is_known_only_after_the_build_counts_from_its_beginning(app):
    store = app.extensions["nexus"].cache
    source = Source()

    def overtaken() -> Entry:
        built = entry(source, "shelf:rows", "shelf:row:7")
        with app.app_context(), transaction():
            store.invalidate("shelf:row:7")
        return built

    store.fetch("shelf:page", overtaken, tags=["shelf:rows"], seconds=60, now=True)
    source.value = b"two"
    assert fetch(store, source, now=True) == b"two"


def test_a_builder_whose_rows_are_old_already_keeps_nobody_waiting(app):
    store, other = two_processes(app)
    source, waited = Source(), []

    def overtaken() -> Entry:
        with app.app_context(), transaction():
            store.invalidate("shelf:rows")
        began = monotonic()
        fetch(other, source, now=True)
        waited.append(monotonic() - began)
        return entry(source, "shelf:rows")

    store.fetch("shelf:page", overtaken, tags=["shelf:rows"], seconds=60, now=True)
    assert waited[0] < REBUILD_WAIT / 2


def test_memory_is_bounded_by_bytes_and_the_least_recently_used_leave_first():
    memory = Memory(100_000)
    for number in range(50):
        memory.put(str(number), lasting(b"x" * 9000))
        memory.get("0")
    assert memory.size <= 100_000 and memory.get("0") and memory.get("49") and not memory.get("1")


def test_an_answer_too_large_for_memory_is_not_held():
    memory = Memory(100_000)
    memory.put("large", lasting(b"x" * 90_000))
    assert memory.get("large") is None and memory.size == 0


def test_more_tags_than_can_be_remembered_end_everything_rather_than_nothing():
    memory = Memory(100_000)
    memory.put("page", lasting(b"x", "shelf:rows"))
    memory.move([f"shelf:row:{number}" for number in range(MOST_TAGS + 1)])
    assert memory.get("page") is None


def test_an_answer_begun_before_the_process_knew_the_history_is_not_held():
    memory = Memory(100_000)
    memory.learn(5, 10, [], 1.0, all_of_it=True)
    early = lasting(b"x", "shelf:rows")
    early.floor, early.seen = 5, 9
    memory.put("page", early)
    assert memory.get("page") is None


def test_a_look_that_was_overtaken_by_a_later_one_teaches_nothing():
    memory = Memory(100_000)
    assert memory.learn(5, 10, [], 2.0, all_of_it=True)
    assert not memory.learn(4, 8, [], 1.0, all_of_it=True) and memory.floor == 5


def lasting(body: bytes, *tags: str) -> Entry:
    made = Entry.of(body, "text/plain", tags, pack=False)
    made.until = monotonic() + 60
    return made


def test_keys_in_redis_are_bounded_whatever_is_asked(app, monkeypatch):
    monkeypatch.setattr(shared, "SLOTS", 16)
    store = app.extensions["nexus"].cache
    for number in range(100):
        store.get_or_create(f"shelf:{number}", lambda: b"one", tags=["shelf:rows"], seconds=60)
    assert len([key for key in store.client.scan_iter("shelf:cache:????")]) <= 16


def test_two_keys_in_one_slot_are_told_apart(app, monkeypatch):
    monkeypatch.setattr(shared, "SLOTS", 1)
    store = Cache(app.extensions["nexus"].config.redis_url, mode="shared")
    for value in (b"one", b"two"):
        key = f"shelf:{value.decode()}"
        assert store.get_or_create(key, lambda value=value: value, tags=[], seconds=60) == value


@pytest.mark.parametrize(("mode", "built"), [("on", 1), ("shared", 1), ("off", 3)])
def test_the_setting_says_what_is_kept(app, source, mode, built):
    store = Cache(app.extensions["nexus"].config.redis_url, mode=mode)
    assert [source.read(store) for _ in range(3)] == [b"one"] * 3 and source.built == built
    with app.app_context(), transaction():
        store.invalidate("shelf:rows")


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
