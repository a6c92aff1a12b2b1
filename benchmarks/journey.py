"""What the routes of a sale cost in milliseconds on the gift shop's products, and a worker's memory."""

import json
import statistics
import time
import urllib.request
from typing import Any

import psutil

from benchmarks.shop import PRODUCTS, engines, nexus, proportional_memory, serving

RUNS = 200


class Client:
    """Sends JSON and measures."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = ""

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; raises for a status that is not 2xx."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def timed(self, method: str, path: str, body: Any = None) -> list[float]:
        """Seconds of each of many requests, after ten to warm up."""
        for _ in range(10):
            self.send(method, path, body)
        times = []
        for _ in range(RUNS):
            start = time.perf_counter()
            self.send(method, path, body)
            times.append(time.perf_counter() - start)
        return times


def run() -> list[tuple[str, str, str]]:
    """One client, one worker with one thread: latencies, not throughput."""
    with engines() as environ:
        start = time.perf_counter()
        nexus(environ, "catalog", "import", str(PRODUCTS))
        imported = time.perf_counter() - start
        with serving(environ) as (address, _, pid):
            rows = [("import of the gift shop's products", f"{imported:.1f} s", "<= 20 s")]
            rows += _routes(Client(address))
            workers = [child.pid for child in psutil.Process(pid).children(recursive=True)] or [pid]
            memory = max(proportional_memory(worker) for worker in workers)
            return [*rows, ("memory of an API worker afterwards (Pss)", f"{memory:.0f} MiB", "<= 80 MiB")]


def _routes(client: Client) -> list[tuple[str, str, str]]:
    password = {"password": "a-long-password-7", "re_password": "a-long-password-7"}
    client.send("POST", "/api/auth/users/", {"email": "bench@example.com", **password})
    login = {"email": "bench@example.com", "password": "a-long-password-7"}
    logins = client.timed("POST", "/api/auth/jwt/create/", login)
    client.token = client.send("POST", "/api/auth/jwt/create/", login)["access"]
    first = client.send("GET", "/api/catalog/products/?in_stock=true")["results"][0]
    rows = [
        ("log in (Argon2id)", logins),
        ("product list, 20 of 3,518", client.timed("GET", "/api/catalog/products/")),
        ("search 'lantern'", client.timed("GET", "/api/catalog/products/?q=lantern")),
        ("product detail", client.timed("GET", f"/api/catalog/products/{first['id']}/")),
    ]
    return [(name, _ms(times), "") for name, times in rows]


def _ms(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)] * 1000
    return f"p50 {statistics.median(ordered) * 1000:.1f} ms, p95 {p95:.1f}"
