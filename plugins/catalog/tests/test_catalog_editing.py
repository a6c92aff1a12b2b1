"""Writing products over HTTP: who may, what is refused, what is told to others."""

import pytest
from nexus_catalog.models import Product, StockMovement
from sqlalchemy import select, text

from nexus_kernel import reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/catalog/products/"
NOBODY = "0192f0c4-7d3e-7a51-9c1e-000000000000"
LANTERN = {"title": "Lantern", "price": "250.00"}


def events(app) -> list[str]:
    with app.app_context(), reading() as session:
        rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.created_at))
        changed = [row.payload for row in rows if row.name == "catalog.products_changed"]
        return [id for payload in changed for id in payload["product_ids"]]


def count(app) -> int:
    with app.app_context(), reading() as session:
        return session.execute(text("SELECT count(*) FROM catalog_product")).scalar_one()


def test_staff_put_a_product_on_sale(app, client, category, staff):
    garden = category("Garden")
    body = LANTERN | {"category_id": str(garden), "stock_quantity": 7, "sku": "L-1", "currency": "USD"}
    response = client.post(URL, json=body, headers=staff)
    assert response.status_code == 201
    made = response.json
    assert (made["price"], made["currency"], made["sku"], made["stock_quantity"]) == (
        "250.00",
        "USD",
        "L-1",
        7,
    )
    assert client.get(f"{URL}lantern/").json == made
    assert events(app) == [made["id"]]


def test_a_product_without_extras_has_a_sku_no_stock_and_the_shops_currency(client, staff):
    made = client.post(URL, json=LANTERN, headers=staff).json
    assert made["sku"].startswith("P-") and made["currency"] == "ETB"
    assert (made["stock_quantity"], made["in_stock"], made["category"]) == (0, False, None)


@pytest.mark.parametrize(("roles", "status"), [((), 403), (None, 401)])
def test_others_neither_create_change_nor_retire(app, client, sell, roles, status):
    sell()
    headers = {} if roles is None else auth_headers(app, *roles)
    assert client.post(URL, json=LANTERN, headers=headers).status_code == status
    assert client.patch(f"{URL}lantern/", json={"price": "1"}, headers=headers).status_code == status
    assert client.delete(f"{URL}lantern/", headers=headers).status_code == status
    assert client.get(f"{URL}lantern/").json["price"] == "250.00" and count(app) == 1


@pytest.mark.parametrize("title", ["Lantern", "ፋኖስ", "!!!", "x" * 200, "long title " * 18])
def test_equal_titles_of_any_kind_get_slugs_of_their_own(client, staff, title):
    made = [client.post(URL, json={"title": title, "price": "1"}, headers=staff) for _ in range(12)]
    assert {response.status_code for response in made} == {201}
    slugs = [response.json["slug"] for response in made]
    assert len(set(slugs)) == 12 and max(map(len, slugs)) <= 100
    assert slugs[1] == f"{slugs[0]}-2"
    assert client.get(f"{URL}{slugs[11]}/").json["id"] == made[11].json["id"]


def test_equal_titles_at_once_all_succeed(app, staff):
    calls = [lambda: app.test_client().post(URL, json=LANTERN, headers=staff)] * 12
    answers = in_threads(calls)
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json["slug"] for answer in answers}) == 12


def test_a_sku_at_once_is_given_once(app, staff):
    calls = [lambda: app.test_client().post(URL, json=LANTERN | {"sku": "L-1"}, headers=staff)] * 8
    statuses = sorted(answer.status_code for answer in in_threads(calls))
    assert statuses == [201] + [409] * 7 and count(app) == 1


def test_a_taken_sku_is_409_and_names_the_field(app, client, sell, staff):
    sell(sku="L-1"), sell("Other", sku="L-2")
    for response in (
        client.post(URL, json=LANTERN | {"sku": "L-1"}, headers=staff),
        client.patch(f"{URL}other/", json={"sku": "L-1", "title": "Changed"}, headers=staff),
    ):
        assert (response.status_code, response.json["code"]) == (409, "catalog.sku_taken")
        assert response.json["errors"][0]["path"] == "sku"
    assert count(app) == 2 and client.get(f"{URL}other/").json["title"] == "Other"


def test_a_change_keeps_what_is_left_out_and_the_slug(app, client, sell, staff):
    before = client.get(f"{URL}{sell().product_id}/").json
    change = {"title": "Red lantern", "price": "199.99", "stock_quantity": 3, "description": "Glows"}
    after = client.patch(f"{URL}lantern/", json=change, headers=staff).json
    assert (after["title"], after["price"], after["stock_quantity"]) == ("Red lantern", "199.99", 3)
    assert [after[key] for key in ("id", "slug", "sku", "currency", "created_at")] == [
        before[key] for key in ("id", "slug", "sku", "currency", "created_at")
    ]
    assert after["updated_at"] > before["updated_at"]
    assert len(events(app)) == 2


