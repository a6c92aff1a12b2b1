"""What the checkout does with a cart: lock it, and empty it into its next generation."""

import time
from threading import Event, Thread

import pytest
from flask import Flask
from nexus_cart.models import Cart, CartItem
from sqlalchemy import insert, literal, select, text, update

from nexus_kernel import new_id, services, transaction
from nexus_kernel.contracts.cart import CartLine, CartService
from nexus_kernel.testing import auth_headers, count_queries

ITEMS = "/api/cart/cart/items/"


@pytest.fixture
def person():
    return new_id()


@pytest.fixture
def buyer(app: Flask, person) -> dict[str, str]:
    return auth_headers(app, person_id=person)


def put_into(client, buyer, variant, quantity=1):
    body = {"variant_id": str(variant.id), "quantity": quantity}
    return client.post(ITEMS, json=body, headers=buyer)


def test_a_locked_cart_shows_its_lines_in_one_statement(app, client, person, buyer, catalog):
    first, second = catalog.add(), catalog.add()
    put_into(client, buyer, first, 2)
    put_into(client, buyer, second)
    with app.app_context(), count_queries(app) as queries, transaction():
        cart = services.get(CartService).lock(person)
        assert len(queries) == 2, str(queries)
    assert cart.generation == 1
    assert cart.lines == (
        CartLine(variant_id=first.id, quantity=2),
        CartLine(variant_id=second.id, quantity=1),
    )


def test_emptying_opens_the_next_generation_in_one_statement(app, client, person, buyer, catalog):
    put_into(client, buyer, catalog.add())
    with app.app_context(), transaction():
        carts = services.get(CartService)
        cart = carts.lock(person)
        with count_queries(app) as queries:
            carts.empty(cart.id, cart.generation)
        assert len(queries) == 1, str(queries)
        emptied = carts.lock(person)
    assert (emptied.id, emptied.generation, emptied.lines) == (cart.id, 2, ())


def test_emptying_is_undone_with_its_transaction(app, client, person, buyer, catalog):
    put_into(client, buyer, catalog.add())
    with pytest.raises(RuntimeError, match="on purpose"), app.app_context(), transaction():
        carts = services.get(CartService)
        cart = carts.lock(person)
        carts.empty(cart.id, cart.generation)
        raise RuntimeError("on purpose")
    assert len(client.get("/api/cart/cart/", headers=buyer).json["items"]) == 1


def test_what_was_added_while_the_checkout_waited_is_seen_under_the_lock(app, client, person, buyer, catalog):
    first, second = catalog.add(), catalog.add()
    put_into(client, buyer, first)
    holding, seen = Event(), []

    def check_out() -> None:
        holding.wait()
        with app.app_context(), transaction():
            seen.append(services.get(CartService).lock(person))

    waiting = Thread(target=check_out)
    waiting.start()
    with app.app_context(), transaction() as session:
        session.execute(_touch(person))
        holding.set()
        _wait_until_somebody_waits_for_a_lock(app)
        session.execute(_line(person, second.id))
    waiting.join()
    assert [line.variant_id for line in seen[0].lines] == [first.id, second.id]


def test_an_add_that_waited_for_a_checkout_opens_the_next_filling(app, client, person, buyer, catalog):
    variant = catalog.add()
    put_into(client, buyer, variant, 4)
    answers = []
    adding = Thread(target=lambda: answers.append(put_into(app.test_client(), buyer, variant, 3)))
    with app.app_context(), transaction():
        carts = services.get(CartService)
        cart = carts.lock(person)
        adding.start()
        _wait_until_somebody_waits_for_a_lock(app)
        carts.empty(cart.id, cart.generation)
    adding.join()
    assert answers[0].status_code == 201
    (line,) = client.get("/api/cart/cart/", headers=buyer).json["items"]
    assert line["quantity"] == 3


def _touch(person):
    return update(Cart).where(Cart.holder_id == person).values(version=Cart.version + 1)


def _line(person, variant_id):
    columns = ["id", "cart_id", "variant_id", "quantity", "unit_price_minor", "currency"]
    row = select(
        literal(new_id()), Cart.id, literal(variant_id), literal(1), literal(100), literal("ETB")
    ).where(Cart.holder_id == person)
    return insert(CartItem).from_select(columns, row)


def _wait_until_somebody_waits_for_a_lock(app: Flask) -> None:
    question = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(200):
        with app.extensions["nexus"].db.engine.connect() as connection:
            if connection.execute(question).scalar():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
