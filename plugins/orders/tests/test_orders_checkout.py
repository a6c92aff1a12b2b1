"""Placing an order: once, whole, at a total that sums, and in a bounded number of statements."""

import logging
import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from nexus_orders import errors
from sqlalchemy import text

from nexus_kernel import Money, migrations
from nexus_kernel.contracts.catalog import Shortage
from nexus_kernel.contracts.orders import Adjustment, CheckoutProblem, OrderLineView
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import count_queries

ORDERS = "/api/orders/"


def count(app, table: str) -> int:
    with app.extensions["nexus"].db.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_the_tables_are_those_of_the_models(app):
    assert migrations.check(app) == []


def test_an_order_freezes_what_was_in_the_cart(app, client, person, buyer, order, catalog, carts):
    lamp, soap = catalog.add(Money(25050, "ETB"), title="Lamp"), catalog.add(Money(999, "ETB"), title="Soap")
    answer = order((lamp, 2), (soap, 3))
    assert answer.status_code == 201
    placed = answer.json
    assert re.fullmatch(r"NX-[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}", placed["number"])
    assert (placed["status"], placed["payment_status"]) == ("pending", "pending")
    assert (placed["subtotal"], placed["discount"], placed["total"]) == ("530.97", "0.00", "530.97")
    assert [(i["title"], i["quantity"], i["unit_price"], i["line_total"]) for i in placed["items"]] == [
        ("Lamp", 2, "250.50", "501.00"),
        ("Soap", 3, "9.99", "29.97"),
    ]
    assert answer.headers["Location"] == f"{ORDERS}{placed['id']}/"
    assert client.get(answer.headers["Location"], headers=buyer).json == placed
    assert carts.carts[person].lines == ()
    assert catalog.held == {f"order:{placed['id']}": {lamp.id: 2, soap.id: 3}}


def test_a_placed_order_is_announced_with_its_lines(app, order, catalog):
    variant = catalog.add(Money(500, "ETB"), title="Lamp")
    placed = order((variant, 2)).json
    with app.app_context(), app.extensions["nexus"].db.transaction() as session:
        (event,) = session.query(OutboxEvent).all()
    assert event.name == "orders.placed" and event.payload["number"] == placed["number"]
    line = OrderLineView(
        title="Lamp", sku=variant.sku, quantity=2, unit_price=Money(500, "ETB"), total=Money(1000, "ETB")
    )
    assert event.payload["lines"][0]["title"] == line.title
    assert event.payload["lines"][0]["total"] == {"minor": 1000, "currency": "ETB"}
    told = (event.payload["lines"][0]["variant_id"], event.payload["lines"][0]["product_id"])
    assert told == (str(variant.id), str(variant.product_id))


@pytest.mark.parametrize("lines", [1, 50])
def test_placing_takes_the_same_four_statements_of_its_own(app, order, catalog, lines):
    variants = [(catalog.add(), 1) for _ in range(lines)]
    with count_queries(app) as queries:
        assert order(*variants).status_code == 201
    words = [statement.split()[0] for statement in queries.statements]
    assert words == ["BEGIN", "WITH", "WITH", "COMMIT"], str(queries)


def test_a_changed_price_or_title_does_not_reach_the_order(client, buyer, order, catalog):
    variant = catalog.add(Money(1000, "ETB"), title="Lamp")
    placed = order((variant, 1)).json
    catalog.variants[variant.id] = replace(variant, price=Money(9, "ETB"), title="Torch")
    assert client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json == placed


def test_an_empty_cart_is_not_ordered(app, order, catalog, carts, person):
    for _ in range(2):
        refused = order()
        assert refused.status_code == 409 and refused.json["code"] == "orders.cart_empty"
        carts.fill(person, {})
    assert count(app, "orders_order") == 0