def test_a_change_of_the_stock_is_a_movement_with_its_actor(app, client, sell):
    lantern = sell(stock_quantity=10)
    headers = auth_headers(app, "staff", person_id=lantern.id)
    client.patch(f"{URL}lantern/", json={"stock_quantity": 4}, headers=headers)
    with app.app_context(), reading() as session:
        rows = session.scalars(select(StockMovement).order_by(StockMovement.id)).all()
    assert [(row.delta_on_hand, row.reason, row.actor_id) for row in rows] == [
        (10, "initial", None),
        (-6, "correction", lantern.id),
    ]


@pytest.mark.parametrize("etag", ['"another"', 'W/"another"', "another", ""])
def test_a_change_made_from_an_old_copy_is_412_and_changes_nothing(app, client, sell, staff, etag):
    sell()
    before = client.get(f"{URL}lantern/").json
    headers = staff | {"If-Match": etag}
    for response in (
        client.patch(f"{URL}lantern/", json={"price": "1.00"}, headers=headers),
        client.delete(f"{URL}lantern/", headers=headers),
    ):
        assert (response.status_code, response.json["code"]) == (412, "kernel.precondition_failed")
    assert client.get(f"{URL}lantern/").json == before and len(events(app)) == 1


def test_a_change_made_from_the_current_copy_is_made_and_answers_the_next_etag(client, sell, staff):
    sell()
    read = client.get(f"{URL}lantern/").headers["ETag"]
    changed = client.patch(f"{URL}lantern/", json={"price": "1.00"}, headers=staff | {"If-Match": read})
    assert changed.status_code == 200 and changed.headers["ETag"] not in ("", read)
    assert client.get(f"{URL}lantern/").headers["ETag"] == changed.headers["ETag"]
    old = client.delete(f"{URL}lantern/", headers=staff | {"If-Match": read})
    new = client.delete(f"{URL}lantern/", headers=staff | {"If-Match": changed.headers["ETag"]})
    assert (old.status_code, new.status_code) == (412, 204)


def test_of_changes_at_once_from_one_copy_one_is_made(app, client, sell, staff):
    sell()
    headers = staff | {"If-Match": client.get(f"{URL}lantern/").headers["ETag"]}
    calls = [
        lambda n=n: app.test_client().patch(f"{URL}lantern/", json={"price": f"{n}.00"}, headers=headers)
        for n in range(1, 7)
    ]
    assert sorted(reply.status_code for reply in in_threads(calls)) == [200] + [412] * 5


def test_whoever_writes_to_what_is_not_there_gets_404_before_412(client, staff):
    response = client.patch(f"{URL}lantern/", json={}, headers=staff | {"If-Match": "*"})
    assert response.status_code == 404


def test_an_empty_change_changes_and_publishes_nothing(app, client, sell, staff):
    before = client.get(f"{URL}{sell().product_id}/").json
    response = client.patch(f"{URL}lantern/", json={}, headers=staff)
    assert response.status_code == 200 and response.json == before
    assert len(events(app)) == 1


def test_a_category_can_be_taken_away(client, sell, category, staff):
    sell(category_id=category("Garden"))
    assert client.patch(f"{URL}lantern/", json={"category_id": None}, headers=staff).json["category"] is None


def test_a_currency_alone_would_reinterpret_the_price_and_is_refused(client, sell, staff):
    sell()
    response = client.patch(f"{URL}lantern/", json={"currency": "JPY"}, headers=staff)
    assert response.status_code == 422 and response.json["errors"][0]["path"] == "currency"
    changed = client.patch(f"{URL}lantern/", json={"currency": "JPY", "price": "300"}, headers=staff).json
    assert (changed["price"], changed["currency"]) == ("300", "JPY")


def test_a_retired_product_is_gone_from_the_shop_and_stays_in_the_database(app, client, sell, staff):
    sell()
    assert client.delete(f"{URL}lantern/", headers=staff).status_code == 204
    for method in (client.get, client.patch, client.delete):
        options = {"json": {}} if method == client.patch else {}
        assert method(f"{URL}lantern/", headers=staff, **options).status_code == 404
    assert client.get(URL).json["count"] == 0 and count(app) == 1 and len(events(app)) == 2


def test_retiring_at_once_happens_and_is_told_once(app, sell, staff):
    sell()
    calls = [lambda: app.test_client().delete(f"{URL}lantern/", headers=staff)] * 6
    assert sorted(answer.status_code for answer in in_threads(calls)) == [204] + [404] * 5
    assert len(events(app)) == 2


def test_changes_at_once_both_count(app, client, sell, staff):
    sell()
    changes = [{"price": "1"}, {"title": "Red"}, {"stock_quantity": 2}, {"description": "Glows"}]
    calls = [lambda c=c: app.test_client().patch(f"{URL}lantern/", json=c, headers=staff) for c in changes]
    assert {answer.status_code for answer in in_threads(calls)} == {200}
    after = client.get(f"{URL}lantern/").json
    assert [after[key] for key in ("price", "title", "stock_quantity", "description")] == [
        "1.00",
        "Red",
        2,
        "Glows",
    ]


