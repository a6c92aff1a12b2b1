"""Who reads what after a write, over two server processes, in random interleavings, with an outage of Valkey.

Every product carries its version in its title, and versions count up; stock counts down, by reservations of a
third process. A reader holds the last body of each address and asks conditionally: 304 counts as reading the
version that it holds.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from nexus_kernel import services, transaction
from nexus_kernel.cache import Cache
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.embedded import EmbeddedValkey
from nexus_kernel.testing import auth_headers, rounds
from nexus_kernel.testing.fixtures import SECRET_KEY, make_app

SECONDS = rounds(12.0, 120.0)
OLDEST = 1.0
"""Seconds by which a body may be behind for a reader who wrote nothing."""
NEXUS = Path(sys.executable).with_name("nexus")
PRODUCTS, STOCK = "/api/catalog/products/", 100_000

Send = Callable[[str, str, Mapping[str, str], Any], tuple[int, Mapping[str, str], bytes]]
"""Method, path, headers and body to status, headers and body: one connection to one process."""


@dataclass
class Truth:
    """Which version of what was written when, and what was read that should not have been."""

    answered: dict[str, list[float]] = field(default_factory=dict)
    """Of each thing, when the write of version 0, 1, ... was answered."""
    violations: list[str] = field(default_factory=list)
    reads: int = 0
    confirmed: int = 0

    def wrote(self, thing: str) -> None:
        self.answered.setdefault(thing, []).append(time.monotonic())

    def read(self, thing: str, version: int, began: float, *, signed_in: bool, status: int) -> None:
        """Check one thing in one answer to a request that was sent at `began`."""
        self.reads += 1
        self.confirmed += status == 304
        since = began if signed_in else began - OLDEST
        due = bisect_left(self.answered[thing], since) - 1
        if version < due:
            who = "signed in" if signed_in else "anonymous"
            late = began - self.answered[thing][version + 1]
            self.violations.append(f"{status} to {who}: {thing} {version}, not {due}, {late:.3f} s late")


@dataclass
class Product:
    name: str
    id: str
    variant: UUID
    slug: str


class Run:
    """Writers and readers in threads, until the time is over."""

    def __init__(
        self, app: Flask, connect: Callable[[], list[Send]], seconds: float, *, only_strangers: bool = False
    ) -> None:
        self.app, self.connect, self.truth = app, connect, Truth()
        self.only_strangers = only_strangers
        """Nobody is signed in, and every write is the first process's."""
        self.staff = auth_headers(app, "staff")
        self.end = time.monotonic() + seconds
        self.faults: list[BaseException] = []

    def go(self) -> Truth:
        sends = self.connect()
        products = [self.create(sends[0], name) for name in ("lamp", "vase")]
        jobs = [(self.retitle, (product,)) for product in products]
        jobs += [(self.reserve, (products[0],))] + [(self.look, (products, seed)) for seed in range(4)]
        threads = [threading.Thread(target=self.guarded, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.faults, self.faults
        return self.truth

    def goes_on(self) -> bool:
        """Until the time is over or there is something to report."""
        return time.monotonic() < self.end and not self.truth.violations

    def guarded(self, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            job(*arguments)
        except BaseException as error:
            self.faults.append(error)

    def create(self, send: Send, name: str) -> Product:
        body = {"title": f"{name} 0", "price": "1.00", "stock_quantity": STOCK}
        status, _, answer = send("POST", PRODUCTS, self.staff, body)
        assert status == 201, answer
        made = json.loads(answer)
        self.truth.wrote(f"{name} title")
        self.truth.wrote(f"{name} stock")
        return Product(name, made["id"], UUID(made["variants"][0]["id"]), made["slug"])

    def retitle(self, product: Product) -> None:
        sends, version, dice = self.connect(), 0, random.Random(product.name)
        sends = sends[:1] if self.only_strangers else sends
        while self.goes_on():
            version += 1
            body = {"title": f"{product.name} {version}"}
            status, _, answer = dice.choice(sends)("PATCH", f"{PRODUCTS}{product.id}/", self.staff, body)
            assert status == 200, answer
            self.truth.wrote(f"{product.name} title")
            time.sleep(dice.choice((0, 0.001, 0.01, 0.1, 0.7)))

    def reserve(self, product: Product) -> None:
        version, dice = 0, random.Random(7)
        while self.goes_on():
            version += 1
            with self.app.app_context(), transaction():
                assert services.get(StockService).reserve({product.variant: 1}, f"order:{version}") == ()
            self.truth.wrote(f"{product.name} stock")
            time.sleep(dice.choice((0, 0.003, 0.03, 0.6)))

    def look(self, products: list[Product], seed: int) -> None:
        sends, dice = self.connect(), random.Random(seed)
        held: dict[str, tuple[str, Any]] = {}
        paths = [PRODUCTS, f"{PRODUCTS}?q=lamp", *(f"{PRODUCTS}{p.id}/" for p in products)]
        paths += [f"{PRODUCTS}{p.slug}/" for p in products]
        while self.goes_on():
            path, signed_in = dice.choice(paths), dice.random() < 0.5 and not self.only_strangers
            headers = dict(self.staff) if signed_in else {}
            headers |= {"Accept-Encoding": "gzip"} if dice.random() < 0.5 else {}
            headers |= {"If-None-Match": held[path][0]} if path in held and dice.random() < 0.8 else {}
            began = time.monotonic()
            status, answered, body = dice.choice(sends)("GET", path, headers, None)
            if status == 200:
                packed = answered.get("content-encoding") == "gzip"
                shown = json.loads(zlib.decompress(body, 31) if packed else body)
                held[path] = (answered["etag"], shown.get("results", [shown]))
            else:
                assert status == 304, (status, body)
            for product in held[path][1]:
                name, version = product["title"].split()
                sold = STOCK - product["stock_quantity"]
                self.truth.read(f"{name} title", int(version), began, signed_in=signed_in, status=status)
                self.truth.read(f"{name} stock", sold, began, signed_in=signed_in, status=status)


def over_http(ports: list[int]) -> Callable[[], list[Send]]:
    def connect() -> list[Send]:
        return [_sender(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) for port in ports]

    return connect


def _sender(connection: http.client.HTTPConnection) -> Send:
    def send(method: str, path: str, headers: Mapping[str, str], body: Any) -> Any:
        data = None if body is None else json.dumps(body)
        given = {**headers, **({"Content-Type": "application/json"} if data else {})}
        connection.request(method, path, data, given)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()

    return send


def in_process(apps: list[Flask]) -> Callable[[], list[Send]]:
    def sender(app: Flask) -> Send:
        client = app.test_client()

        def send(method: str, path: str, headers: Mapping[str, str], body: Any) -> Any:
            response = client.open(path, method=method, headers=dict(headers), json=body)
            return response.status_code, {k.lower(): v for k, v in response.headers}, response.data

        return send

    return lambda: [sender(app) for app in apps]


@pytest.fixture(scope="session")
def nexus_plugins() -> list[str]:
    return ["catalog"]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """Its own, and durable: what it knew before an outage comes back."""
    with EmbeddedValkey(tmp_path / "valkey", durable=True, allow_system=True) as engine:
        yield engine


@pytest.fixture
def nexus_config(valkey: EmbeddedValkey) -> dict[str, Any]:
    return {"kernel": {"redis_url": valkey.url}}


@contextmanager
def serving(database_url: str, redis_url: str) -> Iterator[int]:
    """One server process of one worker; its port."""
    with http_port() as port:
        environ = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
            "NEXUS_KERNEL__PLUGINS": "catalog",
            "NEXUS_KERNEL__LOG_LEVEL": "ERROR",
        }
        command = [NEXUS, "serve", "--port", str(port), "--workers", "1"]
        server = subprocess.Popen(command, env=environ)
        try:
            wait_for(port)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


@contextmanager
def http_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    yield port


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            return connection.getresponse().close()
        except OSError:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)


def disturb(valkey: EmbeddedValkey, seconds: float) -> None:
    """Stop it and let it go on, then kill it and bring it back with what is on its disk."""
    time.sleep(seconds * 0.3)
    valkey.process.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    valkey.process.send_signal(signal.SIGCONT)
    time.sleep(seconds * 0.3)
    valkey.process.send_signal(signal.SIGKILL)
    valkey.process.wait()
    time.sleep(0.5)
    valkey.start()


@pytest.mark.proof
@pytest.mark.slow
def test_who_wrote_reads_it_everywhere_and_nobody_reads_what_is_older_than_a_second(
    app: Flask, database_url: str, valkey: EmbeddedValkey
) -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(serving(database_url, valkey.url)) for _ in range(2)]
        run = Run(app, over_http(ports), SECONDS)
        outages = threading.Thread(target=disturb, args=(valkey, SECONDS))
        outages.start()
        truth = run.go()
        outages.join()
    assert truth.violations == []
    assert truth.confirmed > 50 and truth.reads > 500, "the run must have had something to find"


@pytest.mark.parametrize("broken", ["moves are lost", "exact readers do not ask", "trusted for long"])
def test_the_run_finds_a_cache_that_is_broken(
    app: Flask,
    database_url: str,
    nexus_engines: Any,
    nexus_config: Any,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if broken == "moves are lost":
        monkeypatch.setattr(Cache, "_move", lambda self, tags: None)
    elif broken == "exact readers do not ask":
        find, fetch = Cache.find, Cache.fetch
        monkeypatch.setattr(Cache, "find", lambda self, key, *, now: find(self, key, now=False))
        monkeypatch.setattr(Cache, "fetch", lambda self, *a, **k: fetch(self, *a, **{**k, "now": False}))
    else:
        monkeypatch.setattr("nexus_kernel.cache.store.TRUSTED", 60.0)
    other = make_app(nexus_engines, database_url, ["catalog"], nexus_config)
    try:
        only_strangers = broken == "trusted for long"
        truth = Run(app, in_process([app, other]), 60.0, only_strangers=only_strangers).go()
    finally:
        other.extensions["nexus"].db.close()
    assert truth.violations
