"""An order with coupons, a shipping fee and tax, in a shop of every plugin that has a price rule."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nexus_kernel.testing import StandInAccounts, StandInPayments, auth_headers

ADDRESS = {"address_line": "ቦሌ 7", "city": "አዲስ አበባ", "postal_code": "1000", "country": "ET"}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    names = ["catalog", "cart", "orders", "promotions", "shipping", "tax"]
    return [*names, StandInAccounts(), StandInPayments()]


@pytest.fixture
def keep(app: Flask, client: FlaskClient) -> Callable[..., Any]:
    """Staff POST this; the answer's body."""
    staff = auth_headers(app, "staff")

    def keep(url: str, **body: Any) -> Any:
        answer = client.post(url, json=body, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return keep


@pytest.fixture
def buyer(app: Flask, client: FlaskClient, keep) -> dict[str, str]:
    """Two lamps of 150.00 and a book of 50.00 in the cart; the post asks 80.00, the state 15 % of all."""
    band = {"country": "ET", "price": "80"}
    keep("/api/shipping/methods/", code="post", title="Post", currency="ETB", bands=[band])
    keep("/api/tax/rates/", country="ET", label="VAT", rate="0.15", included=False)
    buyer = auth_headers(app)
    for title, price, quantity in (("Lamp", "150", 2), ("Book", "50", 1)):
        product = keep("/api/catalog/products/", title=title, price=price, stock_quantity=9)
        body = {"product_id": product["id"], "quantity": quantity}
        assert client.post("/api/cart/cart/items/", json=body, headers=buyer).status_code == 201
        if title == "Lamp":
            lamp = [product["id"]]
    common = {"kind": "percentage", "is_combinable": True}
    keep("/api/promotions/coupons/", code="LAMPS20", percentage="20", product_ids=lamp, **common)
    keep("/api/promotions/coupons/", code="PARCEL", kind="free_shipping", is_combinable=True)
    return buyer


def test_the_tax_is_one_of_what_coupons_leave_of_lines_and_fee(client, buyer):
    checked = client.post("/api/promotions/coupons/check/", json={"code": "lamps20"}, headers=buyer)
    assert (checked.json["applies"], checked.json["discount"]) == (True, "60.00")
    asked = {"shipping": {"method": "post"}, "promotions": {"coupons": ["parcel", "lamps20"]}}
    body = {"shipping_address": ADDRESS, "payment_method": "cash", "extensions": asked}
    quote = client.post("/api/orders/quote/", json=body, headers=buyer).json
    answer = client.post("/api/orders/", json={**body, "expected_total": quote["total"]}, headers=buyer)
    assert answer.status_code == 201, answer.json
    order = answer.json
    # Lamps: 300.00 - 60.00, 36.00 tax. The book: 7.50 tax. No fee, so no tax on it.
    assert [(i["discount"], i["tax"], i["total"]) for i in order["items"]] == [
        ("60.00", "36.00", "276.00"),
        ("0.00", "7.50", "57.50"),
    ]
    totals = {name: order[name] for name in ("subtotal", "discount", "shipping", "tax", "total")}
    assert totals == {
        "subtotal": "350.00",
        "discount": "60.00",
        "shipping": "0.00",
        "tax": "43.50",
        "total": "333.50",
    }
    assert [(a["phase"], a["label"], a["amount"]) for a in order["adjustments"]] == [
        ("discount", "LAMPS20", "60.00"),
        ("shipping", "Post", "80.00"),
        ("shipping_discount", "PARCEL", "80.00"),
        ("tax", "VAT", "43.50"),
    ]
    assert client.get(answer.headers["Location"], headers=buyer).json == order


def test_a_quote_without_codes_is_as_before(client, buyer):
    body = {
        "shipping_address": ADDRESS,
        "payment_method": "cash",
        "extensions": {"shipping": {"method": "post"}},
    }
    assert client.post("/api/orders/quote/", json=body, headers=buyer).json["total"] == "494.50"
