"""A person's orders: told, and made anonymous without a hole in the books."""

from uuid import UUID

import orjson
import pytest
from nexus_orders.models import Order, OrderHistory
from sqlalchemy import select

from nexus_kernel import new_id, now, reading, transaction
from nexus_kernel.contracts.payments import PaymentSucceeded
from nexus_kernel.money import Money
from nexus_kernel.testing import count_queries, drain, in_threads


@pytest.fixture
def handler(app):
    return app.extensions["nexus"].data_subjects["orders"]


@pytest.fixture
def erase(app, handler, person):
    def run():
        with app.app_context(), transaction():
            handler.erase(person)

    return run


@pytest.fixture
def address_of(client, staff):
    def read(placed):
        return client.get(f"/api/orders/{placed['id']}/", headers=staff).json["shipping_address"]

    return read


@pytest.fixture
def move(app, staff):
    def patch(placed, *statuses):
        for status in statuses:
            url = f"/api/orders/{placed['id']}/"
            assert app.test_client().patch(url, json={"status": status}, headers=staff).status_code == 200

    return patch


NOWHERE = {
    **dict.fromkeys(("address_line", "city", "postal_code", "region", "recipient", "phone"), ""),
    "country": "ET",
}


def paid(placed, person):
    return PaymentSucceeded(
        payment_id=new_id(), payable_kind="order", payable_id=UUID(placed["id"]), owner_id=person,
        number=placed["number"], provider="chapa", reference="TX1", amount=Money(1000, "ETB"),
        succeeded_at=now(),
    )  # fmt: skip


JOURNEY = ("confirmed", "processing", "shipped", "delivered")


def export(app, handler, person):
    with app.app_context(), reading():
        return orjson.loads(orjson.dumps(handler.export(person)))


def test_the_export_holds_each_order_with_its_lines_in_eight_queries(app, handler, person, order, catalog):
    for _ in range(3):
        order((catalog.add(title="Lantern"), 2), (catalog.add(Money(100, "ETB"), title="Wick"), 1))
    with count_queries(app) as queries:
        orders = export(app, handler, person)["orders"]
    assert len(queries) == 8, str(queries)
    assert [(o["total"], o["currency"], o["shipping_address"]["city"]) for o in orders] == [
        ("501.00", "ETB", "Addis Ababa")
    ] * 3
    assert [line["title"] for line in orders[0]["items"]] == ["Lantern", "Wick"]
    assert export(app, handler, new_id()) == {"orders": []}


def test_the_export_holds_what_happened_to_an_order_and_erasing_takes_the_buyers_words(
    app, client, buyer, staff, handler, person, order, catalog, tell, erase
):
    cancelled, shipped = (order((catalog.add(Money(1000, "ETB")), 1)).json for _ in range(2))
    for placed in (cancelled, shipped):
        tell(paid(placed, person))
    drain(app)
    words = {"reason": "I moved to Bole Road 9"}
    for placed, path in [(cancelled, "cancel"), (shipped, "refund-requests")]:
        answer = client.post(f"/api/orders/{placed['id']}/{path}/", json=words, headers=buyer)
        assert answer.status_code in (200, 201), answer.json
    parcel = {"carrier": "Post", "tracking_code": "LX1", "tracking_url": "https://post.example/LX1"}
    url = f"/api/orders/{shipped['id']}/"
    shipment = client.post(f"{url}shipments/", json=parcel, headers=staff).json
    refund = client.post(f"{url}refunds/", json={"amount": "1.00", "reason": "Late"}, headers=staff)
    assert refund.status_code == 201, refund.json
    first, second = export(app, handler, person)["orders"]
    assert first["cancellation_requests"][0]["reason"] == words["reason"]
    assert second["refund_requests"][0]["amount"] == "10.00"
    assert second["refunds"][0]["amount"] == "1.00" and second["shipments"][0]["tracking_code"] == "LX1"
    erase()
    first, second = export(app, handler, person)["orders"]
    assert "Bole Road 9" not in str([first, second]), "what the buyer wrote is gone everywhere"
    assert second["shipments"][0]["tracking_code"] == "LX1", "it is on its way"
    assert client.post(f"{url}shipments/{shipment['id']}/deliver/", headers=staff).status_code == 200
    (gone,) = export(app, handler, person)["orders"][1]["shipments"]
    assert (gone["tracking_code"], gone["tracking_url"], gone["carrier"]) == ("", None, "Post")
    erase()


