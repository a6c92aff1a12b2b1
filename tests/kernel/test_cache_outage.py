"""An outage of Redis: reads and writes go on, and no answer from before it survives it."""

import os
import signal
import threading
from time import monotonic, sleep

import pytest

from nexus_kernel import transaction
from nexus_kernel.cache import Cache, Entry
from nexus_kernel.embedded import EmbeddedValkey


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


@pytest.fixture
def valkey(tmp_path):
    """Durable: what it knew comes back with it, and its last second may not."""
    with EmbeddedValkey(tmp_path / "valkey", durable=True, allow_system=True) as engine:
        yield engine


@pytest.fixture
def nexus_config(valkey):
    return {"kernel": {"redis_url": valkey.url}}


class Shop:
    """Two processes' caches over one row."""

    def __init__(self, app, valkey) -> None:
        self.app, self.row = app, b"0"
        self.caches = [app.extensions["nexus"].cache, Cache(valkey.url)]

    def write(self, process: int) -> None:
        with self.app.app_context(), transaction():
            self.caches[process].invalidate("shelf:rows")
            self.row = str(int(self.row) + 1).encode()

    def read(self, process: int, *, now: bool = True) -> bytes:
        row = lambda: Entry.of(self.row, "text/plain", ("shelf:rows",))  # noqa: E731
        return self.caches[process].fetch("shelf:page", row, tags=["shelf:rows"], seconds=600, now=now).body()


@pytest.fixture
def shop(app, valkey):
    return Shop(app, valkey)


def is_back(cache: Cache) -> bool:
    return cache._shared.reachable


def wait_for_return(*caches: Cache) -> float:
    began = monotonic()
    while not all(map(is_back, caches)):
        assert monotonic() < began + 5
        sleep(0.005)
    return monotonic() - began


def test_writes_and_reads_go_on_while_redis_is_stopped_and_what_was_written_holds(shop, valkey):
    shop.read(0), shop.read(1)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        for process in (0, 1, 0, 1):
            shop.write(process)
            assert shop.read(process) == shop.row
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    wait_for_return(*shop.caches)
    assert [shop.read(process) for process in (0, 1, 0, 1)] == [shop.row] * 4


def test_only_the_first_request_waits_for_a_redis_that_does_not_answer(shop, valkey):
    shop.read(0)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        shop.write(0)
        began = monotonic()
        for _ in range(50):
            shop.write(0)
            shop.read(0)
        assert monotonic() - began < 1.0, "a hundred steps after the first"
    finally:
        valkey.process.send_signal(signal.SIGCONT)


def test_a_process_that_saw_the_outage_trusts_nothing_older_although_it_wrote_nothing(shop, valkey):
    shop.read(1)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        shop.read(1)
        shop.caches[0]._shared._failed(ConnectionError("as the writer's process finds"))
        shop.write(0)
        shop.caches[0]._shared._recover = lambda: None  # and it has not come to tell Redis yet
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    wait_for_return(shop.caches[1])
    assert shop.read(1) == shop.row


@pytest.mark.parametrize("idle", [0, 1])
def test_a_server_that_comes_back_with_old_data_revives_nothing(shop, valkey, idle):
    """Process `idle` does nothing during the outage: its connection is dead, its memory full."""
    shop.read(0), shop.read(1)
    valkey.client = shop.caches[0].client
    valkey.client.bgrewriteaof()
    sleep(1.1)  # all is on disk
    valkey.process.send_signal(signal.SIGKILL)
    valkey.process.wait()
    shop.write(1 - idle)
    valkey.start()
    wait_for_return(shop.caches[1 - idle])
    assert [shop.read(idle), shop.read(1 - idle)] == [shop.row] * 2


def test_moves_that_a_crash_of_redis_took_back_stay_made(shop, valkey):
    """The last second of a durable server may be lost: its moves, and not the answers from before them."""
    shop.read(0), shop.read(1)
    cache, moved = shop.caches[0], "nexus:cache:moved"
    before = cache.client.dump(moved)
    shop.write(0)
    cache.client.restore(moved, 0, before, replace=True)  # as the disk has it
    sleep(1.1)
    valkey.process.send_signal(signal.SIGKILL)
    valkey.process.wait()
    valkey.start()
    assert [shop.read(1), shop.read(0)] == [shop.row] * 2


def test_redis_is_used_again_within_a_fifth_of_a_second(shop, valkey):
    shop.read(0)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        shop.write(0)
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    assert wait_for_return(shop.caches[0]) < 0.5


def test_without_redis_readers_who_wrote_nothing_are_served_from_memory_for_half_a_second_at_most(
    shop, valkey
):
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        first = shop.read(0, now=False)
        shop.row = b"elsewhere"  # written by a process that could tell nobody
        assert shop.read(0, now=False) == first and shop.read(0, now=True) == b"elsewhere"
        sleep(0.6)
        assert shop.read(0, now=False) == b"elsewhere"
    finally:
        valkey.process.send_signal(signal.SIGCONT)


def test_an_outage_has_one_thread_which_does_not_keep_the_process_and_ends_with_it(shop, valkey):
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(5):
            shop.write(0)
        mine = [t for t in threading.enumerate() if t is shop.caches[0]._shared._recovery]
        assert len(mine) == 1 and mine[0].daemon
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    mine[0].join(5)
    assert not mine[0].is_alive() and is_back(shop.caches[0])


def test_a_process_that_is_forked_during_an_outage_comes_back_by_itself(shop, valkey):
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        shop.write(0)
        child = os.fork()
        if child == 0:
            try:
                shop.read(0)
                wait_for_return(shop.caches[0])
                os._exit(0)
            except BaseException:
                os._exit(1)
        sleep(0.5)
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0


def test_a_redis_without_memory_left_is_as_good_as_none(shop, valkey):
    client = shop.caches[0].client
    client.config_set("maxmemory", 1)
    for _ in range(3):
        shop.write(0)
        assert shop.read(0) == shop.row
    client.config_set("maxmemory", 0)
    wait_for_return(shop.caches[0])
    assert shop.read(0) == shop.row
