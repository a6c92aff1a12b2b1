"""Shipments: orders that leave at once or in parts, and arrive."""

from collections import Counter
from uuid import uuid4

import pytest
from nexus_orders.models import Order, ShipmentLine
from nexus_orders.services.lifecycle import expire_due
from sqlalchemy import func, select, update

from nexus_kernel import Money, new_id, now, reading, transaction
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, in_threads

ORDERS = "/api/orders/"
POST = {"carrier": "Ethio Post", "tracking_code": "LX1"}


@pytest.fixture
def lamp(catalog):
    return catalog.add(Money(1000, "ETB"), title="Lamp")


@pytest.fixture
def soap(catalog):
    return catalog.add(Money(500, "ETB"), title="Soap")


@pytest.fixture
def confirmed(order, lamp, soap, client, staff):
    """Three lamps and two soaps."""
    placed = order((lamp, 3), (soap, 2)).json
    url = f"{ORDERS}{placed['id']}/"
    return client.patch(url, json={"status": "confirmed"}, headers=staff).json


@pytest.fixture
def ship(app, staff):
    def create(placed, *pieces, headers=None, **body):
        lines = [{"item_id": placed["items"][i]["id"], "quantity": n} for i, n in pieces]
        body = {**POST, **({"lines": lines} if pieces else {}), **body}
        url = f"{ORDERS}{placed['id']}/shipments/"
        return app.test_client().post(url, json=body, headers=headers or staff)

    return create


@pytest.fixture
def look(client, buyer):
    return lambda placed: client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json


@pytest.fixture
def deliver(app, staff):
    def post(placed, shipment):
        url = f"{ORDERS}{placed['id']}/shipments/{shipment['id']}/deliver/"
        return app.test_client().post(url, headers=staff)

    return post


def told(app, name):
    with app.app_context(), reading() as session:
        found = select(OutboxEvent.payload).where(OutboxEvent.name == name).order_by(OutboxEvent.id)
        return list(session.scalars(found))


def test_the_first_part_prepares_the_order_and_the_last_one_ships_it(confirmed, ship, look, catalog):
    first = ship(confirmed, (0, 2))
    assert first.status_code == 201, first.json
    assert first.json["number"] == 1 and first.json["delivered_at"] is None
    assert first.json["lines"] == [{"item_id": confirmed["items"][0]["id"], "quantity": 2}]
    after = look(confirmed)
    assert after["status"] == "processing"
    assert [item["shipped_quantity"] for item in after["items"]] == [2, 0]
    assert ship(confirmed).json["number"] == 2
    after = look(confirmed)
    assert after["status"] == "shipped"
    assert [item["shipped_quantity"] for item in after["items"]] == [3, 2]
    assert [len(shipment["lines"]) for shipment in after["shipments"]] == [1, 2]
    assert list(catalog.held) == [f"shipped:order:{confirmed['id']}"]


def test_an_order_that_leaves_at_once_takes_every_step_of_its_history(confirmed, ship, client, buyer):
    assert ship(confirmed).status_code == 201
    history = client.get(f"{ORDERS}{confirmed['id']}/history/", headers=buyer).json["results"]
    assert [step["new_status"] for step in history] == ["pending", "confirmed", "processing", "shipped"]
    assert history[-1]["reason"] == "Shipment 1 left"


def test_each_shipment_is_told_with_its_pieces(app, confirmed, ship, lamp):
    url = "https://post.example/LX1"
    first = ship(confirmed, (0, 2), tracking_url=url).json
    ship(confirmed)
    parts = told(app, "orders.shipped")
    assert [part["is_complete"] for part in parts] == [False, True]
    assert (parts[0]["shipment_id"], parts[0]["tracking_url"], parts[0]["carrier"]) == (
        first["id"],
        url,
        "Ethio Post",
    )
    (line,) = parts[0]["lines"]
    assert (line["quantity"], line["total"], line["variant_id"]) == (
        2,
        {"minor": 2000, "currency": "ETB"},
        str(lamp.id),
    )
    changes = [(e["old_status"], e["new_status"]) for e in told(app, "orders.status_changed")]
    assert changes[-2:] == [("confirmed", "processing"), ("processing", "shipped")]


def test_an_order_is_delivered_with_the_last_of_its_shipments(app, confirmed, ship, deliver, look):
    first = ship(confirmed, (0, 3)).json
    assert deliver(confirmed, first).json["delivered_at"]
    assert look(confirmed)["status"] == "processing", "there is more to come"
    second = ship(confirmed).json
    assert look(confirmed)["status"] == "shipped"
    assert deliver(confirmed, second).status_code == 200
    assert look(confirmed)["status"] == "delivered"
    assert len(told(app, "orders.completed")) == 1
    again = deliver(confirmed, second)
    assert again.status_code == 200 and look(confirmed)["status"] == "delivered"


