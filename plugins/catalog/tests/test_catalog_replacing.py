"""PUT, slugs of one's own, restoring, and what managers see that others do not."""

import itertools

import pytest
from sqlalchemy import text

from nexus_kernel import new_id, reading
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/catalog/products/"
MANAGED = f"{URL}managed/"


def put(client, staff, key: str = "lantern", **body):
    return client.put(f"{URL}{key}/", json={"title": "Lamp", "price": "2.00", **body}, headers=staff)


def test_put_replaces_the_content_and_keeps_what_is_no_content(client, sell, category, staff):
    seller_id = new_id()
    sell(description="Glows", category_id=category("Garden"), seller_id=seller_id, sku="L-1", currency="USD")
    after = put(client, staff).json
    content = [after[name] for name in ("title", "price", "description", "category")]
    assert content == ["Lamp", "2.00", "", None]
    kept = [after[name] for name in ("slug", "sku", "currency", "stock_quantity", "seller_id")]
    assert kept == ["lantern", "L-1", "USD", 10, str(seller_id)]
    whole = put(
        client, staff, description="New", sku="L-2", stock_quantity=3, currency="ETB", slug="lamp"
    ).json
    assert [whole[name] for name in ("description", "sku", "stock_quantity", "currency", "slug")] == [
        "New", "L-2", 3, "ETB", "lamp"
    ]  # fmt: skip
    assert client.get(f"{URL}lamp/").json == whole


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "title"),
        ({"title": "Lamp"}, "price"),
        ({"price": "1"}, "title"),
        ({"title": "Lamp", "price": "-150"}, "price"),
        ({"title": "Lamp", "price": "9999999999999"}, "price"),
        ({"title": "Lamp", "price": "1", "stock_quantity": 2**31}, "stock_quantity"),
        ({"title": "Lamp", "price": "1", "is_active": False}, "is_active"),
    ],
)
def test_a_put_that_is_not_whole_or_not_sound_is_422_and_changes_nothing(client, sell, staff, body, path):
    sell()
    before = client.get(f"{URL}lantern/").json
    answer = client.put(f"{URL}lantern/", json=body, headers=staff)
    assert answer.status_code == 422
    assert path in [error["path"] for error in answer.json["errors"]]
    assert client.get(f"{URL}lantern/").json == before


def test_a_body_that_is_a_list_is_422_for_put(client, sell, staff):
    sell()
    assert client.put(f"{URL}lantern/", json=[1], headers=staff).status_code == 422


def test_a_put_made_from_an_old_copy_is_412(client, sell, staff):
    sell()
    etag = client.get(f"{URL}lantern/").headers["ETag"]
    assert put(client, staff | {"If-Match": etag}).status_code == 200
    assert put(client, staff | {"If-Match": etag}).status_code == 412


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Red Lantern!", "red-lantern"),
        ("ቀይ ፋኖስ", "ቀይ-ፋኖስ"),
        ("!!!", "product"),
        ("managed", "managed-product"),
        ("0192f0c4-7d3e-7a51-9c1e-000000000000", "product"),
        ("x" * 100, "x" * 80),
        ("other", "other-2"),
        ("lantern", "lantern"),
    ],
)
def test_a_slug_that_is_set_is_normalised_and_made_unique(client, sell, staff, given, stored):
    sell(), sell("Other")
    changed = client.patch(f"{URL}lantern/", json={"slug": given}, headers=staff)
    assert (changed.status_code, changed.json["slug"]) == (200, stored)
    assert client.get(f"{URL}{stored}/").json["id"] == changed.json["id"]


def test_a_product_can_be_created_under_a_slug(client, staff):
    body = {"title": "Lantern", "price": "1", "slug": "Best Light"}
    slugs = [client.post(URL, json=body, headers=staff).json["slug"] for _ in range(2)]
    assert slugs == ["best-light", "best-light-2"]


def test_one_slug_for_many_at_once_is_given_to_one_and_the_others_get_their_own(app, sell, staff):
    products = [sell(f"Lantern {number}") for number in range(8)]
    answers = in_threads(
        [
            lambda p=p: app.test_client().patch(f"{URL}{p.product_id}/", json={"slug": "best"}, headers=staff)
            for p in products
        ]
    )
    assert {answer.status_code for answer in answers} == {200}
    slugs = {answer.json["slug"] for answer in answers}
    assert len(slugs) == 8 and "best" in slugs