def test_a_shortage_names_each_line_and_changes_nothing(app, person, order, catalog, carts):
    few, gone = catalog.add(available=2, title="Lamp"), catalog.add(title="Soap", is_active=False)
    refused = order((few, 3), (gone, 1), (catalog.add(), 1))
    assert refused.status_code == 409 and refused.content_type == "application/problem+json"
    assert refused.json["code"] == "orders.out_of_stock"
    assert refused.json["lines"] == [
        {"variant_id": str(few.id), "title": "Lamp", "requested": 3, "available": 2},
        {"variant_id": str(gone.id), "title": "Soap", "requested": 1, "available": 0},
    ]
    assert count(app, "orders_order") == 0 and len(carts.carts[person].lines) == 3 and not catalog.held


@pytest.mark.parametrize("erased", [True, False])
def test_an_order_at_the_total_shown_leaves_out_what_is_not_for_sale_any_more(
    app, client, buyer, person, order, catalog, carts, erased
):
    soap, lamp = catalog.add(Money(700, "ETB"), title="Soap"), catalog.add(Money(1000, "ETB"), title="Lamp")
    catalog.variants[soap.id] = replace(soap, is_active=False)
    if erased:
        del catalog.variants[soap.id]
    refused = order((soap, 1), (lamp, 2))
    assert refused.status_code == 409 and [line["available"] for line in refused.json["lines"]] == [0]
    assert order(expected_total="27.00").json["code"] == "orders.total_changed"
    placed = order(expected_total="20.00")
    assert placed.status_code == 201 and [i["title"] for i in placed.json["items"]] == ["Lamp"]
    url = f"/api/orders/{placed.json['id']}/history/"
    (first,) = client.get(url, headers=buyer).json["results"]
    assert ("a product that was deleted" if erased else "Soap") in first["reason"]
    assert carts.carts[person].lines == () and len(catalog.held) == 1


def test_a_cart_of_nothing_that_is_for_sale_is_refused_by_name(order, catalog):
    refused = order((catalog.add(title="Soap", is_active=False), 1), expected_total="0.00")
    assert refused.status_code == 409 and refused.json["lines"][0]["title"] == "Soap"


def test_a_shortage_that_only_the_reservation_sees_leaves_nothing(
    app, person, order, catalog, carts, monkeypatch
):
    variant = catalog.add(title="Lamp")
    short = (Shortage(variant_id=variant.id, requested=2, available=1),)
    monkeypatch.setattr(catalog, "reserve", lambda quantities, reference: short)
    refused = order((variant, 2))
    assert refused.status_code == 409 and refused.json["lines"][0]["available"] == 1
    for table in ("orders_order", "orders_item", "orders_history", "nexus_outbox"):
        assert count(app, table) == 0
    assert len(carts.carts[person].lines) == 1


def test_a_variant_that_the_catalog_forgot_is_a_shortage(order, catalog):
    variant = catalog.add()
    kept = dict(catalog.variants)
    catalog.variants.clear()
    refused = order((variant, 1))
    catalog.variants.update(kept)
    assert refused.status_code == 409 and refused.json["code"] == "orders.out_of_stock"


def test_the_expected_total_is_compared(order, catalog):
    variant = catalog.add(Money(1000, "ETB"))
    refused = order((variant, 2), expected_total="19.99")
    assert refused.status_code == 409 and refused.json["code"] == "orders.total_changed"
    assert (refused.json["total"], refused.json["currency"]) == ("20.00", "ETB")
    assert order((variant, 2), expected_total="20").status_code == 201


def test_an_expected_total_with_too_many_decimals_is_refused(order, catalog):
    refused = order((catalog.add(Money(1000, "ETB")), 1), expected_total="10.001")
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "expected_total"


def test_a_way_to_pay_that_is_not_offered_is_refused(order, catalog):
    refused = order((catalog.add(), 1), payment_method="barter")
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "payment_method"


def test_a_way_to_pay_must_take_the_currency(order, catalog):
    yen = catalog.add(Money(1000, "JPY"))
    refused = order((yen, 1), payment_method="card")
    assert refused.status_code == 422 and refused.json["errors"][0]["code"] == "unsupported_currency"
    paid_in_cash = order((yen, 1), payment_method="cash")
    assert paid_in_cash.status_code == 201 and paid_in_cash.json["total"] == "1000"


