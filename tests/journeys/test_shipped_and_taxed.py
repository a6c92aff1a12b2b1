"""An order with a shipping fee and tax, in a shop of the real catalog, carts and orders."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nexus_kernel.testing import StandInAccounts, StandInPayments, auth_headers, count_queries, in_threads

ADDRESS = {"address_line": "ቦሌ 7", "city": "አዲስ አበባ", "postal_code": "1000", "country": "ET"}
HOME = {"country": "ET", "max_weight_grams": 2000, "price": "80", "free_from": "1000"}
HEAVY = {"country": "ET", "min_weight_grams": 2000, "price": "150"}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", "cart", "orders", "shipping", "tax", StandInAccounts(), StandInPayments()]


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def buyer(app: Flask) -> dict[str, str]:
    return auth_headers(app)


@pytest.fixture
def keep(client: FlaskClient, staff: dict[str, str]) -> Callable[..., Any]:
    """Staff POST this; the answer's body."""

    def keep(url: str, **body: Any) -> Any:
        answer = client.post(url, json=body, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return keep


@pytest.fixture
def post(keep) -> Any:
    """The ways to ship: the post, by weight within Ethiopia, and a courier anywhere."""
    keep(
        "/api/shipping/methods/",
        code="courier",
        title="Courier",
        currency="ETB",
        position=1,
        bands=[{"price": "400"}],
    )
    return keep(
        "/api/shipping/methods/",
        code="post",
        title="ፖስታ",
        currency="ETB",
        min_days=2,
        max_days=5,
        bands=[HOME, HEAVY],
    )


@pytest.fixture
def vat(keep) -> Callable[..., Any]:
    """A tax of Ethiopia."""

    def vat(rate: str = "0.15", **fields: Any) -> Any:
        body = {"country": "ET", "label": "ተ.እ.ታ", "rate": rate, "included": False, **fields}
        return keep("/api/tax/rates/", **body)

    return vat


@pytest.fixture
def cart(client: FlaskClient, buyer: dict[str, str], keep) -> None:
    """Three lamps of 99.99 and 300 g, and a stool of 250.00 that weighs 1 kg."""
    for title, price, grams, quantity in (("ፋኖስ", "99.99", 300, 3), ("ወንበር", "250", 1000, 1)):
        product = keep(
            "/api/catalog/products/", title=title, price=price, weight_grams=grams, stock_quantity=9
        )
        body = {"product_id": product["id"], "quantity": quantity}
        assert client.post("/api/cart/cart/items/", json=body, headers=buyer).status_code == 201


@pytest.fixture
def order(app: Flask, buyer: dict[str, str], cart: None) -> Callable[..., Any]:
    """Orders the cart, or quotes it."""

    def order(
        method: str | None = None, *, url: str = "/api/orders/", address: Any = ADDRESS, **body: Any
    ) -> Any:
        chosen = {"extensions": {"shipping": {"method": method}}} if method else {}
        body = {"shipping_address": address, "payment_method": "cash", **chosen, **body}
        return app.test_client().post(url, json=body, headers=buyer)

    return order


def test_the_order_shows_what_it_is_made_of_and_keeps_it(client, buyer, staff, post, vat, order):
    rate = vat()
    answer = order("post")
    assert answer.status_code == 201, answer.json
    body = answer.json
    # 3 * 99.99 + 250.00 = 549.97; the parcel is 1,900 g. Tax: 45.00 (44.9955) + 37.50 + 12.00 on 80.00.
    assert {
        name: body[name] for name in ("subtotal", "discount", "shipping", "tax", "tax_included", "total")
    } == {
        "subtotal": "549.97",
        "discount": "0.00",
        "shipping": "80.00",
        "tax": "94.50",
        "tax_included": "0.00",
        "total": "724.47",
    }
    assert [(item["tax"], item["total"]) for item in body["items"]] == [
        ("45.00", "344.97"),
        ("37.50", "287.50"),
    ]
    assert body["adjustments"] == [
        {"phase": "shipping", "label": "ፖስታ", "amount": "80.00", "rate": None, "included": False},
        {"phase": "tax", "label": "ተ.እ.ታ", "amount": "94.50", "rate": "0.15", "included": False},
    ]
    shipped = {"method": "post", "title": "ፖስታ", "weight_grams": 1900, "min_days": 2, "max_days": 5}
    assert body["extensions"] == {"shipping": shipped}
    client.delete(f"/api/shipping/methods/{post['id']}/", headers=staff)
    client.delete(f"/api/tax/rates/{rate['id']}/", headers=staff)
    assert client.get(answer.headers["Location"], headers=buyer).json == body


def test_tax_that_prices_include_is_told_and_changes_nothing(post, vat, order):
    vat(included=True)
    body = order("post").json
    # 299.97 * 15 / 115 = 39.13; 250.00: 32.61; 80.00: 10.43.
    assert (body["tax"], body["tax_included"], body["total"]) == ("0.00", "82.17", "629.97")
    assert [(a["label"], a["amount"], a["included"]) for a in body["adjustments"]][1:] == [
        ("ተ.እ.ታ", "82.17", True)
    ]
    assert [item["tax"] for item in body["items"]] == ["0.00", "0.00"]


@pytest.mark.parametrize("nexus_config", [{"tax": {"rounding": "per_order"}}])
def test_per_order_the_tax_is_rounded_once(post, vat, order):
    vat("0.1")
    body = order("post").json
    # (549.97 + 80.00) / 10 = 62.997; the shares are 30.00 (29.997...), 25.00 and, for shipping, 8.00.
    assert body["tax"] == "63.00" and [item["tax"] for item in body["items"]] == ["30.00", "25.00"]


def test_a_quote_says_the_same_beforehand_and_what_is_missing(post, vat, order):
    vat()
    asked = order("post", url="/api/orders/quote/")
    assert asked.status_code == 200, asked.json
    assert (asked.json["shipping"], asked.json["tax"], asked.json["total"]) == ("80.00", "94.50", "724.47")
    assert asked.json["problems"] == []
    (problem,) = order(url="/api/orders/quote/").json["problems"]
    assert (problem["code"], problem["field"]) == ("shipping.method_required", "extensions.shipping.method")
    assert order("post", expected_total="724.47").status_code == 201


def test_what_the_shipping_quote_says_is_what_the_order_costs(client, buyer, post, order):
    quoted = client.post("/api/shipping/quote/", json={"country": "ET"}, headers=buyer).json
    prices = {method["code"]: method["price"] for method in quoted["methods"]}
    assert (quoted["weight_grams"], prices) == (1900, {"post": "80.00", "courier": "400.00"})
    assert order("courier").json["shipping"] == prices["courier"]


@pytest.mark.parametrize(
    ("method", "address", "code"),
    [
        (None, ADDRESS, "shipping.method_required"),
        ("ghost", ADDRESS, "shipping.method_unknown"),
        ("post", {**ADDRESS, "country": "KE"}, "shipping.not_available"),
    ],
)
def test_an_order_that_cannot_be_shipped_is_refused_and_nothing_happens(
    client, buyer, post, order, method, address, code
):
    refused = order(method, address=address)
    assert refused.status_code == 422, refused.json
    (error,) = refused.json["errors"]
    assert (error["path"], error["code"]) == ("extensions.shipping.method", code)
    assert client.get("/api/orders/", headers=buyer).json["count"] == 0
    assert len(client.get("/api/cart/cart/", headers=buyer).json["items"]) == 2


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"shipping": {"method": 5}}, "extensions.shipping.method"),
        ({"shipping": {"method": ""}}, "extensions.shipping.method"),
        ({"shipping": {"method": "x" * 51}}, "extensions.shipping.method"),
        ({"shipping": {"method": None}}, "extensions.shipping.method"),
        ({"shipping": {"price": "0"}}, "extensions.shipping.price"),
        ({"shipping": []}, "extensions.shipping"),
        ({"tax": {}}, "extensions.tax"),
        ({"tax": {"rate": "0"}}, "extensions.tax"),
    ],
)
def test_a_choice_of_another_shape_is_refused_by_name(post, vat, order, wrong, path):
    refused = order(extensions=wrong)
    assert refused.status_code == 422 and path in [error["path"] for error in refused.json["errors"]]


