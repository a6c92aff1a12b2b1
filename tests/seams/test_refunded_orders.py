"""An order is paid and given back through Chapa: orders, payments, gateway and simulator on the whole way."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from flask import Flask
from nexus_chapa_sim.testing import RunningSimulator, running_simulator
from sqlalchemy import text

from nexus_kernel import transaction
from nexus_kernel.testing import StandInAccounts, auth_headers, drain

ACCOUNTS = StandInAccounts()
KEY = "CHASECK_TEST-seam"
ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", "cart", "orders", "payments", "payments_chapa", ACCOUNTS]


@pytest.fixture
def sim() -> Iterator[RunningSimulator]:
    with running_simulator(secret_keys=(KEY,), refund_live_only=False) as simulator:
        yield simulator


@pytest.fixture
def nexus_config(sim: RunningSimulator) -> Mapping[str, Mapping[str, Any]]:
    hosts = (sim.url.removeprefix("http://"),)
    chapa = {"secret_key": KEY, "webhook_secrets": ("h",), "base_url": f"{sim.url}/v1"}
    return {"payments_chapa": {**chapa, "checkout_hosts": hosts}}


@pytest.fixture
def look(app: Flask):
    """Lets the workers look at everything, as if an hour had passed."""

    def work() -> None:
        with app.app_context(), transaction() as session:
            for table in ("payments_payment", "payments_refund"):
                session.execute(text(f"UPDATE {table} SET next_check_at = now() - interval '1 s'"))
        with app.app_context():
            for name in ("payments.sweep_checks", "payments.sweep_refunds"):
                app.extensions["nexus"].tasks[name].function()
        drain(app)

    return work


@pytest.fixture
def paid(app: Flask, sim: RunningSimulator, look):
    """The path of an order of 200.00 birr that its buyer paid, and the buyer's headers."""
    client, buyer = app.test_client(), auth_headers(app, person_id=ACCOUNTS.add())
    body = {"title": "Lamp", "price": "100.00", "currency": "ETB", "stock_quantity": 9}
    lamp = client.post("/api/catalog/products/", json=body, headers=auth_headers(app, "staff")).json
    client.post("/api/cart/cart/items/", json={"product_id": lamp["id"], "quantity": 2}, headers=buyer)
    placed = client.post(
        "/api/orders/", json={"shipping_address": ADDRESS, "payment_method": "chapa"}, headers=buyer
    )
    assert placed.status_code == 201, placed.text
    opened = client.post("/api/payments/initiate/", json={"order_id": placed.json["id"]}, headers=buyer)
    sim.pay(opened.json["tx_ref"])
    look()
    path = f"/api/orders/{placed.json['id']}/"
    assert client.get(path, headers=buyer).json["payment_status"] == "paid"
    return path, buyer


def test_an_order_is_given_back_in_parts(app, sim, look, paid):
    (path, buyer), client, staff = paid, app.test_client(), auth_headers(app, "staff")
    for amount, status in (("50.00", "partially_refunded"), (None, "refunded")):
        body = {"reason": "Damaged", **({"amount": amount} if amount else {})}
        given = client.post(f"{path}refunds/", json=body, headers=staff)
        assert given.status_code == 201, given.text
        drain(app)
        sim.advance(24 * 60)
        look()
        assert client.get(path, headers=buyer).json["payment_status"] == status
    assert [str(refund.amount) for refund in sim.refunds.all()] == ["50.00", "150.00"]
    again = client.post(f"{path}refunds/", json={"reason": "x", "amount": "0.01"}, headers=staff)
    assert again.status_code == 409


def test_a_refund_that_a_person_sees_to_is_in_the_orders_books(app, sim, paid):
    (path, buyer), client, staff = paid, app.test_client(), auth_headers(app, "staff")
    sim.configure(refund_live_only=True)
    client.post(f"{path}refunds/", json={"reason": "Damaged"}, headers=staff)
    drain(app)
    (waiting,) = client.get("/api/payments/refunds/?status=needs_person", headers=staff).json["results"]
    assert client.get(path, headers=buyer).json["payment_status"] == "paid"
    done = client.post(
        f"/api/payments/refunds/{waiting['id']}/confirm/", json={"note": "By bank"}, headers=staff
    )
    assert done.status_code == 200
    drain(app)
    assert client.get(path, headers=buyer).json["payment_status"] == "refunded"