def test_currencies_are_not_mixed(order, catalog):
    refused = order((catalog.add(Money(1, "ETB")), 1), (catalog.add(Money(1, "USD")), 1))
    assert refused.status_code == 409 and refused.json["code"] == "orders.mixed_currency"


def test_a_total_past_the_largest_amount_is_refused(order, catalog):
    refused = order((catalog.add(Money(10**15, "ETB")), 2))
    assert refused.status_code == 409 and refused.json["code"] == "orders.total_out_of_range"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"shipping_address": None}, "shipping_address"),
        ({"shipping_address": "Bole"}, "shipping_address"),
        ({"shipping_address": {}}, "shipping_address.address_line"),
        ({"payment_method": None}, "payment_method"),
        ({"payment_method": ""}, "payment_method"),
        ({"payment_method": 7}, "payment_method"),
        ({"payment_method": "card\u0000"}, "payment_method"),
        ({"expected_total": 10}, "expected_total"),
        ({"expected_total": "-1"}, "expected_total"),
        ({"expected_total": "1e3"}, "expected_total"),
        ({"total": "0.01"}, "total"),
        ({"status": "paid"}, "status"),
        ({"items": []}, "items"),
    ],
)
def test_a_bad_body_names_the_field_and_stores_nothing(app, order, catalog, change, path):
    refused = order((catalog.add(), 1), **change)
    assert refused.status_code == 422
    assert path in [error["path"] for error in refused.json["errors"]]
    assert count(app, "orders_order") == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "Ethiopia"),
        ("country", "et"),
        ("country", "ZZ"),
        ("country", ""),
        ("city", ""),
        ("city", "   "),
        ("city", "x" * 101),
        ("address_line", "a\u0000b"),
        ("address_line", ["a"]),
        ("postal_code", None),
        ("phone", "1" * 31),
        ("region", 7),
        ("recipient", "a\nb"),
        ("street", "Bole"),
    ],
)
def test_a_bad_address_names_the_field(order, catalog, address, field, value):
    refused = order((catalog.add(), 1), shipping_address={**address, field: value})
    assert 400 <= refused.status_code < 500
    if refused.status_code == 422:
        assert f"shipping_address.{field}" in [error["path"] for error in refused.json["errors"]]