def test_a_finished_order_keeps_its_amounts_and_country_and_loses_its_address(
    client, staff, order, catalog, bazaar, move, erase, address_of
):
    bazaar.wrapping.does["snapshot"] = lambda quote: {"greeting": "To Almaz"}
    placed = order((catalog.add(), 2), payment_method="cash").json
    assert placed["extensions"] == {"bazaar": {"greeting": "To Almaz"}}
    move(placed, *JOURNEY)
    before = client.get(f"/api/orders/{placed['id']}/", headers=staff).json
    for _ in range(2):
        erase()
        after = client.get(f"/api/orders/{placed['id']}/", headers=staff).json
        assert address_of(placed) == NOWHERE and after["extensions"] == {}
        kept = ("number", "user_id", "status", "total", "items", "placed_at")
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.parametrize("steps", [JOURNEY, ("cancelled",)])
def test_an_open_order_still_arrives_and_loses_its_address_with_its_last_step(
    order, catalog, move, erase, address_of, address, steps
):
    placed = order((catalog.add(), 1), payment_method="cash").json
    erase()
    assert address_of(placed) == address
    move(placed, *steps[:-1])
    assert address_of(placed) == address
    move(placed, steps[-1])
    assert address_of(placed) == NOWHERE


def test_what_the_buyer_wrote_goes_and_what_the_shop_wrote_stays(app, client, buyer, order, catalog, erase):
    placed = order((catalog.add(), 1)).json
    body = {"reason": "I moved to Bole Road 9"}
    assert client.post(f"/api/orders/{placed['id']}/cancel/", json=body, headers=buyer).status_code == 200
    erase()
    with app.app_context(), reading() as session:
        reasons = session.scalars(select(OrderHistory.reason)).all()
    assert not any("Bole Road" in reason for reason in reasons) and len(reasons) == 2


def test_strangers_orders_are_left_alone(app, handler, order, catalog, move, address_of, address):
    placed = order((catalog.add(), 1), payment_method="cash").json
    move(placed, *JOURNEY)
    with app.app_context(), transaction():
        handler.erase(new_id())
    assert address_of(placed) == address


def test_an_order_that_is_delivered_at_this_moment_loses_its_address(order, catalog, move, erase, address_of):
    placed = order((catalog.add(), 1), payment_method="cash").json
    move(placed, *JOURNEY[:-1])
    in_threads([erase, lambda: move(placed, "delivered"), erase])
    assert address_of(placed) == NOWHERE


def test_late_money_of_an_erased_buyer_is_looked_at_and_ships_nowhere(
    app, client, staff, person, order, catalog, move, erase, tell
):
    placed = order((catalog.add(), 1)).json
    move(placed, "cancelled")
    erase()
    with app.app_context(), reading() as session:
        row = session.scalars(select(Order)).one()
    tell(
        PaymentSucceeded(
            payment_id=new_id(), payable_kind="order", payable_id=row.id, owner_id=person,
            number=row.number, provider="chapa", reference="TX1", amount=row.total, succeeded_at=now(),
        )
    )  # fmt: skip
    drain(app)
    after = client.get(f"/api/orders/{placed['id']}/", headers=staff).json
    assert (after["status"], after["payment_status"]) == ("cancelled", "needs_review")


def test_notes_about_a_person_are_exported_and_erased_and_invoices_stay(
    app, client, handler, person, order, catalog, staff, erase
):
    placed = order((catalog.add(), 1)).json
    url = f"/api/orders/{placed['id']}/"
    client.patch(url, json={"status": "confirmed"}, headers=staff)
    client.post(f"{url}notes/", json={"text": "Rang twice"}, headers=staff)
    invoice = client.get(f"{url}invoice/", headers=staff)
    (told,) = export(app, handler, person)["orders"]
    assert [note["text"] for note in told["notes"]] == ["Rang twice"]
    assert [one["document"]["order_number"] for one in told["invoices"]] == [placed["number"]]
    erase()
    (told,) = export(app, handler, person)["orders"]
    assert told["notes"] == [] and len(told["invoices"]) == 1
    assert client.get(f"{url}invoice/", headers=staff).data == invoice.data
