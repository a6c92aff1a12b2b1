"""What shipping would cost, asked before there is an order."""

import pytest

from nexus_kernel import Money, new_id
from nexus_kernel.testing import auth_headers, count_queries

URL = "/api/shipping/quote/"


@pytest.fixture
def ask(client, method):
    method("post", {"country": "ET", "max_weight_grams": 1000, "price": "50", "free_from": "600"})
    method("courier", {"country": "ET", "price": "120"}, {"price": "900"}, min_days=1, max_days=2, position=1)
    method("dollars", currency="USD")

    def ask(headers=None, **body):
        return client.post(URL, json={"country": "ET"} | body, headers=headers)

    return ask


def prices(answer) -> dict[str, str]:
    assert answer.status_code == 200, answer.json
    return {method["code"]: method["price"] for method in answer.json["methods"]}


def test_items_are_quoted_for_anybody(ask, catalog):
    lamp, box = catalog.add(weight_grams=300), catalog.add(Money(5000, "ETB"), weight_grams=100)
    items = [{"variant_id": str(lamp.id)}, {"product_id": str(box.product_id), "quantity": 2}]
    answer = ask(items=items, region="Oromia", postal_code="1000")
    assert prices(answer) == {"post": "50.00", "courier": "120.00"}
    assert answer.json["methods"][1] == {
        "code": "courier", "title": "Courier", "description": "", "min_days": 1, "max_days": 2,
        "price": "120.00",
    }  # fmt: skip
    assert {name: value for name, value in answer.json.items() if name != "methods"} == {
        "country": "ET", "weight_grams": 500, "subtotal": "350.00", "currency": "ETB", "required": True,
    }  # fmt: skip


def test_weight_place_and_worth_decide(ask, catalog):
    lamp = {"variant_id": str(catalog.add(weight_grams=300).id)}
    assert prices(ask(items=[lamp | {"quantity": 3}])) == {"post": "0.00", "courier": "120.00"}
    assert prices(ask(items=[lamp | {"quantity": 4}])) == {"courier": "120.00"}
    assert prices(ask(items=[lamp], country="JP")) == {"courier": "900.00"}


def test_without_items_it_is_the_callers_cart_without_what_is_not_for_sale(app, ask, catalog, carts):
    person = new_id()
    lamp, gone = catalog.add(weight_grams=300), catalog.add(is_active=False, weight_grams=5000)
    carts.fill(person, {lamp.id: 2, gone.id: 1, new_id(): 1})
    answer = ask(auth_headers(app, person_id=person))
    assert (answer.json["weight_grams"], answer.json["subtotal"]) == (600, "500.00")
    assert prices(answer) == {"post": "50.00", "courier": "120.00"}


def test_an_empty_cart_is_409(app, ask, catalog, carts):
    person = new_id()
    headers = auth_headers(app, person_id=person)
    assert ask(headers).json["code"] == "shipping.cart_empty"
    carts.fill(person, {catalog.add(is_active=False).id: 1})
    assert (ask(headers).status_code, ask(headers).json["code"]) == (409, "shipping.cart_empty")


def test_a_stranger_without_items_is_told_to_send_some(ask):
    answer = ask()
    assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "items"


def test_a_token_that_does_not_hold_is_401(ask):
    assert ask({"Authorization": "Bearer x"}).status_code == 401


def test_what_is_not_for_sale_is_named(ask, catalog):
    lamp, gone = catalog.add(), catalog.add(is_active=False)
    items = [{"variant_id": str(lamp.id)}, {"product_id": str(gone.product_id)}]
    assert ask(items=items).json["errors"][0]["path"] == "items[1].product_id"
    answer = ask(items=[{"variant_id": str(new_id())}])
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "items[0].variant_id")


def test_items_of_two_currencies_are_refused(ask, catalog):
    items = [{"variant_id": str(catalog.add(price).id)} for price in (Money(1, "ETB"), Money(1, "USD"))]
    assert ask(items=items).json["errors"][0]["path"] == "items"
    assert prices(ask(items=items[1:])) == {"dollars": "80.00"}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"country": "XX"}, "country"),
        ({"country": None}, "country"),
        ({"region": 5}, "region"),
        ({"postal_code": "x" * 21}, "postal_code"),
        ({"items": []}, "items"),
        ({"items": {}}, "items"),
        ({"items": [1]}, "items[0]"),
        ({"items": [{}]}, "items[0].product_id"),
        ({"items": [{"variant_id": "x"}]}, "items[0].variant_id"),
        ({"items": [{"variant_id": str(new_id()), "quantity": 0}]}, "items[0].quantity"),
        ({"items": [{"variant_id": str(new_id()), "quantity": "2"}]}, "items[0].quantity"),
        ({"items": [{"variant_id": str(new_id()), "quantity": 2**31}]}, "items[0].quantity"),
        ({"items": [{"variant_id": str(new_id()), "product_id": str(new_id())}]}, "items[0].product_id"),
        ({"items": [{"variant_id": str(new_id())}] * 501}, "items"),
        ({"price": "0"}, "price"),
    ],
)
def test_what_cannot_be_is_refused_by_name(ask, wrong, path):
    answer = ask(**wrong)
    assert answer.status_code == 422 and path in [error["path"] for error in answer.json["errors"]]


def test_it_is_one_query_of_its_own_and_then_none_whatever_is_quoted(app, ask, catalog):
    few = [{"variant_id": str(catalog.add().id)}]
    many = few + [{"product_id": str(catalog.add().product_id)} for _ in range(40)]
    for items, country, own in ((few, "ET", 1), (many, "ET", 0), (many, "KE", 1), (few, "KE", 0)):
        with count_queries(app) as queries:
            prices(ask(items=items, country=country))
        assert len(queries) == own, str(queries)


@pytest.mark.parametrize("nexus_config", [{"shipping": {"quote_rate": "3/minute"}}])
def test_strangers_may_ask_so_often_only(ask, catalog):
    items = [{"variant_id": str(catalog.add().id)}]
    answers = [ask(items=items).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("nexus_config", [{"shipping": {"required": False}}])
def test_a_shop_that_need_not_ship_says_so(ask, catalog):
    assert ask(items=[{"variant_id": str(catalog.add().id)}]).json["required"] is False


def test_a_shop_without_methods_requires_none(client, catalog):
    body = {"country": "ET", "items": [{"variant_id": str(catalog.add().id)}]}
    answer = client.post(URL, json=body).json
    assert (answer["required"], answer["methods"]) == (False, [])
