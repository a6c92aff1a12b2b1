"""The routes of a shop window against bare Flask on the same server: S1, S1e, S2, S3, S4 and S7.

Windows are interleaved and a figure is the median of its windows, so that a machine that drifts does it to
all alike. What counts is the ratio to H of the same run.
"""

import csv
import json
import os
import statistics
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.load import Script, Window, background, measure
from benchmarks.shop import PRODUCTS, engines, nexus, serving_by

SECONDS = float(os.environ.get("NEXUS_BENCH_SECONDS", "2"))
"""Of one window."""
ROUNDS = int(os.environ.get("NEXUS_BENCH_ROUNDS", "3"))
ROWS = 2000
"""Products."""
LIST = "/api/catalog/products/"
LOGIN = {"email": "bench@example.com", "password": "a-long-password-7"}
SERVERS = ("granian", "gunicorn")
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Scenario:
    """Requests to an application (`hello`, or the shop with its cache `on`, `shared` or `off`)."""

    name: str
    what: str
    application: str
    script: Script
    goals: dict[str, float]
    """By server, as a share of H."""


def run(wanted: str) -> list[Row]:
    """The rows of one scenario, such as `S1`, on every server there is."""
    with engines() as environ:
        fill(environ)
        return [row for server in SERVERS for row in _on(server, environ, wanted)]


def _on(server: str, environ: dict[str, str], wanted: str) -> list[Row]:
    if find_spec(server) is None:
        return [(f"{server} is missing: pip install 'nexus-kernel[bench]'", "", "")]
    with ExitStack() as stack:
        addresses: dict[str, str] = {}

        def address(application: str) -> str:
            if application not in addresses:
                addresses[application] = stack.enter_context(serving_by(server, application, environ))
                if application == "on":
                    _register(addresses[application])
            return addresses[application]

        chosen = [s for s in _scenarios(address("on")) if s.name == wanted]
        hello = Scenario("H", "bare Flask", "hello", Script([("GET", "/", "")]), {})
        found: dict[str, list[Window]] = {}
        for scenario in (hello, *chosen):
            measure(address(scenario.application), scenario.script, 1)  # what is cached is, in both workers
        for _ in range(ROUNDS):
            for scenario in (hello, *chosen):
                window = measure(address(scenario.application), scenario.script, SECONDS)
                found.setdefault(scenario.what, []).append(window)
        h = statistics.median(window.rate for window in found[hello.what])
        rows = [_row(server, scenario, found[scenario.what], h) for scenario in (hello, *chosen)]
        return rows + (_crowded(server, address("on")) if wanted == "S7" else [])


def _row(server: str, scenario: Scenario, windows: list[Window], h: float) -> Row:
    rate = statistics.median(window.rate for window in windows)
    p99 = statistics.median(window.p99_ms for window in windows)
    failed = sum(window.failed for window in windows)
    figure = f"{rate:,.0f}/s {rate / h:.2f} H, p99 {p99:.1f} ms" + (f", {failed} FAILED" if failed else "")
    goal = scenario.goals.get(server)
    return f"{server}: {scenario.what}", figure, f">= {goal:.2f} H" if goal else ""


def _crowded(server: str, address: str) -> list[Row]:
    """How long details take while eight people log in."""
    details, login = _details(address), Script([("POST", "/api/auth/jwt/create/", json.dumps(LOGIN))])
    idle = measure(address, details, SECONDS * 2)
    with background(address, login, SECONDS * 2 + 5, connections=8):
        time.sleep(0.5)
        crowded = measure(address, details, SECONDS * 2)
    figure = f"p99 {idle.p99_ms:.1f} -> {crowded.p99_ms:.1f} ms"
    return [(f"{server}: detail with 8 logins in flight", figure, "<= 5 times idle")]


def _scenarios(address: str) -> list[Scenario]:
    first = _json(f"{address}{LIST}")
    with urllib.request.urlopen(f"{address}{LIST}") as response:
        known = {"If-None-Match": response.headers["ETag"]}
    category = next(p["category"]["slug"] for p in first["results"] if p["category"])
    word = first["results"][0]["title"].split()[0].lower()

    def one(path: str, headers: dict[str, str] | None = None) -> Script:
        return Script([("GET", path, "")], headers or {})

    deep = _json(f"{address}{LIST}?page=1&page_size=50&sort=price")["results"]
    cursor = _json(f"{address}{LIST}?page_size=50")["next"]
    search = f"{LIST}?category={urllib.request.quote(category)}&q={urllib.request.quote(word)}"
    login = Script([("POST", "/api/auth/jwt/create/", json.dumps(LOGIN))])
    assert deep and cursor, "there must be products"
    return [
        Scenario("S1", "list of 20, cached", "on", one(LIST), {"granian": 0.70, "gunicorn": 0.80}),
        Scenario("S1", "list of 20, in Redis only", "shared", one(LIST), {"granian": 0.39, "gunicorn": 0.55}),
        Scenario("S1", "list of 20, uncached", "off", one(LIST), {"gunicorn": 0.25}),
        Scenario("S1e", "list, 304", "on", one(LIST, known), {"granian": 0.90, "gunicorn": 0.90}),
        Scenario("S2", "page by cursor, 50, uncached", "off", one(cursor), {}),
        Scenario("S2", "page 40 by number, 50, uncached", "off", one(f"{LIST}?page=40&page_size=50"), {}),
        Scenario("S3", "category and text, uncached", "off", one(search), {"gunicorn": 0.25}),
        Scenario("S4", "detail, cached", "on", _details(address), {"granian": 0.80, "gunicorn": 0.80}),
        Scenario("S4", "detail, uncached", "off", _details(address), {"gunicorn": 0.40}),
        Scenario("S7", "login", "on", login, {}),
    ]


def _details(address: str) -> Script:
    """A hundred products in turn."""
    found = _json(f"{address}{LIST}?page_size=100")["results"]
    return Script([("GET", f"{LIST}{product['id']}/", "") for product in found])


def fill(environ: dict[str, str]) -> None:
    """Import the first of the gift shop's products."""
    with tempfile.TemporaryDirectory() as folder, PRODUCTS.open(newline="", encoding="utf-8") as source:
        some = Path(folder, "products.csv")
        with some.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerows(row for _, row in zip(range(ROWS + 1), csv.reader(source), strict=False))
        nexus(environ, "catalog", "import", str(some))


def _register(address: str) -> None:
    body = json.dumps({**LOGIN, "re_password": LOGIN["password"]}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{address}/api/auth/users/", body, headers)).close()


def _json(url: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    with urllib.request.urlopen(url) as response:
        found: dict[str, list[dict[str, dict[str, str]]]] = json.load(response)
        return found
