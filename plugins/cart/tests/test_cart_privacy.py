"""A person's cart, told and forgotten."""

import orjson
import pytest

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.testing import auth_headers


@pytest.fixture
def handler(app):
    return app.extensions["nexus"].data_subjects["cart"]


@pytest.fixture
def filled(app, client, catalog):
    """A person with something in their cart."""

    def fill():
        person = new_id()
        variant = catalog.add()
        headers = auth_headers(app, person_id=person)
        body = {"variant_id": str(variant.id), "quantity": 2}
        assert client.post("/api/cart/cart/items/", json=body, headers=headers).status_code == 201
        return person, headers

    return fill


def export(app, handler, person):
    with app.app_context(), reading():
        return orjson.loads(orjson.dumps(handler.export(person)))


def test_the_export_lists_what_is_in_the_cart(app, handler, filled):
    person, _ = filled()
    (line,) = export(app, handler, person)["items"]
    assert (line["quantity"], line["unit_price"], line["currency"]) == (2, "250.00", "ETB")
    assert export(app, handler, new_id()) == {"items": []}


def test_erasing_empties_one_cart_and_twice_does_no_harm(app, client, handler, filled):
    (person, headers), (_, others) = filled(), filled()
    for _ in range(2):
        with app.app_context(), transaction():
            handler.erase(person)
        assert client.get("/api/cart/cart/", headers=headers).json["items"] == []
    assert len(client.get("/api/cart/cart/", headers=others).json["items"]) == 1


def test_a_merged_cart_is_the_persons_to_know_and_to_forget(app, client, handler, filled, guest, catalog):
    person, headers = filled()
    token = guest((catalog.add(), 3))["X-Cart-Token"]
    assert client.post("/api/cart/merge/", json={"token": token}, headers=headers).status_code == 200
    assert [line["quantity"] for line in export(app, handler, person)["items"]] == [2, 3]
    with app.app_context(), transaction():
        handler.erase(person)
    assert export(app, handler, person) == {"items": []}
    assert client.get("/api/cart/cart/", headers=headers).json["items"] == []


def test_a_guests_cart_is_nobodys(app, client, handler, filled, guest, catalog):
    person, _ = filled()
    headers = guest((catalog.add(), 1))
    with app.app_context(), transaction():
        handler.erase(person)
    assert len(client.get("/api/cart/cart/", headers=headers).json["items"]) == 1
