"""What a request costs in this process: a warm WSGI loop, without a server and without a client.

`CPU` is what the process spent of the processor on one request, `wall` how long it took; the difference is
what it waited for PostgreSQL and Redis.
"""

import io
import os
import statistics
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from flask import Flask
from werkzeug.test import Client

from benchmarks import hello
from benchmarks.plans import make_app
from benchmarks.routes import LIST, LOGIN, fill
from benchmarks.shop import engines

REQUESTS = int(os.environ.get("NEXUS_BENCH_REQUESTS", "300"))
"""Of one round."""
ROUNDS = 5
CATALOG = "/api/catalog"
Row = tuple[str, str, str]


class Loop:
    """One request again and again."""

    def __init__(self, app: Flask, path: str, **headers: str) -> None:
        self._app = app
        path, _, query = path.partition("?")
        self._environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        self.status = ""

    def measure(self, requests: int = REQUESTS) -> tuple[float, float]:
        """Seconds of the processor and of the clock for one request."""
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(requests):
            self.once()
        return (time.process_time() - cpu) / requests, (time.perf_counter() - wall) / requests

    def once(self) -> bytes:
        """The body of one answer."""
        body: Iterable[bytes] = self._app(dict(self._environ), self._start)
        whole = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        return whole

    def _start(self, status: str, headers: Any, *rest: Any) -> None:
        self.status = status


def run() -> list[Row]:
    """A row a read: microseconds of the processor and of the clock, medians of some rounds."""
    with engines() as environ:
        fill(environ)
        return measure(environ)


def measure(environ: Mapping[str, str], only: str = "") -> list[Row]:
    """The rows of a shop that is filled already."""
    loops = {name: loop for name, loop in _loops(environ).items() if only in name}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for loop in loops.values():
        loop.measure(50)
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            found[name].append(loop.measure())
    return [(f"{name} ({loops[name].status[:3]})", _figure(times), "") for name, times in found.items()]


def _figure(times: list[tuple[float, float]]) -> str:
    cpu, wall = (statistics.median(column) * 1e6 for column in zip(*times, strict=True))
    return f"CPU {cpu:,.0f} us, wall {wall:,.0f} us"


def _loops(environ: Mapping[str, str]) -> dict[str, Loop]:
    off, on, shared = (make_app(dict(environ), cache=mode) for mode in ("off", "on", "shared"))
    client = Client(off)
    products = client.get(f"{LIST}?page_size=50").get_json()
    first = next(product for product in products["results"] if product["category"])
    category, word = quote(first["category"]["slug"]), quote(first["title"].split()[0].lower())
    etag = Client(on).get(LIST).headers["ETag"]
    client.post("/api/auth/users/", json={**LOGIN, "re_password": LOGIN["password"]})
    token = Client(on).post("/api/auth/jwt/create/", json=LOGIN).get_json()["access"]
    return {
        "bare Flask": Loop(hello.create_app(), "/"),
        "a route of the kernel": Loop(off, "/healthz"),
        "list of 20, uncached": Loop(off, LIST),
        "list of 50 by cursor, uncached": Loop(off, products["next"]),
        "detail, uncached": Loop(off, f"{LIST}{first['id']}/"),
        "search, category and text, uncached": Loop(off, f"{LIST}?category={category}&q={word}"),
        "facets, uncached": Loop(off, f"{CATALOG}/facets/"),
        "suggestions, uncached": Loop(off, f"{CATALOG}/suggestions/?q={word}"),
        "categories, uncached": Loop(off, f"{CATALOG}/categories/"),
        "list of 20, in memory": Loop(on, LIST),
        "list of 20, in memory, 304": Loop(on, LIST, if_none_match=etag),
        "list of 20, in memory, signed in": Loop(on, LIST, authorization=f"Bearer {token}"),
        "list of 20, in Redis only": Loop(shared, LIST),
    }
