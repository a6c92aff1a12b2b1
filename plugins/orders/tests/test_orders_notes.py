"""Notes: staff write them, buyers see what is meant for them, strangers nothing."""

import pytest
from nexus_orders.models import OrderNote
from sqlalchemy import func, select

from nexus_kernel import new_id, reading
from nexus_kernel.testing import auth_headers, count_queries, in_threads


@pytest.fixture
def url(order, catalog):
    return f"/api/orders/{order((catalog.add(), 1)).json['id']}/notes/"


@pytest.fixture
def write(client, url, staff):
    def post(text="Call before delivery", **fields):
        return client.post(url, json={"text": text, **fields}, headers=staff)

    return post


@pytest.fixture
def shown(client, url):
    return lambda headers: [row["text"] for row in client.get(url, headers=headers).json["results"]]


def test_staff_see_every_note_and_the_buyer_those_for_them(write, shown, staff, buyer):
    assert write("Odd address").json["visible_to_buyer"] is False
    made = write("It left today.\nዛሬ ወጣ።", visible_to_buyer=True)
    assert made.status_code == 201
    assert made.json.keys() == {"id", "author_id", "text", "visible_to_buyer", "created_at"}
    assert shown(staff) == ["It left today.\nዛሬ ወጣ።", "Odd address"]
    assert shown(buyer) == ["It left today.\nዛሬ ወጣ።"]


def test_buyers_write_and_delete_nothing_and_strangers_find_nothing(app, client, url, write, buyer):
    note = write(visible_to_buyer=True).json
    assert client.post(url, json={"text": "Mine"}, headers=buyer).status_code == 403
    assert client.delete(f"{url}{note['id']}/", headers=buyer).status_code == 403
    assert client.get(url, headers=auth_headers(app)).status_code == 404
    assert client.get(url).status_code == 401


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"text": "\0"}, "text"),
        ({"text": "x", "visible_to_buyer": None}, "visible_to_buyer"),
        ({"text": "x", "author_id": str(new_id())}, "author_id"),
    ],
)
def test_a_bad_note_is_refused(client, url, staff, shown, body, path):
    refused = client.post(url, json=body, headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == path
    assert shown(staff) == []


def test_a_note_is_deleted_once_and_only_under_its_order(app, client, url, write, staff, order, catalog):
    note = write().json
    other = f"/api/orders/{order((catalog.add(), 1)).json['id']}/notes/"
    assert client.delete(f"{other}{note['id']}/", headers=staff).status_code == 404
    calls = [lambda: app.test_client().delete(f"{url}{note['id']}/", headers=staff)] * 4
    assert sorted(reply.status_code for reply in in_threads(calls)) == [204, 404, 404, 404]
    assert client.delete(f"{url}{note['id']}/", headers=staff).json["code"] == "orders.note_not_found"


def test_an_order_that_is_not_there_has_no_notes(app, client, staff):
    url = f"/api/orders/{new_id()}/notes/"
    assert client.get(url, headers=staff).status_code == 404
    refused = client.post(url, json={"text": "Hm"}, headers=staff)
    assert (refused.status_code, refused.json["code"]) == (404, "orders.not_found")
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(OrderNote)) == 0


def test_queries_are_few(app, client, url, write, staff, buyer):
    for _ in range(5):
        write(visible_to_buyer=True)
    for headers in (staff, buyer):
        with count_queries(app) as queries:
            assert len(client.get(url, headers=headers).json["results"]) == 5
        assert len(queries) == 2, str(queries)
    with count_queries(app) as queries:
        write()
    assert len(queries) == 3, str(queries)