@pytest.mark.parametrize("title", ["managed", "Search", "EXPORT"])
def test_a_title_that_is_a_word_of_an_address_gets_another_slug(client, staff, title):
    made = client.post(URL, json={"title": title, "price": "1"}, headers=staff).json
    assert made["slug"] == f"{title.lower()}-product"
    assert client.get(f"{URL}{made['slug']}/").json["id"] == made["id"]


def test_a_retired_product_is_restored_with_all_that_it_had(client, sell, staff):
    sell()
    before = client.get(f"{URL}lantern/").json
    client.delete(f"{URL}lantern/", headers=staff)
    assert client.get(f"{URL}lantern/").status_code == 404
    restored = client.post(f"{URL}lantern/restore/", headers=staff)
    assert restored.status_code == 200
    assert {**restored.json, "updated_at": ""} == {**before, "updated_at": ""}
    assert client.post(f"{URL}{before['id']}/restore/", headers=staff).json == restored.json
    assert client.get(URL).json["count"] == 1


def test_restoring_is_for_staff_and_the_seller(app, client, sell, staff):
    seller_id = new_id()
    sell(seller_id=seller_id)
    own = auth_headers(app, "seller", person_id=seller_id)
    client.delete(f"{URL}lantern/", headers=own)
    for headers, status in (
        ({}, 401),
        (auth_headers(app), 403),
        (auth_headers(app, "seller"), 404),
        (own, 200),
    ):
        assert client.post(f"{URL}lantern/restore/", headers=headers).status_code == status


def test_a_seller_manages_the_own_products_and_staff_all_of_them(app, client, sell, staff):
    seller_id = new_id()
    own = auth_headers(app, "seller", person_id=seller_id)
    sell("A", seller_id=seller_id), sell("B", seller_id=new_id()), sell("C", seller_id=seller_id), sell("D")
    client.delete(f"{URL}a/", headers=staff)

    def titles(headers, query: str = "") -> list[tuple[str, bool]]:
        page = client.get(f"{MANAGED}?sort=title&{query}", headers=headers)
        assert page.status_code == 200, page.json
        return [(product["title"], product["is_active"]) for product in page.json["results"]]

    assert titles(own) == [("A", False), ("C", True)]
    assert [title for title, _ in titles(staff)] == ["A", "B", "C", "D"]
    assert titles(own, "is_active=1") == [("C", True)] and titles(staff, "is_active=0") == [("A", False)]
    assert [title for title, _ in titles(staff, f"seller={seller_id}")] == ["A", "C"]
    for headers, status in (({}, 401), (auth_headers(app), 403)):
        assert client.get(MANAGED, headers=headers).status_code == status


def test_a_retired_product_is_shown_to_those_who_manage_it_only(app, client, sell, staff):
    seller_id = new_id()
    sell(seller_id=seller_id)
    client.delete(f"{URL}lantern/", headers=staff)
    own, other = auth_headers(app, "seller", person_id=seller_id), auth_headers(app, "seller")
    for headers, status in ((own, 200), (staff, 200), (other, 404), (auth_headers(app), 403)):
        assert client.get(f"{MANAGED}lantern/", headers=headers).status_code == status
    shown = client.get(f"{MANAGED}lantern/", headers=own).json
    assert (shown["title"], shown["is_active"], shown["variants"][0]["is_active"]) == ("Lantern", False, True)


def test_the_managed_list_and_the_detail_take_one_query_each(app, client, sell, staff):
    for number in range(5):
        sell(f"Lantern {number}")
    with count_queries(app) as listing:
        assert client.get(MANAGED, headers=staff).status_code == 200
    with count_queries(app) as detail:
        assert client.get(f"{MANAGED}lantern-3/", headers=staff).status_code == 200
    assert (len(listing), len(detail)) == (1, 1), str(listing)
    with count_queries(app) as listing:
        page = client.get(f"{MANAGED}?page_size=2", headers=staff).json
    assert (page["count"], len(page["results"]), len(listing)) == (5, 2, 1), str(listing)


def history(client, staff, key: str = "lantern") -> list[tuple[str, str]]:
    page = client.get(f"{URL}{key}/price_history/", headers=staff)
    assert page.status_code == 200, page.json
    return [(change["old_price"], change["price"]) for change in page.json["results"]]


