"""Where a deployment demands it, an order waits for a confirmed address, and a quote says so beforehand."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from nexus_kernel import transaction
from nexus_kernel.testing import StandInCart, StandInCatalog, StandInPayments

LOGIN = {"email": "selam@example.com", "password": "correct-horse-9"}
ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
_CART, _CATALOG = StandInCart(), StandInCatalog()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["accounts", "orders", _CART, _CATALOG, StandInPayments()]


@pytest.mark.parametrize("nexus_config", [{"accounts": {"require_verified_email": True}}])
def test_an_unconfirmed_address_is_a_problem_of_the_quote_and_refuses_the_order(
    app: Flask, client: FlaskClient
):
    assert (
        client.post("/api/auth/users/", json={**LOGIN, "re_password": LOGIN["password"]}).status_code == 201
    )
    access = client.post("/api/auth/jwt/create/", json=LOGIN).json["access"]
    buyer = {"Authorization": f"Bearer {access}"}
    me = UUID(client.get("/api/auth/users/me/", headers=buyer).json["id"])
    _CART.fill(me, {_CATALOG.add().id: 1})
    where, order = {"shipping_address": ADDRESS}, {"shipping_address": ADDRESS, "payment_method": "cash"}

    quote = client.post("/api/orders/quote/", json=where, headers=buyer)
    assert quote.status_code == 200
    assert [problem["code"] for problem in quote.json["problems"]] == ["accounts.email_not_verified"]
    refused = client.post("/api/orders/", json=order, headers=buyer)
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json["errors"]] == ["accounts.email_not_verified"]

    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE accounts_user SET email_verified_at = now()"))
    assert client.post("/api/orders/quote/", json=where, headers=buyer).json["problems"] == []
    assert client.post("/api/orders/", json=order, headers=buyer).status_code == 201
