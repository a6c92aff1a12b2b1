"""Where an order goes: an address, or one of the buyer's address book."""

from dataclasses import asdict, replace

import pytest
from sqlalchemy import text

from nexus_kernel import new_id
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.testing import StandInAccounts

BOLE = Address(address_line="Bole Road 7", city="Addis Ababa", postal_code="", country="ET", phone="+251 9")


@pytest.fixture
def book(app):
    """An address book, for as long as the test runs."""
    accounts = StandInAccounts()
    with app.extensions["nexus"].services.override(AccountService, lambda session: accounts):
        yield accounts.addresses


@pytest.fixture
def send(client, person, buyer, carts, catalog, bazaar):
    def post(url="/api/orders/", **body):
        carts.fill(person, {catalog.add().id: 1})
        return client.post(url, json={"payment_method": "card", **body}, headers=buyer)

    return post


def stored(app) -> int:
    with app.extensions["nexus"].db.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM orders_order")).scalar()


def test_an_address_of_ones_own_is_named_by_its_id(person, book, send):
    book[person, id := new_id()] = BOLE
    placed = send(shipping_address_id=str(id))
    assert placed.status_code == 201 and placed.json["shipping_address"] == asdict(BOLE)
    book[person, id] = replace(BOLE, city="Adama")
    assert placed.json["shipping_address"]["city"] == "Addis Ababa"


def test_a_quote_takes_an_id_too(person, book, send, bazaar):
    seen = []
    bazaar.guard.does = lambda quote: seen.append(quote.shipping_address) or []
    book[person, id := new_id()] = BOLE
    assert send("/api/orders/quote/", shipping_address_id=str(id)).status_code == 200
    assert seen == [BOLE]


@pytest.mark.parametrize("url", ["/api/orders/", "/api/orders/quote/"])
def test_a_strangers_id_is_as_unknown_as_any(app, book, send, url):
    book[new_id(), theirs := new_id()] = BOLE
    answers = [send(url, shipping_address_id=str(id)) for id in (theirs, new_id())]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json["errors"] == answers[1].json["errors"]
    assert [error["path"] for error in answers[0].json["errors"]] == ["shipping_address_id"]
    assert stored(app) == 0


@pytest.mark.parametrize("url", ["/api/orders/", "/api/orders/quote/"])
def test_without_accounts_an_id_is_refused_with_a_sentence(send, url):
    refused = send(url, shipping_address_id=str(new_id()))
    assert refused.status_code == 422
    assert refused.json["errors"][0]["path"] == "shipping_address_id"
    assert "keeps no addresses" in refused.json["detail"]


@pytest.mark.parametrize("url", ["/api/orders/", "/api/orders/quote/"])
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "shipping_address"),
        ({"shipping_address_id": None}, "shipping_address_id"),
        ({"shipping_address_id": "7"}, "shipping_address_id"),
        ({"shipping_address_id": str(new_id()), "shipping_address": asdict(BOLE)}, "shipping_address_id"),
        ({"shipping_address_id": str(new_id()), "shipping_address": {}}, "shipping_address.country"),
    ],
)
def test_it_is_one_of_the_two(app, book, send, url, body, path):
    refused = send(url, **body)
    assert refused.status_code == 422
    assert path in [error["path"] for error in refused.json["errors"]]
    assert stored(app) == 0


def test_an_address_that_cannot_be_sent_to_is_refused(app, person, book, send):
    book[person, id := new_id()] = replace(BOLE, country="XX", city="")
    refused = send(shipping_address_id=str(id))
    assert refused.status_code == 422 and "city, country" in refused.json["detail"]
    assert stored(app) == 0


def test_every_part_of_an_address_is_kept(client, buyer, order, catalog, address):
    placed = order((catalog.add(), 1)).json
    assert placed["shipping_address"] == address and address["recipient"]
    assert client.get(f"/api/orders/{placed['id']}/", headers=buyer).json == placed


def test_the_new_parts_may_be_left_out(order, catalog, address):
    short = {name: address[name] for name in ("address_line", "city", "postal_code", "country")}
    placed = order((catalog.add(), 1), shipping_address=short).json
    assert placed["shipping_address"] == {**short, "region": "", "recipient": "", "phone": ""}