def test_every_change_of_a_price_is_remembered_with_its_actor(app, client, sell):
    person_id = new_id()
    staff = auth_headers(app, "staff", person_id=person_id)
    sell(price="250.00")
    client.patch(f"{URL}lantern/", json={"price": "200.00"}, headers=staff)
    client.patch(f"{URL}lantern/", json={"price": "200.00", "title": "Same price"}, headers=staff)
    client.patch(f"{URL}lantern/", json={"title": "No price"}, headers=staff)
    put(client, staff, price="300", currency="JPY")
    page = client.get(f"{URL}lantern/price_history/", headers=staff).json
    changes = [(c["old_price"], c["old_currency"], c["price"], c["currency"]) for c in page["results"]]
    assert changes == [("200.00", "ETB", "300", "JPY"), ("250.00", "ETB", "200.00", "ETB")]
    assert {change["actor_id"] for change in page["results"]} == {str(person_id)}


def test_whoever_changes_a_price_by_hand_is_remembered_too_and_nobody_rewrites_it(app, client, sell, staff):
    from sqlalchemy.exc import DBAPIError

    sell(price="250.00")
    engine = app.extensions["nexus"].db.engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE catalog_variant SET price_minor = 100"))
    assert history(client, staff) == [("250.00", "1.00")]
    for statement in ("DELETE FROM catalog_price_change", "UPDATE catalog_price_change SET at = now()"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))


def test_the_actor_of_one_change_is_not_the_actor_of_the_next(app, client, sell, staff):
    sell(price="250.00")
    client.patch(f"{URL}lantern/", json={"price": "200.00"}, headers=staff)
    for _ in range(3):
        with app.extensions["nexus"].db.engine.begin() as connection:
            connection.execute(text("UPDATE catalog_variant SET price_minor = price_minor + 1"))
    page = client.get(f"{URL}lantern/price_history/", headers=staff).json
    assert [change["actor_id"] is None for change in page["results"]] == [True, True, True, False]


def test_the_prior_price_is_the_lowest_of_the_thirty_days_before_the_current_one(app, client, sell, staff):
    sell(price="100.00")

    def prior() -> str | None:
        return client.get(f"{URL}lantern/").json["variants"][0]["prior_price"]

    assert prior() is None
    for price, expected in (("80.00", "100.00"), ("120.00", "80.00"), ("90.00", "80.00")):
        client.patch(f"{URL}lantern/", json={"price": price}, headers=staff)
        assert prior() == expected
    with app.extensions["nexus"].db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE catalog_price_change DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE catalog_price_change SET at = at - interval '31 days'"))
    client.patch(f"{URL}lantern/", json={"price": "85.00"}, headers=staff)
    assert prior() == "90.00"
    client.patch(f"{URL}lantern/", json={"price": "300", "currency": "JPY"}, headers=staff)
    assert prior() is None


def test_the_history_of_prices_is_for_staff_and_the_seller(app, client, sell):
    seller_id = new_id()
    sell(seller_id=seller_id)
    own, other = auth_headers(app, "seller", person_id=seller_id), auth_headers(app, "seller")
    for headers, status in ((own, 200), (other, 404), (auth_headers(app), 403), ({}, 401)):
        assert client.get(f"{URL}lantern/price_history/", headers=headers).status_code == status


def test_the_history_of_prices_takes_two_queries(app, client, sell, staff):
    sell(price="100.00")
    for price in ("1", "2", "3"):
        client.patch(f"{URL}lantern/", json={"price": price}, headers=staff)
    with count_queries(app) as queries:
        assert len(history(client, staff)) == 3
    assert len(queries) == 2, str(queries)


def test_changes_of_a_price_at_once_are_all_remembered_in_a_row(app, client, sell, staff):
    sell(price="100.00")
    calls = [
        lambda n=n: app.test_client().patch(f"{URL}lantern/", json={"price": f"{n}.00"}, headers=staff)
        for n in range(1, 9)
    ]
    assert {answer.status_code for answer in in_threads(calls)} == {200}
    changes = history(client, staff)[::-1]
    assert len(changes) == 8 and changes[0][0] == "100.00"
    assert all(new == old for (_, new), (old, _) in itertools.pairwise(changes))
    with app.app_context(), reading() as session:
        price = session.execute(text("SELECT price_minor FROM catalog_variant")).scalar_one()
    assert changes[-1][1] == f"{price // 100}.00"
