"""A shop of the real catalog, carts and orders; people and ways to pay come from memory."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from nexus_kernel.testing import StandInAccounts, StandInPayments, auth_headers

ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
ORDER = {"shipping_address": ADDRESS, "payment_method": "cash"}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", "cart", "orders", StandInAccounts(), StandInPayments()]


@pytest.fixture
def product(app: Flask) -> Callable[..., dict[str, Any]]:
    """Creates a product with this stock."""
    staff = auth_headers(app, "staff")

    def create(stock: int, price: str = "100.00", title: str = "Lamp") -> dict[str, Any]:
        body = {"title": title, "price": price, "currency": "ETB", "stock_quantity": stock}
        answer = app.test_client().post("/api/catalog/products/", json=body, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create


@pytest.fixture
def put(app: Flask):
    """Puts a product into somebody's cart."""

    def add(buyer: dict[str, str], product: dict[str, Any], quantity: int = 1) -> None:
        body = {"product_id": product["id"], "quantity": quantity}
        answer = app.test_client().post("/api/cart/cart/items/", json=body, headers=buyer)
        assert answer.status_code == 201, answer.json

    return add


@pytest.fixture
def submit(app: Flask):
    """Orders somebody's cart, with a client of its own, so that threads can."""

    def place(buyer: dict[str, str], **body: Any):
        return app.test_client().post("/api/orders/", json={**ORDER, **body}, headers=buyer)

    return place


@pytest.fixture
def ask(app: Flask) -> Callable[[str], Any]:
    """The single value of a query."""

    def run(query: str) -> Any:
        with app.extensions["nexus"].db.engine.connect() as connection:
            return connection.execute(text(query)).scalar()

    return run
