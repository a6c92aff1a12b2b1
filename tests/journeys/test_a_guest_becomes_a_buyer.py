"""A guest fills a cart, signs in, takes it over and orders it, with the real catalog and orders."""

from collections.abc import Sequence

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nexus_kernel.testing import StandInPayments, auth_headers, count_queries, drain

CART, ITEMS, TOKEN = "/api/cart/cart/", "/api/cart/cart/items/", "X-Cart-Token"
LOGIN = {"email": "almaz@example.com", "password": "correct-horse-9"}
ADDRESS = {"address_line": "Jimma Road 12", "city": "Adama", "postal_code": "1888", "country": "ET"}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["accounts", "catalog", "cart", "orders", "notifications", StandInPayments()]


@pytest.fixture
def lamps(app: Flask, client: FlaskClient) -> list[str]:
    """The ids of two products of which five are left."""
    body = {"price": "100.00", "currency": "ETB", "stock_quantity": 5}
    staff = auth_headers(app, "staff")
    return [
        client.post("/api/catalog/products/", json={**body, "title": title}, headers=staff).json["id"]
        for title in ("Lamp", "Lantern")
    ]


@pytest.fixture
def almaz(app: Flask, client: FlaskClient) -> dict[str, str]:
    """The headers of somebody who registered and signed in."""
    body = {**LOGIN, "re_password": LOGIN["password"]}
    assert client.post("/api/auth/users/", json=body).status_code == 201
    drain(app)
    access = client.post("/api/auth/jwt/create/", json=LOGIN).json["access"]
    return {"Authorization": f"Bearer {access}"}


def put(client: FlaskClient, headers: dict[str, str], product_id: str, quantity: int):
    return client.post(ITEMS, json={"product_id": product_id, "quantity": quantity}, headers=headers)


def test_a_guest_signs_in_and_orders_what_both_carts_held(client: FlaskClient, lamps, almaz):
    put(client, almaz, lamps[0], 3)
    guest = {TOKEN: put(client, {}, lamps[0], 4).headers[TOKEN]}
    put(client, guest, lamps[1], 1)
    merged = client.post("/api/cart/cart/merge/", json={"token": guest[TOKEN]}, headers=almaz).json
    assert [line["quantity"] for line in merged["items"]] == [5, 1]
    assert [(c["requested"], c["quantity"]) for c in merged["capped"]] == [(7, 5)]
    body = {"shipping_address": ADDRESS, "payment_method": "cash", "expected_total": merged["total"]}
    order = client.post("/api/orders/", json=body, headers=almaz)
    assert order.status_code == 201 and order.json["total"] == "600.00"
    assert client.get(CART, headers=almaz).json["items"] == []
    assert client.get(CART, headers=guest).json["code"] == "cart.token_unknown"
    late = put(client, {}, lamps[0], 1)
    assert (late.status_code, late.json["available"]) == (409, 0)


def test_a_cart_takes_two_queries_for_guests_and_people(app: Flask, client: FlaskClient, lamps, almaz):
    guest = {TOKEN: put(client, {}, lamps[0], 1).headers[TOKEN]}
    put(client, almaz, lamps[0], 1)
    for headers in (guest, almaz):
        with count_queries(app) as adding:
            line = put(client, headers, lamps[1], 1).json["id"]
        with count_queries(app) as looking:
            client.get(CART, headers=headers)
        with count_queries(app) as changing:
            client.patch(f"{ITEMS}{line}/", json={"quantity": 2}, headers=headers)
        assert (len(adding), len(looking), len(changing)) == (2, 2, 4), f"{adding}\n{looking}\n{changing}"
    with count_queries(app) as opening:
        put(client, {}, lamps[1], 1)
    assert len(opening) == 2, str(opening)


def test_an_api_key_without_the_scope_is_no_guest(client: FlaskClient, lamps, almaz):
    def key(*scopes: str) -> dict[str, str]:
        body = {"name": "till", "scopes": list(scopes)}
        answer = client.post("/api/accounts/api_keys/", json=body, headers=almaz)
        assert answer.status_code == 201, answer.json
        return {"Authorization": f"ApiKey {answer.json['key']}"}

    narrow, wide = key("orders.use"), key("cart.use")
    assert [client.get(CART, headers=headers).status_code for headers in (narrow, wide)] == [403, 200]
    assert put(client, narrow, lamps[0], 1).status_code == 403
    assert put(client, wide, lamps[0], 1).status_code == 201
    assert client.get(CART, headers=almaz).json["items"][0]["quantity"] == 1
