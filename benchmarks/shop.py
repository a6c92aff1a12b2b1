"""A shop on throw-away engines, for the benchmarks."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nexus_kernel.embedded import EmbeddedPostgres, EmbeddedValkey

NEXUS = Path(sys.executable).with_name("nexus")
RATES = ("SIGN_IN_CLIENT", "SIGN_IN_ACCOUNT", "REGISTRATION", "REFRESH")
"""One machine plays every client here."""
PRODUCTS = Path(__file__).parents[1] / "examples/gift_shop/nexus_gift_shop/data/products.csv"


@contextmanager
def engines() -> Iterator[dict[str, str]]:
    """The environment of a shop whose engines run and whose tables are there."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "postgres")) as postgres,
        EmbeddedValkey(Path(folder, "valkey")) as valkey,
    ):
        postgres.create_database("bench")
        environ = {
            **os.environ,
            "DATABASE_URL": postgres.url("bench"),
            "REDIS_URL": valkey.url,
            "NEXUS_KERNEL__SECRET_KEY": secrets.token_urlsafe(48),
            "NEXUS_KERNEL__LOG_LEVEL": "WARNING",
            **dict.fromkeys((f"NEXUS_ACCOUNTS__{rate}_RATE" for rate in RATES), ""),
        }
        nexus(environ, "db", "upgrade")
        yield environ


def nexus(environ: dict[str, str], *arguments: str) -> None:
    """Run a command of the shop; raises when it fails."""
    subprocess.run([NEXUS, *arguments], env=environ, check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(environ: dict[str, str], workers: int = 1) -> Iterator[tuple[str, float, int]]:
    """The API under granian: its address, the seconds until its first 200, and the server's pid."""
    port = free_port()
    command = [NEXUS, "serve", "--port", str(port), "--workers", str(workers)]
    started = time.perf_counter()
    server = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(f"{address}/api/catalog/products/?page_size=1"):
            time.sleep(0.005)
        yield address, time.perf_counter() - started, server.pid
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def serving_by(server: str, application: str, environ: dict[str, str]) -> Iterator[str]:
    """The address of `hello`, or of the shop with its cache `on`, `shared` or `off`, under this server."""
    shop, port = application != "hello", free_port()
    module = "nexus_kernel.app" if shop else "benchmarks.hello"
    command = [sys.executable, "-m", "benchmarks.server", server, module, str(port)]
    given = {**environ, "NEXUS_KERNEL__CACHE": application} if shop else environ
    process = subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while not answers(address + ("/api/catalog/products/?page_size=1" if shop else "/")):
            time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait(15)


def answers(url: str) -> bool:
    """True when this address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def proportional_memory(pid: int) -> float:
    """MiB of memory of a process, shared pages counted by their share (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (kib,) = (int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024
