"""The whole way over HTTP: a served shop with the payment platform, and the Chapa simulator beside it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import nexus_payments_chapa.plugin
import pytest
from nexus_chapa_sim.testing import RunningSimulator, running_simulator
from sqlalchemy import text
from werkzeug.serving import WSGIRequestHandler, make_server

from nexus_kernel import Manifest, Money, Subscription, hookimpl, new_id, services, transaction
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.payments import (
    Payable,
    PaymentFailed,
    PaymentNeedsReview,
    PaymentRefunded,
    PaymentService,
    PaymentSucceeded,
    RefundRejected,
)
from nexus_kernel.testing import StandInAccounts, auth_headers, drain

SECRET_KEY, HASH = "CHASECK_TEST-for-tests", "dashboard-hash"


class Shop:
    """Orders from memory; hears what became of their payments."""

    MANIFEST = Manifest(name="shop", summary="Orders from memory")
    kind = "order"

    def __init__(self) -> None:
        self.payables: dict[UUID, Payable] = {}
        self.heard: list[Any] = []

    def __repr__(self) -> str:
        return "ChapaShop"

    def add(self, owner: UUID, amount: Money, description: str) -> UUID:
        payable = Payable(
            kind="order", id=new_id(), number="N-1", owner_id=owner, amount=amount, description=description
        )
        self.payables[payable.id] = payable
        return payable.id

    def resolve(self, ids: Sequence[UUID]) -> Mapping[UUID, Payable]:
        return {id: self.payables[id] for id in ids if id in self.payables}

    def hear(self, event: Any, delivery: Delivery) -> None:
        self.heard.append(event)

    @hookimpl
    def nexus_payables(self) -> Sequence[Any]:
        return [self]

    @hookimpl
    def nexus_subscriptions(self) -> Sequence[Subscription]:
        return [
            Subscription(PaymentSucceeded, self.hear, "shop.hear_succeeded"),
            Subscription(PaymentFailed, self.hear, "shop.hear_failed"),
            Subscription(PaymentNeedsReview, self.hear, "shop.hear_review"),
            Subscription(PaymentRefunded, self.hear, "shop.hear_refunded"),
            Subscription(RefundRejected, self.hear, "shop.hear_rejected"),
        ]


THE_SHOP, ACCOUNTS = Shop(), StandInAccounts()


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Served:
    """A server on a free port, started before the application that it will serve exists."""

    def __init__(self) -> None:
        self.app: Any = None
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _serve(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["payments", nexus_payments_chapa.plugin, THE_SHOP, ACCOUNTS]


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served()
    yield server
    server.stop()


@pytest.fixture
def sim(served: Served) -> Iterator[RunningSimulator]:
    url = f"{served.url}/api/payments/webhook/chapa/"
    with running_simulator(secret_keys=(SECRET_KEY,), webhook_secret=HASH, webhook_url=url) as simulator:
        yield simulator


@pytest.fixture
def nexus_config(sim: RunningSimulator, served: Served) -> Mapping[str, Mapping[str, Any]]:
    return {
        "kernel": {"public_url": served.url},
        "payments": {"call_timeout": 2.0},
        "payments_chapa": {
            "secret_key": SECRET_KEY,
            "webhook_secrets": (HASH,),
            "base_url": f"{sim.url}/v1",
            "checkout_hosts": (sim.url.removeprefix("http://"),),
        },
    }


class Bench:
    """A buyer with orders, on a served shop."""

    def __init__(self, app: Any, served: Served, sim: RunningSimulator) -> None:
        served.app = app
        THE_SHOP.payables.clear()
        THE_SHOP.heard.clear()
        self.app, self.sim, self.url = app, sim, served.url
        self.buyer = ACCOUNTS.add("abebe@example.com")
        self.headers = auth_headers(app, person_id=self.buyer)

    def order(self, amount: Money | None = None, description: str = "Order N-1") -> UUID:
        return THE_SHOP.add(self.buyer, amount or Money(25000, "ETB"), description)

    def initiate(self, order: UUID | None = None) -> Any:
        return self.app.test_client().post(
            "/api/payments/initiate/", json={"order_id": str(order or self.order())}, headers=self.headers
        )

    def opened(self, order: UUID | None = None) -> str:
        """The reference of a payment that was just opened."""
        reply = self.initiate(order)
        assert reply.status_code == 201, reply.text
        return str(reply.json["tx_ref"])

    def paid(self, amount: Money | None = None) -> UUID:
        """An order that was paid through Chapa."""
        order = self.order(amount)
        self.sim.pay(self.opened(order))
        self.deliver()
        assert self.payments()[0]["status"] == "succeeded"
        THE_SHOP.heard.clear()
        return order

    def ask_back(self, order: UUID, minor: int, reference: str = "R-1") -> None:
        """Ask for money back, and let a worker send it."""
        with self.app.app_context(), transaction():
            services.get(PaymentService).refund(
                "order", order, Money(minor, "ETB"), reference=reference, reason="Damaged", actor_id=None
            )
        self.drain()

    def refunds(self) -> list[dict[str, Any]]:
        """As staff see them, oldest first."""
        staff = auth_headers(self.app, "staff")
        return list(
            reversed(self.app.test_client().get("/api/payments/refunds/", headers=staff).json["results"])
        )

    def refund(self) -> dict[str, Any]:
        (refund,) = self.refunds()
        return refund

    def heard(self) -> list[Any]:
        return list(THE_SHOP.heard)

    def payments(self) -> list[dict[str, Any]]:
        """Oldest first."""
        reply = self.app.test_client().get("/api/payments/", headers=self.headers)
        return list(reversed(reply.json["results"]))

    def statuses(self) -> list[str]:
        return [payment["status"] for payment in self.payments()]

    def events(self) -> list[str]:
        return [event.name for event in THE_SHOP.heard]

    def stored(self) -> list[str]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(text("SELECT status FROM payments_provider_event ORDER BY id")))

    def drain(self) -> None:
        drain(self.app)

    def deliver(self) -> list[int | None]:
        """Let the simulator send what is due, and the workers work; the shop's answers."""
        statuses = [delivery.attempts[-1].status for delivery in self.sim.drain()]
        self.drain()
        return statuses

    def pass_time(self, minutes: float) -> None:
        changes = ", ".join(
            f"{c} = {c} - :m * interval '1 minute'"
            for c in ("deadline", "next_check_at", "checked_at", "busy_until", "closed_at")
        )
        with self.app.app_context(), transaction() as session:
            session.execute(text(f"UPDATE payments_payment SET {changes}"), {"m": minutes})
            changes = ", ".join(
                f"{c} = {c} - :m * interval '1 minute'"
                for c in ("next_check_at", "busy_until", "sent_at", "first_sent_at")
            )
            session.execute(text(f"UPDATE payments_refund SET {changes}"), {"m": minutes})

    def sweep(self) -> None:
        """What the beat does, with every message lost."""
        nexus = self.app.extensions["nexus"]
        nexus.dispatcher.sent.clear()
        with self.app.app_context():
            for name in ("payments.sweep_events", "payments.sweep_checks", "payments.sweep_refunds"):
                nexus.tasks[name].function()
        self.drain()


@pytest.fixture
def bench(app: Any, served: Served, sim: RunningSimulator) -> Bench:
    return Bench(app, served, sim)