@pytest.mark.parametrize(
    "data",
    [
        b"[1]",
        b'"x"',
        b"",
        b"{",
        b"null",
        b'{"expected_total": NaN}',
        b"\xff",
        b'{"payment_method": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_object_is_refused(client, buyer, catalog, data):
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        answer = client.post(ORDERS, data=data, content_type=content_type, headers=buyer)
        assert 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"


def test_an_order_expires_after_the_methods_term_and_a_margin(order, catalog):
    card = order((catalog.add(), 1)).json
    assert _minutes(card) == 45
    assert order((catalog.add(), 1), payment_method="cash").json["expires_at"] is None


def _minutes(placed):
    placed_at, expires_at = (datetime.fromisoformat(placed[name]) for name in ("placed_at", "expires_at"))
    return (expires_at - placed_at).total_seconds() / 60


# -- price rules and guards


def test_rules_run_by_phase_and_see_the_amounts_before_them(order, catalog, bazaar):
    seen = {}

    def tax(quote):
        seen["tax"] = quote
        return [Adjustment(label="VAT", amount=(quote.subtotal - quote.discount).times(rate), rate=rate)]

    rate = Decimal("0.15")
    bazaar.discount.adds(1000, "Welcome")
    bazaar.shipping.adds(500, "Courier")
    bazaar.tax.does = tax
    placed = order((catalog.add(Money(10000, "ETB")), 1)).json
    assert (seen["tax"].discount.minor, seen["tax"].shipping.minor) == (1000, 500)
    amounts = [placed[name] for name in ("subtotal", "discount", "shipping", "tax", "total")]
    assert amounts == ["100.00", "10.00", "5.00", "13.50", "108.50"]
    assert placed["adjustments"] == [
        {"phase": "discount", "label": "Welcome", "amount": "10.00", "rate": None, "included": False},
        {"phase": "shipping", "label": "Courier", "amount": "5.00", "rate": None, "included": False},
        {"phase": "tax", "label": "VAT", "amount": "13.50", "rate": "0.15", "included": False},
    ]


def test_adjustments_are_read_back_as_they_were_placed(client, buyer, order, catalog, bazaar):
    bazaar.discount.adds(100)
    placed = order((catalog.add(), 1)).json
    assert client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json == placed


def test_discounts_never_pass_the_subtotal_and_a_free_order_is_paid(order, catalog, bazaar):
    bazaar.discount.adds(700, "First")
    bazaar.coupon.adds(700, "Second")
    placed = order((catalog.add(Money(1000, "ETB")), 1)).json
    assert (placed["discount"], placed["total"]) == ("10.00", "0.00")
    assert [a["amount"] for a in placed["adjustments"]] == ["7.00", "3.00"]
    assert (placed["status"], placed["payment_status"], placed["expires_at"]) == ("confirmed", "paid", None)


@pytest.mark.parametrize(
    "does",
    [
        lambda quote: 1 / 0,
        lambda quote: [Adjustment(label="less than nothing", amount=Money(-1, quote.currency))],
        lambda quote: [Adjustment(label="foreign", amount=Money(1, "JPY"))],
        lambda quote: [7],
        lambda quote: None,
    ],
)
def test_a_rule_that_breaks_refuses_the_checkout(app, order, catalog, bazaar, does, caplog):
    bazaar.shipping.does = does
    logging.getLogger("nexus").propagate = True
    refused = order((catalog.add(), 1))
    logging.getLogger("nexus").propagate = False
    assert refused.status_code == 503 and refused.json["code"] == "orders.price_rule_failed"
    assert "bazaar.shipping" in caplog.text
    assert count(app, "orders_order") == 0 and not catalog.held


def test_a_guards_problems_refuse_the_checkout(app, order, catalog, bazaar):
    problem = CheckoutProblem(
        code="bazaar.too_far", message="We do not ship there.", field="shipping_address.country"
    )
    bazaar.guard.does = lambda quote: [problem]
    refused = order((catalog.add(), 1))
    assert refused.status_code == 422 and refused.json["code"] == "orders.checkout_refused"
    assert refused.json["errors"] == [
        {"path": problem.field, "code": problem.code, "message": problem.message}
    ]
    assert count(app, "orders_order") == 0 and not catalog.held


@pytest.mark.parametrize("does", [lambda quote: 1 / 0, lambda quote: None, lambda quote: ["no"]])
def test_a_guard_that_breaks_lets_nothing_pass(order, catalog, bazaar, does):
    bazaar.guard.does = does
    refused = order((catalog.add(), 1))
    assert refused.status_code == 503 and refused.json["code"] == "orders.checkout_guard_failed"


# -- twice


def test_the_same_key_gives_the_same_order(app, order, catalog, carts, person):
    variant = catalog.add()
    key = {"Idempotency-Key": "one"}
    first = order((variant, 1), headers=key)
    carts.fill(person, {variant.id: 5})
    second = order(headers=key)
    assert (first.status_code, second.status_code) == (201, 201) and first.data == second.data
    assert count(app, "orders_order") == 1
    assert order(headers=key, payment_method="cash").status_code == 422


def test_one_filling_of_a_cart_is_ordered_once_whatever_the_cart_says(app, person, order, catalog, carts):
    variant = catalog.add()
    order((variant, 1))
    carts.carts[person] = replace(carts.fill(person, {variant.id: 1}), generation=1)
    refused = order()
    assert refused.status_code == 409 and refused.json["code"] == errors.AlreadyPlaced.code
    assert count(app, "orders_order") == 1


def test_a_taken_number_is_drawn_again(order, catalog, monkeypatch):
    numbers = iter(["NX-2222-2222", "NX-2222-2222", "NX-3333-3333"])
    monkeypatch.setattr("nexus_orders.services.checkout.new_number", lambda: next(numbers))
    assert order((catalog.add(), 1)).json["number"] == "NX-2222-2222"
    assert order((catalog.add(), 1)).json["number"] == "NX-3333-3333"
