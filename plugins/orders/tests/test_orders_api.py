"""Reading orders and moving them: who may see and do what."""

import pytest
from sqlalchemy import select

from nexus_kernel import new_id, reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, in_threads

ORDERS = "/api/orders/"


@pytest.fixture
def move(client, staff):
    def _move(placed, status, headers=staff):
        return client.patch(f"{ORDERS}{placed['id']}/", json={"status": status}, headers=headers)

    return _move


def test_nobody_sees_or_places_orders(client):
    assert client.get(ORDERS).status_code == 401
    assert client.post(ORDERS, json={}).status_code == 401
    assert client.get(f"{ORDERS}{new_id()}/").status_code == 401


def test_people_see_their_own_orders_and_staff_see_all(app, client, buyer, staff, order, catalog):
    placed = [order((catalog.add(), 1)).json for _ in range(3)]
    stranger = auth_headers(app)
    own = client.get(ORDERS, headers=buyer).json
    assert own["results"] == placed[::-1] and own["count"] == 3
    assert client.get(ORDERS, headers=staff).json["results"] == placed[::-1]
    assert client.get(ORDERS, headers=stranger).json["results"] == []


def test_a_strangers_order_is_not_found(app, client, order, catalog):
    placed = order((catalog.add(), 1)).json
    stranger, url = auth_headers(app), f"{ORDERS}{placed['id']}/"
    assert client.get(url, headers=stranger).status_code == 404
    assert client.get(f"{url}history/", headers=stranger).status_code == 404
    assert client.post(f"{url}cancel/", json={"reason": "mine"}, headers=stranger).status_code == 404
    assert client.patch(url, json={"status": "shipped"}, headers=stranger).status_code == 403
    assert catalog.held


@pytest.mark.parametrize("id", ["01a209e1-759d-760a-827e-723335d8fea6", "7", "x", "%00"])
def test_an_order_that_is_not_there_is_not_found(client, buyer, staff, id):
    assert client.get(f"{ORDERS}{id}/", headers=buyer).status_code == 404
    assert client.post(f"{ORDERS}{id}/cancel/", json={}, headers=buyer).status_code == 404
    assert client.patch(f"{ORDERS}{id}/", json={"status": "shipped"}, headers=staff).status_code == 404


def test_a_list_and_an_order_take_one_query_each(app, client, buyer, order, catalog):
    for _ in range(5):
        placed = order(*[(catalog.add(), 1) for _ in range(4)]).json
    with count_queries(app) as listing:
        assert len(client.get(ORDERS, headers=buyer).json["results"]) == 5
    with count_queries(app) as counted:
        assert client.get(f"{ORDERS}?page_size=2", headers=buyer).json["count"] == 5
    with count_queries(app) as reading:
        client.get(f"{ORDERS}{placed['id']}/", headers=buyer)
    assert (len(listing), len(counted), len(reading)) == (1, 1, 1)


def test_lists_are_filtered_and_paged(client, buyer, staff, order, catalog, move):
    placed = [order((catalog.add(), 1)).json for _ in range(5)]
    move(placed[0], "confirmed")

    def ids(query):
        return [row["id"] for row in client.get(f"{ORDERS}?{query}", headers=buyer).json["results"]]

    assert ids("status=confirmed") == [placed[0]["id"]]
    assert ids("payment_status=paid") == []
    assert ids(f"number={placed[2]['number'].lower()}") == [placed[2]["id"]]
    first = client.get(f"{ORDERS}?page_size=2&status=pending", headers=buyer).json
    second = client.get(first["next"], headers=buyer).json
    assert [row["id"] for row in first["results"] + second["results"]] == [p["id"] for p in placed[:0:-1]]


@pytest.mark.parametrize(
    "query", ["status=lost", "payment_status=x", "page=0", "page_size=101", "cursor=zz", "number=%00"]
)
def test_bad_parameters_are_refused(client, buyer, query):
    assert client.get(f"{ORDERS}?{query}", headers=buyer).status_code == 422


def test_an_order_goes_its_way_and_every_step_is_in_its_history(client, buyer, order, catalog, move):
    placed = order((catalog.add(), 1)).json
    for status in ("confirmed", "processing", "shipped", "delivered"):
        moved = move(placed, status)
        assert moved.status_code == 200 and moved.json["status"] == status
    history = client.get(f"{ORDERS}{placed['id']}/history/", headers=buyer).json["results"]
    assert [(step["old_status"], step["new_status"]) for step in history] == [
        (None, "pending"),
        ("pending", "confirmed"),
        ("confirmed", "processing"),
        ("processing", "shipped"),
        ("shipped", "delivered"),
    ]
    assert history[0]["actor_id"] == placed["user_id"] != history[1]["actor_id"]


def test_shipping_takes_the_pieces_out_of_the_stock(order, catalog, move):
    placed = order((catalog.add(), 1)).json
    for status in ("confirmed", "processing", "shipped"):
        move(placed, status)
    assert list(catalog.held) == [f"shipped:order:{placed['id']}"]


