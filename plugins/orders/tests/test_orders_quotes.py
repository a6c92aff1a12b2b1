"""Quotes: what an order would cost, without one."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from nexus_kernel import Money, current_session
from nexus_kernel.contracts.orders import CheckoutProblem
from nexus_kernel.testing import count_queries

QUOTE, ETHIOPIA = "/api/orders/quote/", {"country": "ET"}
NOTHING = {"discount": "0.00", "shipping": "0.00", "tax": "0.00", "tax_included": "0.00"}


@pytest.fixture
def quote(client, person, buyer, carts, bazaar):
    """Fills the buyer's cart with (variant, quantity) pairs and asks what it would cost."""

    def ask(*lines, **body):
        if lines:
            carts.fill(person, {variant.id: quantity for variant, quantity in lines})
        return client.post(QUOTE, json={"shipping_address": ETHIOPIA, **body}, headers=buyer)

    return ask


def stored(app) -> int:
    with app.extensions["nexus"].db.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM orders_order")).scalar()


def test_a_quote_tells_every_amount_and_writes_nothing(app, quote, person, carts, catalog):
    lamp, soap = catalog.add(Money(1000, "ETB"), title="Lamp"), catalog.add(Money(250, "ETB"), title="Soap")
    answer = quote((lamp, 2), (soap, 1))
    assert answer.status_code == 200
    assert answer.json == {
        **{"currency": "ETB", "subtotal": "22.50", "total": "22.50", **NOTHING},
        "items": [_line(lamp, 2, "10.00", "20.00"), _line(soap, 1, "2.50", "2.50")],
        "adjustments": [],
        "problems": [],
    }
    assert stored(app) == 0 and not catalog.held and len(carts.carts[person].lines) == 2


def _line(variant, quantity, unit_price, total):
    return {
        "product_id": str(variant.product_id),
        "variant_id": str(variant.id),
        "sku": variant.sku,
        "title": variant.title,
        "quantity": quantity,
        "unit_price": unit_price,
        "line_total": total,
        "discount": "0.00",
        "tax": "0.00",
        "total": total,
    }


def test_an_order_at_the_quoted_total_is_that_quote(quote, order, catalog, bazaar, address):
    bazaar.discount.adds(333)
    bazaar.shipping.adds(500)
    bazaar.tax.adds(77)
    asked = {"extensions": {"bazaar": {"paper": "red"}}, "payment_method": "card"}
    quoted = quote((catalog.add(), 2), (catalog.add(Money(1, "ETB")), 1), shipping_address=address, **asked)
    answer = order(expected_total=quoted.json["total"], **asked)
    assert answer.status_code == 201
    placed = answer.json
    same = ("currency", "subtotal", "total", "adjustments", *NOTHING)
    assert {name: placed[name] for name in same} == {name: quoted.json[name] for name in same}
    for ordered in placed["items"]:
        del ordered["id"], ordered["shipped_quantity"]
    assert placed["items"] == quoted.json["items"]


def test_an_order_at_the_quoted_total_leaves_the_same_lines_out(quote, order, catalog):
    lamp, soap = catalog.add(Money(1000, "ETB")), catalog.add(Money(700, "ETB"), title="Soap")
    catalog.variants[soap.id] = replace(soap, is_active=False)
    quoted = quote((lamp, 1), (soap, 2)).json
    assert (quoted["total"], len(quoted["items"])) == ("10.00", 1)
    assert [(p["variant_id"], p["available"]) for p in quoted["problems"]] == [(str(soap.id), 0)]
    assert order(expected_total="10.00").json["total"] == "10.00"


def test_what_stands_in_the_way_is_told_and_not_raised(quote, catalog, bazaar):
    bazaar.guard.does = lambda quote: [
        CheckoutProblem(code="bazaar.too_far", message="We do not ship there.", field="shipping_address")
    ]
    yen = catalog.add(Money(1000, "JPY"), available=1, title="Lamp")
    answer = quote((yen, 2), payment_method="card")
    assert answer.status_code == 200 and answer.json["total"] == "2000"
    short, unpaid, far = answer.json["problems"]
    assert short == {
        "code": "orders.out_of_stock",
        "message": "Lamp: 2 requested, 1 available.",
        "field": "items",
        "variant_id": str(yen.id),
        "available": 1,
    }
    assert (unpaid["code"], unpaid["field"]) == ("unsupported_currency", "payment_method")
    assert far == {
        **{"code": "bazaar.too_far", "message": "We do not ship there.", "field": "shipping_address"},
        **{"variant_id": None, "available": None},
    }


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"shipping_address": {}}, "shipping_address.country"),
        ({"shipping_address": {"country": "ZZ"}}, "shipping_address.country"),
        ({"shipping_address": {"country": "ET", "street": "x"}}, "shipping_address.street"),
        ({"expected_total": "1.00"}, "expected_total"),
        ({"payment_method": "barter"}, "payment_method"),
        ({"extensions": {"foo": {}}}, "extensions.foo"),
        ({"extensions": {"bazaar": {"paper": "blue"}}}, "extensions.bazaar.paper"),
    ],
)
def test_a_bad_body_names_the_field(quote, catalog, change, path):
    refused = quote((catalog.add(), 1), **change)
    assert refused.status_code == 422
    assert path in [error["path"] for error in refused.json["errors"]]


def test_where_it_goes_is_needed_and_the_way_to_pay_is_not(client, buyer, quote, catalog):
    seen = quote((catalog.add(), 1))
    assert seen.status_code == 200
    refused = client.post(QUOTE, json={}, headers=buyer)
    assert [error["path"] for error in refused.json["errors"]] == ["shipping_address"]


def test_there_is_no_quote_of_nothing_and_none_of_nothing_that_is_for_sale(quote, catalog):
    assert quote().json["code"] == "orders.cart_empty"
    refused = quote((catalog.add(title="Soap", is_active=False), 1))
    assert refused.status_code == 409 and refused.json["lines"][0]["title"] == "Soap"


def test_a_quote_needs_a_person(client):
    assert client.post(QUOTE, json={}).status_code == 401


@pytest.mark.parametrize("broken", ["rule", "guard", "extension"])
def test_what_breaks_gives_no_quote(quote, catalog, bazaar, broken):
    part = {"rule": bazaar.tax, "guard": bazaar.guard}.get(broken)
    if part is None:
        bazaar.wrapping.does["prepare"] = lambda quote: 1 / 0
    else:
        part.does = lambda quote: 1 / 0
    assert quote((catalog.add(), 1)).status_code == 503


@pytest.mark.parametrize("lines", [1, 50])
def test_a_quote_takes_the_statements_of_its_extensions_and_no_others(app, quote, catalog, bazaar, lines):
    bazaar.wrapping.does["prepare"] = lambda quote: current_session().execute(text("SELECT 1")).scalar()
    variants = [(catalog.add(), 1) for _ in range(lines)]
    with count_queries(app) as queries:
        assert quote(*variants).status_code == 200
    assert queries.statements == ["SELECT 1"], str(queries)
    assert [step for step, *_ in bazaar.wrapping.calls] == ["prepare"]
