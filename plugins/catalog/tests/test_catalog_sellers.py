"""Sellers: they sell and change what is their own, and learn nothing of what is not."""

from uuid import UUID

import pytest

from nexus_kernel import new_id, reading, services
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.testing import StandInAccounts, auth_headers

URL = "/api/catalog/products/"
LANTERN = {"title": "Lantern", "price": "250.00"}


@pytest.fixture
def seller_id() -> UUID:
    return new_id()


@pytest.fixture
def seller(app, seller_id) -> dict[str, str]:
    return auth_headers(app, "seller", person_id=seller_id)


def test_what_a_seller_creates_is_the_sellers_own(client, seller, seller_id):
    made = client.post(URL, json=LANTERN, headers=seller)
    assert made.status_code == 201 and made.json["seller_id"] == str(seller_id)
    changed = client.patch(f"{URL}lantern/", json={"price": "199.00"}, headers=seller)
    assert (changed.status_code, changed.json["price"]) == (200, "199.00")
    assert client.delete(f"{URL}lantern/", headers=seller).status_code == 204


@pytest.mark.parametrize("owner", [None, "another"])
def test_what_belongs_to_somebody_else_is_404_for_writing(client, sell, seller, owner):
    sell(seller_id=owner and new_id())
    before = client.get(f"{URL}lantern/").json
    for method in ("patch", "delete"):
        for headers in (seller, seller | {"If-Match": "*"}):
            answer = getattr(client, method)(f"{URL}lantern/", json={}, headers=headers)
            assert (answer.status_code, answer.json["code"]) == (404, "catalog.product_not_found")
    assert client.get(f"{URL}lantern/").json == before


@pytest.mark.parametrize("given", ["own", "another", None])
def test_a_seller_never_says_whose_product_it_is(client, seller, seller_id, given):
    named = {"own": str(seller_id), "another": str(new_id()), None: None}[given]
    client.post(URL, json=LANTERN, headers=seller)
    for answer in (
        client.post(URL, json=LANTERN | {"title": "Other", "seller_id": named}, headers=seller),
        client.patch(f"{URL}lantern/", json={"seller_id": named}, headers=seller),
    ):
        assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "seller_id"
    assert client.get(URL).json["count"] == 1


def test_staff_change_every_product_and_say_whose_it_is(client, staff, seller, seller_id):
    client.post(URL, json=LANTERN, headers=seller)
    assert client.patch(f"{URL}lantern/", json={"price": "1.00"}, headers=staff).status_code == 200
    other = str(new_id())
    moved = client.patch(f"{URL}lantern/", json={"seller_id": other}, headers=staff)
    assert moved.json["seller_id"] == other
    assert client.patch(f"{URL}lantern/", json={"price": "2.00"}, headers=seller).status_code == 404


def test_where_people_can_be_looked_up_staff_name_a_person_who_may_sell(app, client, staff):
    people = StandInAccounts()
    registry = app.extensions["nexus"].services
    with registry.override(AccountService, lambda session: people):
        for person_id in (people.add("buyer@example.com"), new_id()):
            answer = client.post(URL, json=LANTERN | {"seller_id": str(person_id)}, headers=staff)
            assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "seller_id"
        for roles in (["seller"], ["staff"], ["admin"]):
            person_id = str(people.add("seller@example.com", roles=roles))
            made = client.post(URL, json=LANTERN | {"seller_id": person_id}, headers=staff)
            assert made.status_code == 201 and made.json["seller_id"] == person_id
        nobody = client.patch(f"{URL}lantern/", json={"seller_id": None}, headers=staff)
        assert nobody.json["seller_id"] is None
    with app.app_context(), reading(), pytest.raises(LookupError):
        services.get(AccountService)


def test_pages_of_managed_products_know_their_number_whatever_the_filters(client, sell, staff):
    sell(stock_quantity=1), sell("Basket")
    for query in ("page=2", "page_size=1", "page=2&in_stock=1&min_price=1&sort=price&is_active=1&q=lantern"):
        page = client.get(f"{URL}managed/?{query}", headers=staff)
        assert (page.status_code, page.json["count"]) == (200, 1 if "q=" in query else 2), query
