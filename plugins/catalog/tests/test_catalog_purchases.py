"""Verified purchases: told by events of orders, whoever takes the orders."""

import msgspec
import pytest
from flask import Flask
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import Purchase
from nexus_catalog.services.purchases import record_purchases
from nexus_catalog.services.reviews import create_review
from sqlalchemy import select

from nexus_kernel import Money, new_id, publish, reading, transaction
from nexus_kernel.contracts.orders import OrderCompleted, OrderLineView
from nexus_kernel.events import decode
from nexus_kernel.testing import auth_headers, drain
from nexus_kernel.testing.fixtures import make_app

URL = "/api/catalog/products/lantern/reviews/"


@pytest.fixture
def buyer():
    return new_id()


@pytest.fixture
def header(app, buyer):
    return auth_headers(app, person_id=buyer)


def completed(buyer, *variants) -> OrderCompleted:
    price = Money(25000, "ETB")
    lines = tuple(
        OrderLineView(
            title=v.title, sku=v.sku, quantity=1, unit_price=price, total=price,
            variant_id=v.id, product_id=v.product_id,
        )
        for v in variants
    )  # fmt: skip
    return OrderCompleted(order_id=new_id(), number="NX-1", user_id=buyer, lines=lines)


def deliver(app: Flask, *events: OrderCompleted) -> None:
    with app.app_context(), transaction():
        for event in events:
            publish(event)
    drain(app)


def bought(app: Flask) -> set:
    with app.app_context(), reading() as session:
        return {tuple(row) for row in session.execute(select(Purchase.person_id, Purchase.product_id))}


def test_who_has_received_a_product_writes_as_a_buyer(app, client, sell, review, buyer, header):
    lantern = sell()
    review(body="stranger")
    deliver(app, completed(buyer, lantern))
    assert review(body="buyer", headers=header).json["is_verified_purchase"] is True
    assert [row["body"] for row in client.get(f"{URL}?verified=1").json["results"]] == ["buyer"]
    assert [row["body"] for row in client.get(f"{URL}?verified=0").json["results"]] == ["stranger"]


def test_a_purchase_after_the_review_marks_it(app, client, sell, review, buyer, header):
    lantern = sell()
    made = review(headers=header).json
    deliver(app, completed(buyer, lantern))
    shown = client.get(f"{URL}{made['id']}/").json
    assert shown == made | {"is_verified_purchase": True}


def test_a_purchase_of_another_product_or_person_marks_nothing(app, sell, review, buyer, header):
    sell()
    basket = sell("Basket")
    deliver(app, completed(buyer, basket))
    assert review(headers=header).json["is_verified_purchase"] is False
    assert review("basket").json["is_verified_purchase"] is False


def test_orders_again_and_events_again_are_one_purchase(app, sell, buyer):
    lantern, basket = sell(), sell("Basket")
    event = completed(buyer, lantern, basket)
    deliver(app, event, event, completed(buyer, lantern))
    assert bought(app) == {(buyer, lantern.product_id), (buyer, basket.product_id)}


def test_products_of_which_the_catalog_knows_nothing_are_passed_over(app, sell, buyer):
    lantern = sell()
    with app.app_context(), transaction() as session:
        record_purchases(session, buyer, {new_id(), lantern.product_id})
        record_purchases(session, buyer, set())
    assert bought(app) == {(buyer, lantern.product_id)}


def test_lines_without_ids_are_passed_over(app, buyer):
    price = Money(100, "ETB")
    line = OrderLineView(title="Mug", sku="M", quantity=1, unit_price=price, total=price)
    deliver(app, OrderCompleted(order_id=new_id(), number="NX-1", user_id=buyer, lines=(line,)))
    assert bought(app) == set()


def test_a_review_beside_an_uncommitted_purchase_is_a_buyers(sell, review, buyer, header, overtaken):
    lantern = sell()
    answer = overtaken(
        lambda session: record_purchases(session, buyer, {lantern.product_id}),
        lambda: review(headers=header),
    )
    assert answer.json["is_verified_purchase"] is True


def test_a_purchase_beside_an_uncommitted_review_marks_it(app, client, sell, buyer, header, overtaken):
    lantern = sell()

    def record():
        with app.app_context(), transaction() as session:
            record_purchases(session, buyer, {lantern.product_id})

    overtaken(
        lambda session: create_review(session, "lantern", buyer, {"rating": 5}, CatalogConfig()), record
    )
    assert client.get(URL, headers=header).json["own"]["is_verified_purchase"] is True


def test_a_shop_may_take_reviews_from_buyers_alone(nexus_engines, database_url, nexus_plugins, sell, buyer):
    lantern = sell()
    strict = {"catalog": {"reviews_require_purchase": "true"}}
    app = make_app(nexus_engines, database_url, nexus_plugins, strict)
    client, header = app.test_client(), auth_headers(app, person_id=buyer)
    refused = client.post(URL, json={"rating": 5}, headers=header)
    assert (refused.status_code, refused.json["code"]) == (403, "catalog.purchase_required")
    with app.app_context(), transaction() as session:
        record_purchases(session, buyer, {lantern.product_id})
    assert client.post(URL, json={"rating": 5}, headers=header).status_code == 201
    app.extensions["nexus"].db.close()


def test_events_of_orders_from_before_their_lines_had_ids_are_read():
    price = {"minor": 100, "currency": "ETB"}
    old = {"title": "Mug", "sku": "M", "quantity": 1, "unit_price": price, "total": price}
    line = msgspec.convert(old, OrderLineView)
    assert (line.variant_id, line.product_id, line.total) == (None, None, Money(100, "ETB"))
    payload = {"order_id": str(new_id()), "number": "N", "user_id": str(new_id()), "lines": [old]}
    assert decode(OrderCompleted, payload).lines == (line,)
