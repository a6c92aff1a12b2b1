"""A simulator and a merchant that records what it is told."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.fixtures import chapa_sim
from nexus_chapa_sim.recording import Merchant, Received
from nexus_chapa_sim.testing import RunningSimulator

__all__ = ["chapa_sim"]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            shop.received.append(Received(self.command, self.path, headers, body))
            self.send_response(shop.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = _answer

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop = Merchant(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def sim(chapa_sim: RunningSimulator, merchant: Merchant) -> RunningSimulator:
    chapa_sim.configure(webhook_url=f"{merchant.url}/webhook/", webhook_secret="hook-secret")
    return chapa_sim


@pytest.fixture
def api(sim: RunningSimulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {sim.secret_key}"}
    with httpx.Client(base_url=sim.url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def browser(sim: RunningSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sim.url, timeout=10) as client:
        yield client


@pytest.fixture
def initialize(api: httpx.Client) -> Callable[..., httpx.Response]:
    def call(**changes: Any) -> httpx.Response:
        body = {"amount": "100", "currency": "ETB", "tx_ref": "ORDER1"} | changes
        return api.post("/v1/transaction/initialize", json={k: v for k, v in body.items() if v is not ...})

    return call


@pytest.fixture
def checkout_url(initialize: Callable[..., httpx.Response]) -> str:
    return str(initialize().json()["data"]["checkout_url"])
