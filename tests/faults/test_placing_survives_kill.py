"""The API is killed while people place orders: each order is whole or absent, and a retry ends with one."""

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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from psycopg.rows import dict_row

from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import auth_headers, rounds
from nexus_kernel.testing.fixtures import SECRET_KEY

KILLS = rounds(6, 100)
BUYERS = 4
LINES = 3
NEXUS = Path(sys.executable).with_name("nexus")
VICTIM = "nexus-victim"
PLUGINS = ["accounts", "cart", "catalog", "notifications", "orders", "payments", "payments_chapa"]
ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
ORDER = json.dumps({"shipping_address": ADDRESS, "payment_method": "chapa"})
Server = subprocess.Popen[bytes]
PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session")
def nexus_plugins() -> list[str]:
    return PLUGINS


@pytest.fixture
def sql(database_url: str) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Rows of a query, outside of any transaction."""
    address = database_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:

        def ask(query: str, *values: Any) -> list[dict[str, Any]]:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

        yield ask


@dataclass
class Buyer:
    """Somebody with an account, and what they send and were answered in this round."""

    id: str
    email: str
    headers: dict[str, str]
    key: str = ""
    answer: tuple[int, dict[str, Any]] | None = None

    def place(self, port: int) -> tuple[int, dict[str, Any], str]:
        """Place an order over a connection of one's own. Raises OSError or HTTPException when it breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        given = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": self.key}
        connection.request("POST", "/api/orders/", ORDER, given)
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        return response.status, body, response.headers.get("Idempotent-Replayed", "")


@contextmanager
def serving(database_url: str, redis_url: str, media: Path) -> Iterator[tuple[int, Server]]:
    """The API in a process group of its own, with one worker: its port and the group's leader."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environ = {
        **os.environ,
        "DATABASE_URL": database_url.replace("+psycopg", ""),
        "REDIS_URL": redis_url,
        "PGAPPNAME": VICTIM,
        "NEXUS_KERNEL__ENVIRONMENT": "test",
        "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
        "NEXUS_KERNEL__PLUGINS": ",".join(PLUGINS),
        "NEXUS_KERNEL__MEDIA_STORE": str(media),
        "NEXUS_KERNEL__LOG_LEVEL": "ERROR",
    }
    command = [NEXUS, "serve", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(
        command, env=environ, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not is_up(port):
            assert server.poll() is None and time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        yield port, server
    finally:
        kill(server)


def is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def kill(server: Server) -> None:
    """The server and its workers at once, without a word."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