def completions(app) -> list[dict]:
    done = select(OutboxEvent.payload).where(OutboxEvent.name == "orders.completed")
    with app.app_context(), reading() as session:
        return list(session.scalars(done))


def test_a_delivered_order_is_announced_with_the_ids_of_its_lines(app, order, catalog, move):
    lamp, soap = catalog.add(title="Lamp"), catalog.add(title="Soap")
    placed = order((lamp, 2), (soap, 1)).json
    for status in ("confirmed", "processing", "shipped"):
        move(placed, status)
    assert completions(app) == []
    move(placed, "delivered")
    (told,) = completions(app)
    assert (told["order_id"], told["user_id"]) == (placed["id"], placed["user_id"])
    lines = [
        (line["title"], line["quantity"], line["variant_id"], line["product_id"]) for line in told["lines"]
    ]
    assert lines == [
        ("Lamp", 2, str(lamp.id), str(lamp.product_id)),
        ("Soap", 1, str(soap.id), str(soap.product_id)),
    ]
    assert told["lines"][0]["total"] == {"minor": 50000, "currency": "ETB"}


def test_an_order_is_completed_once_however_often_it_is_delivered_at_once(app, order, catalog, staff, move):
    placed = order((catalog.add(), 1)).json
    for status in ("confirmed", "processing", "shipped"):
        move(placed, status)
    url, body = f"{ORDERS}{placed['id']}/", {"status": "delivered"}
    calls = [lambda: app.test_client().patch(url, json=body, headers=staff)] * 6
    assert sorted(answer.status_code for answer in in_threads(calls)) == [200] + [409] * 5
    assert len(completions(app)) == 1


def test_an_illegal_step_names_the_legal_ones(client, buyer, order, catalog, move):
    placed = order((catalog.add(), 1)).json
    for status in ("pending", "processing", "shipped", "delivered"):
        refused = move(placed, status)
        assert refused.status_code == 409 and refused.json["code"] == "orders.illegal_transition"
        assert refused.json["legal"] == ["confirmed", "cancelled"]
    move(placed, "cancelled")
    assert move(placed, "confirmed").json["legal"] == []
    history = client.get(f"{ORDERS}{placed['id']}/history/", headers=buyer).json
    assert history["count"] == 2


@pytest.mark.parametrize("body", [{}, {"status": "lost"}, {"status": None}, {"total": "1"}, [1], "x", None])
def test_a_bad_step_is_refused(client, staff, order, catalog, body):
    placed = order((catalog.add(), 1)).json
    answer = client.patch(f"{ORDERS}{placed['id']}/", json=body, headers=staff)
    assert 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"


def test_people_do_not_move_their_orders_themselves(order, buyer, catalog, move):
    assert move(order((catalog.add(), 1)).json, "delivered", headers=buyer).status_code == 403


def test_other_verbs_are_405_even_for_staff(client, staff, order, catalog):
    placed = order((catalog.add(), 1)).json
    url = f"{ORDERS}{placed['id']}/"
    for verb, path in [("put", url), ("delete", url), ("post", url), ("delete", ORDERS), ("put", ORDERS)]:
        answer = getattr(client, verb)(path, json={}, headers=staff)
        assert answer.status_code == 405 and answer.content_type == "application/problem+json"
    assert client.get(url, headers=staff).json == placed


def test_an_owner_cancels_an_unpaid_order_once(client, buyer, order, catalog):
    placed = order((catalog.add(available=1), 1)).json
    url = f"{ORDERS}{placed['id']}/cancel/"
    cancelled = client.post(url, json={"reason": "Changed my mind"}, headers=buyer)
    assert cancelled.status_code == 200 and cancelled.json["status"] == "cancelled"
    assert catalog.held == {}
    again = client.post(url, json={"reason": "Really"}, headers=buyer)
    assert again.status_code == 409 and again.json["code"] == "orders.illegal_transition"
    history = client.get(f"{ORDERS}{placed['id']}/history/", headers=buyer).json["results"]
    assert history[-1]["reason"] == "Changed my mind"


def test_a_shipped_order_is_not_cancelled(client, buyer, order, catalog, move):
    placed = order((catalog.add(), 1)).json
    for status in ("confirmed", "processing", "shipped"):
        move(placed, status)
    refused = client.post(f"{ORDERS}{placed['id']}/cancel/", json={}, headers=buyer)
    assert refused.status_code == 409 and refused.json["code"] == "orders.illegal_transition"


@pytest.mark.parametrize("body", [{"reason": 7}, {"reason": "x" * 501}, {"reason": "\x00"}, {"to": 1}, [1]])
def test_a_bad_cancellation_is_refused(client, buyer, order, catalog, body):
    placed = order((catalog.add(), 1)).json
    assert client.post(f"{ORDERS}{placed['id']}/cancel/", json=body, headers=buyer).status_code == 422
    assert catalog.held
