"""A plugin of one folder adds a table, a price, a guard, a field of the order and routes."""

import pytest

from nexus_kernel.testing import auth_headers, count_queries

ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
GOLD = {"code": "gold", "title": "Gold", "fee": "25.00", "currency": "ETB"}


@pytest.fixture
def staff(app):
    return auth_headers(app, "staff")


@pytest.fixture
def buyer(app):
    return auth_headers(app)


@pytest.fixture
def order(app, client, staff, buyer):
    """Orders pieces of a lamp of 100.00 with these extensions."""

    def place(extensions, quantity=1):
        lamp = {"title": "Lamp", "price": "100.00", "currency": "ETB", "stock_quantity": 100}
        made = client.post("/api/catalog/products/", json=lamp, headers=staff).json
        put = {"product_id": made["id"], "quantity": quantity}
        assert client.post("/api/cart/cart/items/", json=put, headers=buyer).status_code == 201
        body = {"shipping_address": ADDRESS, "payment_method": "cash", "extensions": extensions}
        return client.post("/api/orders/", json=body, headers=buyer)

    return place


@pytest.fixture
def gold(client, staff):
    answer = client.post("/api/gift_wrap/papers/", json=GOLD, headers=staff)
    assert answer.status_code == 201, answer.json
    return answer.json


def wrapping(**given):
    return {"gift_wrap": {"paper": "gold", **given}}


def test_an_order_is_wrapped_paid_for_shown_and_packed(client, staff, buyer, order, gold):
    placed = order(wrapping(message="መልካም ልደት"))
    assert placed.status_code == 201, placed.json
    assert (placed.json["shipping"], placed.json["total"]) == ("25.00", "125.00")
    shown = {"gift_wrap": {"paper": "Gold", "message": "መልካም ልደት"}}
    assert placed.json["extensions"] == shown
    again = client.get(f"/api/orders/{placed.json['id']}/", headers=buyer).json
    assert again["extensions"] == shown
    (packed,) = client.get("/api/gift_wrap/wrappings/", headers=staff).json["results"]
    assert packed == {"order_id": placed.json["id"], "paper": "Gold", "message": "መልካም ልደት"}


def test_an_order_that_is_not_wrapped_is_as_it_was(client, staff, order, gold):
    placed = order({})
    assert placed.status_code == 201
    assert (placed.json["total"], placed.json["extensions"]) == ("100.00", {})
    assert client.get("/api/gift_wrap/wrappings/", headers=staff).json["results"] == []


@pytest.mark.parametrize(
    ("given", "pieces", "code"),
    [
        ({"paper": "silver"}, 1, "gift_wrap.unknown_paper"),
        ({}, 21, "gift_wrap.too_large"),
    ],
)
def test_the_guard_refuses_and_nothing_is_stored(client, staff, buyer, order, gold, given, pieces, code):
    refused = order(wrapping(**given), quantity=pieces)
    assert refused.status_code == 422
    (error,) = refused.json["errors"]
    assert (error["path"], error["code"]) == ("extensions.gift_wrap.paper", code)
    assert client.get("/api/orders/", headers=buyer).json["count"] == 0
    assert client.get("/api/gift_wrap/wrappings/", headers=staff).json["count"] == 0
    assert len(client.get("/api/cart/cart/", headers=buyer).json["items"]) == 1


@pytest.mark.parametrize("given", [{"message": "x" * 201}, {"paper": ""}, {"ribbon": True}])
def test_a_wish_of_another_shape_is_refused_by_name(order, gold, given):
    refused = order(wrapping(**given))
    (field,) = given
    assert refused.status_code == 422
    assert refused.json["errors"][0]["path"] == f"extensions.gift_wrap.{field}"


def test_papers_are_public_and_staff_offer_them_once(client, staff, buyer, gold):
    assert client.get("/api/gift_wrap/papers/").json["results"] == [GOLD]
    assert client.post("/api/gift_wrap/papers/", json=GOLD, headers=staff).status_code == 409
    assert client.post("/api/gift_wrap/papers/", json=GOLD, headers=buyer).status_code == 403
    odd = {**GOLD, "code": "odd", "fee": "0.001"}
    assert client.post("/api/gift_wrap/papers/", json=odd, headers=staff).status_code == 422


def test_the_document_of_the_shop_shows_the_part(client):
    schemas = client.get("/api/schema/").json["components"]["schemas"]
    assert {"GiftWrapWrap", "GiftWrapWrapped"} <= schemas.keys()


def test_wrapping_costs_two_statements_more(app, order, gold):
    plain, wrapped = [_statements(app, order, extensions) for extensions in ({}, wrapping())]
    assert wrapped == plain + 2


def _statements(app, order, extensions):
    with count_queries(app) as queries:
        assert order(extensions).status_code == 201
    return len(queries)