class Sale:
    """Buyers with full carts, and what the database must say after each kill."""

    def __init__(self, app: Flask, sql: Callable[..., list[dict[str, Any]]]) -> None:
        self.app, self.sql, self.client = app, sql, app.test_client()
        staff = auth_headers(app, "staff")
        body = {"title": "Lamp", "price": "100.00", "stock_quantity": 1_000_000}
        self.products = [
            self.client.post("/api/catalog/products/", json=body, headers=staff).json["id"]
            for _ in range(LINES)
        ]
        self.buyers = [self.register(f"buyer{number}@example.com") for number in range(BUYERS)]

    def register(self, email: str) -> Buyer:
        body = {"email": email, "password": PASSWORD, "re_password": PASSWORD}
        answer = self.client.post("/api/auth/users/", json=body)
        assert answer.status_code == 201, answer.json
        (row,) = self.sql("SELECT id FROM accounts_user WHERE email = %s", email)
        return Buyer(str(row["id"]), email, {})

    def sign_in(self) -> None:
        """With tokens of this moment, which live for fifteen minutes."""
        for buyer in self.buyers:
            body = {"email": buyer.email, "password": PASSWORD}
            answer = self.client.post("/api/auth/jwt/create/", json=body)
            assert answer.status_code == 200, answer.json
            buyer.headers = {"Authorization": f"Bearer {answer.json['access']}"}

    def fill(self) -> None:
        """Give each buyer a full cart and a new key."""
        for buyer in self.buyers:
            buyer.key, buyer.answer = str(uuid4()), None
            for product in self.products:
                body = {"product_id": product, "quantity": 2}
                answer = self.client.post("/api/cart/cart/items/", json=body, headers=buyer.headers)
                assert answer.status_code == 201, answer.json

    def order_at_once(self, port: int) -> float:
        """All place their orders, none is refused; the seconds that an answer took."""
        self.fill()
        times: list[float] = []

        def place(buyer: Buyer) -> None:
            start = time.perf_counter()
            assert buyer.place(port)[0] == 201
            times.append(time.perf_counter() - start)

        self.each(place)
        assert len(times) == BUYERS
        return sum(times) / BUYERS

    def order_and_be_killed(self, port: int, server: Server, delay: float) -> None:
        """All send their orders; after the delay the server is killed."""
        started = threading.Barrier(BUYERS + 1)

        def place(buyer: Buyer) -> None:
            started.wait()
            try:
                buyer.answer = buyer.place(port)[:2]
            except (OSError, http.client.HTTPException, ValueError):
                buyer.answer = None

        killer = threading.Thread(target=lambda: (started.wait(), time.sleep(delay), kill(server)))
        killer.start()
        self.each(place)
        killer.join()
        deadline = time.monotonic() + 10
        while self.sql("SELECT pid FROM pg_stat_activity WHERE application_name = %s", VICTIM):
            assert time.monotonic() < deadline, "the dead server's transactions do not end"
            time.sleep(0.01)

    def each(self, step: Callable[[Buyer], None]) -> None:
        threads = [threading.Thread(target=step, args=(buyer,)) for buyer in self.buyers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stage(self, buyer: Buyer) -> str:
        """How far this buyer's order had come, after a look at everything that belongs to it."""
        (claim,) = self.sql("SELECT status, body FROM nexus_idempotency WHERE key = %s", buyer.key) or [None]
        orders = self.sql("SELECT * FROM orders_order WHERE user_id = %s AND status = 'pending'", buyer.id)
        if not orders:
            assert buyer.answer is None or buyer.answer[0] != 201, "an order that was answered is lost"
            assert claim is None or claim["status"] is None, "a reply is kept of an order that is not there"
            assert self.cart(buyer) == [2] * LINES
            return "in the transaction" if claim else "before its claim"
        (order,) = orders
        self.check_whole(order, buyer)
        assert claim and claim["status"] == 201, "the reply is not kept with its order"
        assert json.loads(claim["body"])["id"] == str(order["id"])
        if buyer.answer is None:
            return "committed, not answered"
        assert buyer.answer[0] == 201 and buyer.answer[1]["id"] == str(order["id"])
        return "answered"

    def check_whole(self, order: dict[str, Any], buyer: Buyer) -> None:
        """Lines, history, event with its deliveries, pieces held and the emptied cart: all of it is there."""
        lines = self.sql("SELECT total_minor, quantity FROM orders_item WHERE order_id = %s", order["id"])
        assert [line["quantity"] for line in lines] == [2] * LINES
        assert sum(line["total_minor"] for line in lines) == order["subtotal_minor"] == 20_000 * LINES
        history = self.sql("SELECT new_status FROM orders_history WHERE order_id = %s", order["id"])
        assert [step["new_status"] for step in history] == ["pending"]
        events = self.sql(
            "SELECT (SELECT count(*) FROM nexus_delivery d WHERE d.event_id = o.id) AS deliveries "
            "FROM nexus_outbox o WHERE name = 'orders.placed' AND payload->>'order_id' = %s",
            str(order["id"]),
        )
        assert [event["deliveries"] for event in events] == [self.subscribers()]
        held = self.sql(
            "SELECT quantity FROM catalog_stock_reservation WHERE reference = %s", f"order:{order['id']}"
        )
        assert [row["quantity"] for row in held] == [2] * LINES
        assert self.cart(buyer) == []

    def subscribers(self) -> int:
        from nexus_kernel.contracts.orders import OrderPlaced

        return len(self.app.extensions["nexus"].subscriptions.names_for(OrderPlaced))

    def cart(self, buyer: Buyer) -> list[int]:
        """The quantities in the buyer's cart."""
        rows = self.sql(
            "SELECT quantity FROM cart_item JOIN cart_cart c ON c.id = cart_id WHERE holder_id = %s", buyer.id
        )
        return [row["quantity"] for row in rows]

    def check_stock(self) -> None:
        """What is held is what the orders hold; the ledger agrees."""
        (row,) = self.sql(
            "SELECT (SELECT coalesce(sum(reserved), 0) FROM catalog_stock) AS reserved, "
            "(SELECT coalesce(sum(quantity), 0) FROM catalog_stock_reservation) AS held, "
            "(SELECT coalesce(sum(delta_reserved), 0) FROM catalog_stock_movement) AS noted, "
            "(SELECT coalesce(sum(quantity), 0) FROM orders_item i JOIN orders_order o ON o.id = i.order_id "
            " WHERE o.status = 'pending') AS ordered"
        )
        assert row["reserved"] == row["held"] == row["noted"] == row["ordered"], row

    def retry(self, buyer: Buyer, port: int, stage: str) -> None:
        """Send the same again with the same key, as a client does that had no answer."""
        if stage == "in the transaction":
            status, body, _ = buyer.place(port)
            assert (status, body["code"]) == (409, "kernel.idempotency_in_progress")
            minutes_later = (
                "UPDATE nexus_idempotency SET claimed_at = claimed_at - interval '61 s' WHERE key = %s"
            )
            self.sql(minutes_later, buyer.key)
        status, body, replayed = buyer.place(port)
        assert status == 201, body
        assert replayed == ("true" if stage in ("committed, not answered", "answered") else "")
        orders = self.sql("SELECT * FROM orders_order WHERE user_id = %s AND status = 'pending'", buyer.id)
        assert [str(order["id"]) for order in orders] == [body["id"]]
        self.check_whole(orders[0], buyer)

    def cancel_all(self) -> None:
        """Make room for a round."""
        for order in self.sql("SELECT id, user_id FROM orders_order WHERE status = 'pending'"):
            (buyer,) = (buyer for buyer in self.buyers if buyer.id == str(order["user_id"]))
            url = f"/api/orders/{order['id']}/cancel/"
            assert self.client.post(url, json={}, headers=buyer.headers).status_code == 200


@pytest.mark.proof
@pytest.mark.slow
def test_an_order_is_whole_or_absent_whenever_the_api_is_killed(
    app: Flask, database_url: str, nexus_engines: Any, sql: Any, tmp_path: Path, record_property: Any
) -> None:
    sale, dice, reached = Sale(app, sql), random.Random(), Counter[str]()
    waiting: list[tuple[Buyer, str]] = []
    for number in range(KILLS):
        if number % 20 == 0:
            sale.sign_in()
        with serving(database_url, nexus_engines.redis_url, tmp_path) as (port, server):
            for buyer, stage in waiting:
                sale.retry(buyer, port, stage)
            takes = min([sale.order_at_once(port) for _ in range(3)][1:])
            sale.cancel_all()
            sale.fill()
            sale.order_and_be_killed(port, server, 2 * takes * (number + dice.random()) / KILLS)
        waiting = [(buyer, sale.stage(buyer)) for buyer in sale.buyers]
        reached.update(stage for _, stage in waiting)
        sale.check_stock()
    record_property("reached", dict(reached))
    print(f"{KILLS} kills: {dict(reached)}")
    assert reached.total() == KILLS * BUYERS
    assert reached.total() > reached["answered"] > 0, "the kills must have come while orders were placed"
    assert KILLS < 100 or min(reached[stage] for stage in ("in the transaction", "answered")) > 10, reached
    with app.app_context():
        while deliver_due():
            pass
    assert sql("SELECT count(*) AS dead FROM nexus_delivery WHERE dead_at IS NOT NULL") == [{"dead": 0}]