def test_a_status_named_by_staff_ships_and_delivers_what_is_left(client, staff, confirmed, ship, look):
    ship(confirmed, (1, 1))
    url = f"{ORDERS}{confirmed['id']}/"
    assert client.patch(url, json={"status": "shipped"}, headers=staff).json["status"] == "shipped"
    assert [s["carrier"] for s in look(confirmed)["shipments"]] == ["Ethio Post", ""]
    after = client.patch(url, json={"status": "delivered"}, headers=staff).json
    assert after["status"] == "delivered" and all(s["delivered_at"] for s in after["shipments"])


def test_more_than_is_left_is_refused_and_nothing_leaves(confirmed, ship, look, catalog):
    ship(confirmed, (0, 2))
    for pieces in [((0, 2),), ((1, 1), (0, 3))]:
        refused = ship(confirmed, *pieces)
        assert refused.status_code == 409 and refused.json["code"] == "orders.not_left_to_ship"
        assert (refused.json["lines"][0]["title"], refused.json["lines"][0]["left"]) == ("Lamp", 1)
    assert [item["shipped_quantity"] for item in look(confirmed)["items"]] == [2, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"carrier": ""},
        {"carrier": None},
        {"carrier": "x" * 101},
        {"tracking_code": None},
        {"tracking_code": "a\x00"},
        {"tracking_url": "javascript:alert(1)"},
        {"tracking_url": "ftp://post.example/1"},
        {"tracking_url": "https://post.example/\x00"},
        {"tracking_url": "nowhere"},
        {"tracking_url": ""},
        {"tracking_url": "https://post.example/" + "x" * 2000},
        {"lines": []},
        {"lines": None},
        {"lines": [{}]},
        {"lines": [{"item_id": str(uuid4()), "quantity": 1}]},
        {"status": "shipped"},
    ],
)
def test_a_bad_shipment_is_refused(confirmed, ship, look, changes):
    refused = ship(confirmed, **changes)
    assert refused.status_code == 422 and refused.json["errors"], refused.json
    assert look(confirmed)["shipments"] == []


@pytest.mark.parametrize("quantity", [0, -1, 2**31, 1.5, "1", None, True])
def test_a_bad_number_of_pieces_is_refused(confirmed, ship, quantity):
    line = {"item_id": confirmed["items"][0]["id"], "quantity": quantity}
    assert ship(confirmed, lines=[line]).status_code == 422


def test_an_item_is_named_once(confirmed, ship):
    assert ship(confirmed, (0, 1), (0, 1)).status_code == 422


def test_an_item_of_another_order_is_no_item(order, lamp, confirmed, ship):
    other = order((lamp, 1)).json
    line = {"item_id": other["items"][0]["id"], "quantity": 1}
    refused = ship(confirmed, lines=[line])
    assert refused.json["errors"][0]["path"] == "lines[0].item_id"


def test_an_order_that_is_not_confirmed_or_has_left_does_not_leave(order, lamp, confirmed, ship):
    pending = order((lamp, 1)).json
    assert ship(pending).json["code"] == "orders.illegal_transition"
    ship(confirmed)
    refused = ship(confirmed)
    assert refused.status_code == 409 and refused.json["legal"] == ["delivered"]


def test_a_partly_shipped_order_is_not_cancelled(client, buyer, staff, confirmed, ship, catalog):
    ship(confirmed, (0, 1))
    url = f"{ORDERS}{confirmed['id']}/"
    by_buyer = client.post(f"{url}cancel/", json={}, headers=buyer)
    by_staff = client.patch(url, json={"status": "cancelled"}, headers=staff)
    for refused in (by_buyer, by_staff):
        assert refused.status_code == 409 and refused.json["code"] == "orders.partly_shipped"
        assert "on its way" in refused.json["detail"]
    assert f"order:{confirmed['id']}" in catalog.held


def test_carrier_and_tracking_are_corrected(client, staff, confirmed, ship, look):
    url = f"{ORDERS}{confirmed['id']}/shipments/{ship(confirmed).json['id']}/"
    body = {"tracking_code": "LX2", "tracking_url": "http://post.example/2"}
    assert client.patch(url, json=body, headers=staff).status_code == 200
    (shipment,) = look(confirmed)["shipments"]
    assert (shipment["carrier"], shipment["tracking_code"]) == ("Ethio Post", "LX2")
    assert client.patch(url, json={"tracking_url": None}, headers=staff).json["tracking_url"] is None
    assert client.patch(url, json={"tracking_url": "data:x"}, headers=staff).status_code == 422
    assert client.patch(url, json={}, headers=staff).status_code == 200


