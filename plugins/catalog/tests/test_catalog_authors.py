"""Authors: what they are called, and what is left of them after their erasure."""

from dataclasses import replace

import nexus_catalog.plugin
import pytest
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import Purchase, Review
from nexus_catalog.services.authors import CatalogData, export_reviews, forget_author
from nexus_catalog.services.purchases import record_purchases
from nexus_catalog.services.reviews import create_review
from sqlalchemy import func, select

from nexus_kernel import reading, transaction
from nexus_kernel.testing import StandInAccounts, auth_headers, count_queries

_ACCOUNTS = StandInAccounts()
URL = "/api/catalog/products/lantern/reviews/"


@pytest.fixture(scope="session")
def nexus_plugins():
    return [nexus_catalog.plugin, _ACCOUNTS]


@pytest.fixture
def accounts():
    _ACCOUNTS.people.clear()
    return _ACCOUNTS


@pytest.fixture
def abebe(accounts):
    """The id of Abebe Bikila."""
    return accounts.add()


def rename(accounts, person_id, first_name, last_name=""):
    accounts.people[person_id] = replace(
        accounts.people[person_id], first_name=first_name, last_name=last_name
    )


def forget(app, person_id) -> int:
    with app.app_context(), transaction() as session:
        return forget_author(session, person_id)


def names(client) -> list[str | None]:
    return [row["author_name"] for row in client.get(URL).json["results"]]


def test_a_review_bears_the_name_that_its_author_had(app, client, sell, review, accounts, abebe):
    sell()
    header = auth_headers(app, person_id=abebe)
    made = review(headers=header).json
    assert made["author_name"] == "Abebe Bikila"
    rename(accounts, abebe, "Abebe", "the Runner")
    assert names(client) == ["Abebe Bikila"]
    client.patch(f"{URL}{made['id']}/", json={"rating": 1}, headers=header)
    assert names(client) == ["Abebe the Runner"]


def test_a_part_of_an_address_is_never_shown(app, client, sell, review, accounts):
    sell()
    person = accounts.add("secret.address@example.com")
    rename(accounts, person, "")
    review(headers=auth_headers(app, person_id=person))
    assert names(client) == [None] and "secret" not in client.get(URL).text


def test_a_name_from_elsewhere_that_is_too_long_is_cut(app, client, sell, review, accounts, abebe):
    sell()
    rename(accounts, abebe, "A" * 1000)
    assert review(headers=auth_headers(app, person_id=abebe)).status_code == 201
    assert names(client) == ["A" * 301]


def test_a_list_asks_nobody_for_names(app, client, sell, review, accounts, monkeypatch):
    sell()
    for _ in range(3):
        review(headers=auth_headers(app, person_id=accounts.add()))
    monkeypatch.setattr(accounts, "get_people", None)
    with count_queries(app) as queries:
        assert names(client) == ["Abebe Bikila"] * 3
    assert len(queries) == 2


def test_somebody_who_was_erased_writes_no_more(app, sell, review, accounts, abebe):
    sell()
    header = auth_headers(app, person_id=abebe)
    del accounts.people[abebe]
    assert review(headers=header).status_code == 401


def test_an_erased_persons_review_stays_without_them(app, client, sell, review, accounts, abebe):
    lantern = sell()
    header = auth_headers(app, person_id=abebe)
    made = review(rating=4, body="Glows.", headers=header).json
    review(headers=auth_headers(app, person_id=accounts.add()))
    with app.app_context(), transaction() as session:
        record_purchases(session, abebe, {lantern.product_id})
    before = client.get(f"{URL}{made['id']}/").json
    assert [forget(app, abebe), forget(app, abebe)] == [1, 0]
    assert client.get(f"{URL}{made['id']}/").json == before | {"author_name": None}
    assert names(client) == ["Abebe Bikila", None] and client.get(URL, headers=header).json["own"] is None
    assert client.patch(f"{URL}{made['id']}/", json={"rating": 1}, headers=header).status_code == 404
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).where(Review.author_id == abebe)) == 0
        assert session.scalar(select(func.count()).select_from(Purchase)) == 0


def test_what_nobody_sees_is_deleted_with_its_author(app, client, sell, review, staff, abebe):
    sell()
    made = review(headers=auth_headers(app, person_id=abebe)).json
    client.post(f"/api/catalog/reviews/{made['id']}/hide/", json={"reason": "Rude."}, headers=staff)
    assert forget(app, abebe) == 0
    assert client.get("/api/catalog/reviews/", headers=staff).json["count"] == 0


def test_several_erased_people_leave_reviews_of_one_product(app, client, sell, review, accounts):
    sell()
    people = [accounts.add() for _ in range(3)]
    for person in people:
        review(headers=auth_headers(app, person_id=person))
    assert [forget(app, person) for person in people] == [1, 1, 1]
    assert names(client) == [None] * 3


def test_a_review_written_during_the_erasure_does_not_outlive_it(
    app, client, sell, accounts, abebe, overtaken
):
    sell()

    def erase():
        del accounts.people[abebe]
        return forget(app, abebe)

    kept = overtaken(
        lambda session: create_review(session, "lantern", abebe, {"rating": 5}, CatalogConfig()), erase
    )
    assert kept == 1 and names(client) == [None]


def test_everything_that_somebody_wrote_is_exported(app, client, sell, review, staff, accounts, abebe):
    sell(), sell("Basket")
    header = auth_headers(app, person_id=abebe)
    first = review(rating=4, body="Glows.", headers=header).json
    second = review("basket", rating=1, headers=header).json
    review(headers=auth_headers(app, person_id=accounts.add()))
    client.post(f"/api/catalog/reviews/{second['id']}/hide/", json={"reason": "Rude."}, headers=staff)
    with app.app_context(), reading() as session:
        exported = export_reviews(session, abebe)
    assert [(str(e["id"]), e["rating"], e["body"], e["state"], e["moderation_reason"]) for e in exported] == [
        (first["id"], 4, "Glows.", "published", ""),
        (second["id"], 1, "", "hidden", "Rude."),
    ]


def test_what_the_catalog_keeps_of_a_person_is_exported_and_erased(app, sell, review, accounts, abebe):
    lantern = sell()
    review(body="Glows.", headers=auth_headers(app, person_id=abebe))
    data = CatalogData()
    with app.app_context(), transaction() as session:
        record_purchases(session, abebe, {lantern.product_id})
    with app.app_context(), reading():
        exported = data.export(abebe)
    assert [row["body"] for row in exported["reviews"]] == ["Glows."]
    assert [row["product_id"] for row in exported["purchases"]] == [lantern.product_id]
    with app.app_context(), transaction():
        data.erase(abebe)
        data.erase(abebe)
    with app.app_context(), reading():
        assert data.export(abebe) == {"reviews": [], "purchases": []}
