"""From the order to the buyer's review: the catalog learns of purchases without knowing the orders."""

from collections.abc import Sequence

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nexus_kernel.testing import StandInAccounts, StandInPayments, auth_headers, drain

ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
_ACCOUNTS = StandInAccounts()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", "cart", "orders", _ACCOUNTS, StandInPayments()]


def test_a_review_is_a_buyers_once_the_order_was_delivered(app: Flask, client: FlaskClient):
    staff, buyer = auth_headers(app, "staff"), auth_headers(app, person_id=_ACCOUNTS.add())
    body = {"title": "Lantern", "price": "250.00", "stock_quantity": 3}
    lantern = client.post("/api/catalog/products/", json=body, headers=staff).json
    reviews = f"/api/catalog/products/{lantern['id']}/reviews/"
    assert client.post(reviews, json={"rating": 5}, headers=buyer).json["is_verified_purchase"] is False
    client.post("/api/cart/cart/items/", json={"product_id": lantern["id"]}, headers=buyer)
    order = client.post(
        "/api/orders/", json={"shipping_address": ADDRESS, "payment_method": "cash"}, headers=buyer
    ).json
    verified = []
    for status in ("confirmed", "processing", "shipped", "delivered"):
        moved = client.patch(f"/api/orders/{order['id']}/", json={"status": status}, headers=staff)
        assert moved.status_code == 200
        drain(app)
        verified.append(client.get(reviews).json["results"][0]["is_verified_purchase"])
    assert verified == [False, False, False, True]