def test_shipments_are_seen_by_the_owner_and_made_by_staff(app, client, buyer, confirmed, ship, order, lamp):
    url = f"{ORDERS}{confirmed['id']}/shipments/"
    assert ship(confirmed, headers=buyer).status_code == 403
    shipment = ship(confirmed).json
    assert client.get(url, headers=buyer).json["results"] == [shipment]
    assert client.get(url, headers=auth_headers(app)).status_code == 404
    for path in (f"{shipment['id']}/", f"{shipment['id']}/deliver/"):
        send = client.post if "deliver" in path else client.patch
        assert send(url + path, json={}, headers=buyer).status_code == 403


def test_a_shipment_is_found_through_its_own_order_only(client, staff, confirmed, ship, order, lamp):
    other, shipment = order((lamp, 1)).json, ship(confirmed).json
    for id, code in [(shipment["id"], "shipment_not_found"), (str(new_id()), "shipment_not_found")]:
        url = f"{ORDERS}{other['id']}/shipments/{id}/"
        for answer in (
            client.patch(url, json={}, headers=staff),
            client.post(f"{url}deliver/", headers=staff),
        ):
            assert answer.status_code == 404 and answer.json["code"] == f"orders.{code}"
    url = f"{ORDERS}{new_id()}/shipments/"
    assert client.post(url, json=POST, headers=staff).json["code"] == "orders.not_found"


def test_one_key_makes_one_shipment(confirmed, ship, staff):
    keyed = {**staff, "Idempotency-Key": str(uuid4())}
    first, again = (ship(confirmed, (0, 1), headers=keyed) for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.json == again.json


def test_shipments_at_once_never_hold_more_than_the_order(app, confirmed, ship, look):
    answers = in_threads([lambda: ship(confirmed, (0, 2)), lambda: ship(confirmed, (0, 2), (1, 1))] * 3)
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {201: 1, 409: 5}
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.sum(ShipmentLine.quantity))) in (2, 3)


def test_all_that_is_left_at_once_leaves_once(confirmed, ship, look):
    ship(confirmed, (0, 1))
    answers = in_threads([lambda: ship(confirmed)] * 5)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
    after = look(confirmed)
    assert after["status"] == "shipped" and [s["number"] for s in after["shipments"]] == [1, 2]


@pytest.mark.parametrize("round", range(3))
def test_the_expiry_and_a_shipment_at_once_do_one_of_the_two(
    app, order, lamp, ship, staff, look, catalog, round
):
    placed = order((lamp, 1)).json
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(expires_at=now()))

    def confirm_and_ship():
        url = f"{ORDERS}{placed['id']}/"
        answer = app.test_client().patch(url, json={"status": "confirmed"}, headers=staff)
        return answer.status_code, ship(placed).status_code

    def expire():
        with app.app_context():
            expire_due()

    codes, _ = in_threads([confirm_and_ship, expire])
    assert codes in ((200, 201), (409, 409))
    assert look(placed)["status"] == ("shipped" if codes == (200, 201) else "cancelled")
    assert list(catalog.held) == ([f"shipped:order:{placed['id']}"] if codes == (200, 201) else [])


def test_deliveries_at_once_complete_an_order_once(app, confirmed, ship, deliver, look):
    parts = [ship(confirmed, (0, 1)).json, ship(confirmed, (0, 2)).json, ship(confirmed).json]
    answers = in_threads([lambda part=part: deliver(confirmed, part) for part in parts * 2])
    assert {answer.status_code for answer in answers} == {200}
    assert look(confirmed)["status"] == "delivered" and len(told(app, "orders.completed")) == 1


def test_an_order_is_read_in_one_query_whatever_happened_to_it(app, client, buyer, confirmed, ship):
    url = f"{ORDERS}{confirmed['id']}/"
    for _ in range(2):
        with count_queries(app) as one:
            assert client.get(url, headers=buyer).status_code == 200
        with count_queries(app) as page:
            assert client.get(ORDERS, headers=buyer).status_code == 200
        with count_queries(app) as shipments:
            assert client.get(f"{url}shipments/", headers=buyer).status_code == 200
        assert (len(one), len(page), len(shipments)) == (1, 1, 2), f"{one}\n{page}\n{shipments}"
        ship(confirmed, (0, 1)), ship(confirmed, (0, 1), (1, 2))


@pytest.mark.parametrize("lines", [1, 20])
def test_shipping_takes_the_same_number_of_statements_whatever_the_number_of_lines(
    app, order, catalog, client, staff, ship, lines
):
    placed = order(*((catalog.add(), 1) for _ in range(lines))).json
    client.patch(f"{ORDERS}{placed['id']}/", json={"status": "confirmed"}, headers=staff)
    with count_queries(app) as queries:
        assert ship(placed).status_code == 201
    assert len(queries) == 14, str(queries)