def test_the_only_method_that_goes_there_is_taken_by_itself(post, order):
    body = order(address={**ADDRESS, "country": "KE"}).json
    assert (body["shipping"], body["extensions"]["shipping"]["method"]) == ("400.00", "courier")
    assert body["tax"] == "0.00"


def test_a_shop_without_methods_and_rates_sells_as_before(order):
    body = order()
    assert body.status_code == 201, body.json
    assert (body.json["total"], body.json["adjustments"]) == ("549.97", [])


def test_shipping_and_tax_cost_a_checkout_no_query_once_they_are_known(app, client, buyer, post, vat, order):
    def statements() -> int:
        with count_queries(app) as queries:
            assert order("courier", url="/api/orders/quote/").status_code == 200
        return len(queries)

    vat()
    first = statements()
    assert first - statements() == 2, "the methods and the rates were read once"


def test_prices_that_change_at_once_with_orders_are_old_or_new_never_mixed(
    app, client, post, vat, order, staff, keep
):
    product = keep("/api/catalog/products/", title="Lamp", price="100", weight_grams=1, stock_quantity=50)
    url = f"/api/shipping/methods/{post['id']}/"
    buyers = [auth_headers(app) for _ in range(8)]
    for headers in buyers:
        client.post("/api/cart/cart/items/", json={"product_id": product["id"]}, headers=headers)

    def buy(headers):
        body = {
            "shipping_address": ADDRESS,
            "payment_method": "cash",
            "extensions": {"shipping": {"method": "post"}},
        }
        return app.test_client().post("/api/orders/", json=body, headers=headers)

    def change():
        bands = [{"price": "81", "country": "ET"}]
        return app.test_client().patch(url, json={"bands": bands, "title": "New"}, headers=staff)

    changed, *orders = in_threads([change, *(lambda headers=headers: buy(headers) for headers in buyers)])
    assert changed.status_code == 200 and {answer.status_code for answer in orders} == {201}
    shown = {(a.json["extensions"]["shipping"]["title"], a.json["shipping"]) for a in orders}
    assert shown <= {("ፖስታ", "80.00"), ("New", "81.00")}
