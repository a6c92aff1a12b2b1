"""Variants through cart and order: each has its own price and stock, and a retired one blocks nothing."""

from typing import Any

import pytest
from flask import Flask

from nexus_kernel.testing import auth_headers, count_queries, in_threads

CART = "/api/cart/cart/"


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def lamp(app: Flask, product, staff) -> list[dict[str, Any]]:
    """The variants of a lamp: red for 100.00 with 5 pieces, blue for 120.00 with 3."""
    client, url = app.test_client(), f"/api/catalog/products/{product(stock=5)['id']}/"
    options = [{"name": "Colour", "values": ["red", "blue"]}]
    assert client.put(f"{url}options/", json={"options": options}, headers=staff).status_code == 200
    blue = {"price": "120.00", "stock_quantity": 3, "option_values": {"Colour": "blue"}, "sku": "BLUE"}
    assert client.post(f"{url}variants/", json=blue, headers=staff).status_code == 201
    return client.get(url).json["variants"]


def add(client, buyer, variant, quantity: int = 1):
    return client.post(
        f"{CART}items/", json={"variant_id": variant["id"], "quantity": quantity}, headers=buyer
    )


def retire(client, staff, variant):
    shown = client.get(f"/api/catalog/variants/{variant['id']}/stock/", headers=staff).json
    url = f"/api/catalog/products/{shown['product_id']}/variants/{variant['id']}/"
    assert client.delete(url, headers=staff).status_code == 204
    return url


def test_a_cart_holds_two_variants_of_one_product_each_at_its_price(client, lamp, app, submit):
    buyer, (red, blue) = auth_headers(app), lamp
    assert add(client, buyer, red).status_code == add(client, buyer, blue, 2).status_code == 201
    cart = client.get(CART, headers=buyer).json
    assert {item["variant"]["sku"]: item["unit_price"] for item in cart["items"]} == {
        red["sku"]: "100.00",
        "BLUE": "120.00",
    }
    assert cart["total"] == "340.00" and len({item["product"]["id"] for item in cart["items"]}) == 1
    order = submit(buyer).json
    assert sorted(item["sku"] for item in order["items"]) == sorted([red["sku"], "BLUE"])
    assert order["total"] == "340.00"


def test_the_cart_counts_the_stock_of_the_variant(client, lamp, app):
    buyer, (red, blue) = auth_headers(app), lamp
    assert add(client, buyer, blue, 4).status_code == 409
    assert add(client, buyer, blue, 3).status_code == 201
    assert add(client, buyer, blue, 1).status_code == 409
    assert add(client, buyer, red, 5).status_code == 201


def test_a_retired_variant_in_a_cart_says_so_and_the_rest_is_ordered(client, lamp, app, staff, submit):
    buyer, (red, blue) = auth_headers(app), lamp
    add(client, buyer, red), add(client, buyer, blue)
    url = retire(client, staff, blue)
    cart = client.get(CART, headers=buyer).json
    issues = {item["variant"]["sku"]: [issue["code"] for issue in item["issues"]] for item in cart["items"]}
    assert issues == {red["sku"]: [], "BLUE": ["unavailable"]} and cart["total"] == "100.00"
    assert add(client, auth_headers(app), blue).status_code == 409
    order = submit(buyer, expected_total="100.00")
    assert order.status_code == 201 and [item["sku"] for item in order.json["items"]] == [red["sku"]]
    assert client.post(f"{url}restore/", headers=staff).status_code == 200
    assert add(client, buyer, blue).status_code == 201


def test_what_is_held_of_a_retired_variant_is_given_back_by_a_cancellation(client, lamp, app, staff, submit):
    buyer, (_, blue) = auth_headers(app), lamp
    add(client, buyer, blue, 2)
    order = submit(buyer).json
    retire(client, staff, blue)
    stock = f"/api/catalog/variants/{blue['id']}/stock/"
    assert client.get(stock, headers=staff).json["reserved"] == 2
    cancelled = client.post(f"/api/orders/{order['id']}/cancel/", json={"reason": "Changed"}, headers=buyer)
    assert cancelled.status_code == 200, cancelled.json
    shown = client.get(stock, headers=staff).json
    assert (shown["on_hand"], shown["reserved"], shown["is_active"]) == (3, 0, False)


def test_retiring_and_ordering_at_once_never_counts_wrong(client, lamp, app, staff, submit):
    buyer, (_, blue) = auth_headers(app), lamp
    add(client, buyer, blue, 2)
    shown = client.get(f"/api/catalog/variants/{blue['id']}/stock/", headers=staff).json
    url = f"/api/catalog/products/{shown['product_id']}/variants/{blue['id']}/"
    placed, retired = in_threads(
        [lambda: submit(buyer), lambda: app.test_client().delete(url, headers=staff)]
    )
    assert retired.status_code == 204 and placed.status_code in (201, 409)
    after = client.get(f"/api/catalog/variants/{blue['id']}/stock/", headers=staff).json
    assert after["reserved"] == (2 if placed.status_code == 201 else 0)


def test_a_fall_to_the_low_mark_costs_placing_no_statement(client, lamp, app, submit, ask):
    buyer, (red, blue) = auth_headers(app), lamp
    add(client, buyer, red, 3), add(client, buyer, blue, 1)
    with count_queries(app) as queries:
        assert submit(buyer).status_code == 201
    assert len(queries) == 8, str(queries)
    assert ask("SELECT count(*) FROM nexus_outbox WHERE name = 'catalog.stock_low'") == 2