BAD = [
    ({"title": ""}, "title"),
    ({"title": " \t "}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\x00b"}, "title"),
    ({"title": ["a"]}, "title"),
    ({"title": None}, "title"),
    ({"description": "x" * 20_001}, "description"),
    ({"price": "-150"}, "price"),
    ({"price": "1.005"}, "price"),
    ({"price": "1,000.00"}, "price"),
    ({"price": "NaN"}, "price"),
    ({"price": "1e5"}, "price"),
    ({"price": 5}, "price"),
    ({"price": 5.5}, "price"),
    ({"price": "9999999999999"}, "price"),
    ({"price": "1", "currency": "BIR"}, "currency"),
    ({"price": "1.5", "currency": "JPY"}, "price"),
    ({"stock_quantity": -1}, "stock_quantity"),
    ({"stock_quantity": 2**31}, "stock_quantity"),
    ({"stock_quantity": 2**63}, "stock_quantity"),
    ({"stock_quantity": 1.5}, "stock_quantity"),
    ({"stock_quantity": True}, "stock_quantity"),
    ({"category_id": NOBODY}, "category_id"),
    ({"category_id": 7}, "category_id"),
    ({"seller_id": "me"}, "seller_id"),
    ({"sku": ""}, "sku"),
    ({"sku": "x" * 65}, "sku"),
    ({"is_active": False}, "is_active"),
    ({"slug": ""}, "slug"),
    ({"slug": "x" * 101}, "slug"),
    ({"slug": "a\x00b"}, "slug"),
    ({"slug": ["a"]}, "slug"),
    ({"id": NOBODY}, "id"),
    ({"price": "1", "rating_average": 5}, "rating_average"),
]


@pytest.mark.parametrize(("body", "path"), BAD)
def test_bad_input_is_422_names_the_field_and_stores_nothing(app, client, sell, staff, body, path):
    sell()
    before = client.get(f"{URL}lantern/").json
    for response in (
        client.post(URL, json=LANTERN | {"title": "Other"} | body, headers=staff),
        client.patch(f"{URL}lantern/", json=body, headers=staff),
    ):
        assert response.status_code == 422, response.json
        assert [error["path"] for error in response.json["errors"]] == [path]
    assert count(app) == 1 and client.get(f"{URL}lantern/").json == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[1]", "application/json"),
        (b'"x"', "application/json"),
        (b"null", "application/json"),
        (b"{", "application/json"),
        (b'{"price": NaN}', "application/json"),
        (b'{"title": "\\ud800", "price": "1"}', "application/json"),
        (b'{"stock_quantity": 1e400}', "application/json"),
        (b"\xff", "application/json"),
        (b"title=Lantern&price=1", "application/x-www-form-urlencoded"),
        (b"<a/>", "text/xml"),
    ],
)
def test_bodies_that_are_no_json_objects_are_4xx(app, client, sell, staff, body, content_type):
    sell()
    for method, url in ((client.post, URL), (client.patch, f"{URL}lantern/")):
        response = method(url, data=body, content_type=content_type, headers=staff)
        assert 400 <= response.status_code < 500, response.json
        assert response.content_type == "application/problem+json"
    assert count(app) == 1


def test_creating_takes_a_constant_number_of_queries(app, client, staff):
    def queries_of(body) -> int:
        with count_queries(app) as queries:
            assert client.post(URL, json=body, headers=staff).status_code == 201
        return len(queries)

    assert (
        queries_of(LANTERN | {"title": "A"})
        == queries_of(LANTERN | {"title": "B", "stock_quantity": 5})
        <= 10
    )


def test_methods_that_do_not_exist_are_405(client, sell, staff):
    sell()
    assert client.post(f"{URL}lantern/", json={}, headers=staff).status_code == 405


def test_products_never_leave_the_table_even_by_hand(app, sell):
    lantern = sell()
    from sqlalchemy.exc import IntegrityError

    from nexus_kernel import transaction

    with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
        session.execute(text("DELETE FROM catalog_product WHERE id = :id"), {"id": lantern.product_id})
    with app.app_context(), reading() as session:
        assert session.get(Product, lantern.product_id).is_active


def test_what_was_created_says_where_it_is(client, app):
    staff = auth_headers(app, "staff")
    for path, body in (
        ("categories", {"name": "Lamps"}),
        ("products", {"title": "Lantern", "sku": "L-1", "price": "10.00"}),
    ):
        answer = client.post(f"/api/catalog/{path}/", json=body, headers=staff)
        assert answer.status_code == 201, answer.text
        assert client.get(answer.headers["Location"]).json["id"] == answer.json["id"]
