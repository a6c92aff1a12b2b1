"""A person buys, leaves, and is found nowhere any more; what they bought is still in the books."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from nexus_kernel import reading
from nexus_kernel.testing import StandInPayments, auth_headers, drain

MARKS = ("zerihun", "tesfaye", "jimma road", "911 555", "hates onions")
"""What only this person could have brought into the database."""
LOGIN = {"email": "zerihun@example.com", "password": "correct-horse-9"}
ADDRESS = {
    "address_line": "Jimma Road 12",
    "city": "Adama",
    "postal_code": "1888",
    "country": "ET",
    "recipient": "Zerihun Tesfaye",
    "phone": "+251 911 555 000",
}


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["accounts", "catalog", "cart", "orders", "notifications", StandInPayments()]


@pytest.fixture
def zerihun(app: Flask, client: FlaskClient) -> dict[str, str]:
    """The headers of a person who filled in everything and ordered twice."""
    names = {"first_name": "Zerihun", "last_name": "Tesfaye", "username": "zerihun"}
    body = {**LOGIN, "re_password": LOGIN["password"], **names}
    assert client.post("/api/auth/users/", json=body).status_code == 201
    drain(app)
    access = client.post("/api/auth/jwt/create/", json=LOGIN).json["access"]
    headers = {"Authorization": f"Bearer {access}"}
    profile = {"phone": "+251 911 555 000", "bio": "Hates onions"}
    assert client.patch("/api/accounts/profiles/me/", json=profile, headers=headers).status_code == 200
    product = {"title": "Lamp", "price": "100.00", "currency": "ETB", "stock_quantity": 9}
    lamp = client.post("/api/catalog/products/", json=product, headers=auth_headers(app, "staff")).json
    for _ in range(2):
        order(client, headers, lamp)
    client.post("/api/cart/cart/items/", json={"product_id": lamp["id"]}, headers=headers)
    drain(app)
    return headers


def order(client: FlaskClient, headers: dict[str, str], product: dict[str, str]) -> None:
    client.post("/api/cart/cart/items/", json={"product_id": product["id"]}, headers=headers)
    body = {"shipping_address": ADDRESS, "payment_method": "cash"}
    assert client.post("/api/orders/", json=body, headers=headers).status_code == 201


def traces(app: Flask) -> dict[str, set[str]]:
    """The tables, outbox and stored replies aside, that hold one of the marks."""
    found: dict[str, set[str]] = {}
    with app.app_context(), reading() as session:
        for name in app.extensions["nexus"].db.metadata.tables:
            rows = session.scalars(text(f"SELECT t::text FROM {name} AS t")).all()
            marks = {mark for mark in MARKS for row in rows if mark in row.lower()}
            if marks and not name.startswith("nexus_"):
                found[name] = marks
    return found


def finish_orders(app: Flask, client: FlaskClient) -> list[dict]:
    staff = auth_headers(app, "staff")
    orders = client.get("/api/orders/", headers=staff).json["results"]
    for placed in orders:
        for status in ("confirmed", "processing", "shipped", "delivered"):
            url = f"/api/orders/{placed['id']}/"
            assert client.patch(url, json={"status": status}, headers=staff).status_code == 200
    return client.get("/api/orders/", headers=staff).json["results"]


@pytest.mark.parametrize("finished_before", [True, False])
def test_no_table_knows_the_person_and_the_orders_are_kept(app, client, zerihun, finished_before):
    assert traces(app).keys() >= {"accounts_user", "accounts_profile", "orders_order"}
    if finished_before:
        finish_orders(app, client)
        drain(app)
    password = {"current_password": LOGIN["password"]}
    assert client.delete("/api/auth/users/me/", json=password, headers=zerihun).status_code == 204
    drain(app)
    if finished_before:
        orders = client.get("/api/orders/", headers=auth_headers(app, "staff")).json["results"]
    else:
        assert traces(app) == {"orders_order": {"jimma road", "zerihun", "tesfaye", "911 555"}}
        orders = finish_orders(app, client)
        drain(app)
    assert traces(app) == {}
    assert [(placed["total"], placed["status"]) for placed in orders] == [("100.00", "delivered")] * 2
    with app.app_context(), reading() as session:
        left = "SELECT count(*) FROM nexus_delivery WHERE done_at IS NULL"
        assert session.scalar(text(left)) == 0


def test_the_export_has_a_section_of_every_plugin(app, client, zerihun):
    document = client.get("/api/accounts/me/export/", headers=zerihun).json
    assert UUID(document["person_id"])
    sections = document["sections"]
    assert sections.keys() == {"accounts", "cart", "catalog", "notifications", "orders"}
    assert sections["accounts"]["account"]["email"] == LOGIN["email"]
    assert len(sections["cart"]["items"]) == 1 and len(sections["orders"]["orders"]) == 2
    assert {mail["recipient"] for mail in sections["notifications"]["mails"]} == {LOGIN["email"]}
