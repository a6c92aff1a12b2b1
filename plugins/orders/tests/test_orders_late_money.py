"""Late money and the last pieces, against the real stock: what is sold twice, and what is paid twice."""

from uuid import UUID

import pytest
from nexus_orders import plugin
from sqlalchemy import text

from nexus_kernel import Money, new_id, now, publish, transaction
from nexus_kernel.contracts.payments import PaymentSucceeded
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import StandInCart, StandInPayments, auth_headers, drain, in_threads

CART = StandInCart()


@pytest.fixture(scope="session")
def nexus_plugins():
    return [plugin, "catalog", CART, StandInPayments()]


@pytest.fixture
def buy(app, staff, address):
    """Orders a variant for a new buyer."""

    def place(variant: str):
        person = new_id()
        CART.fill(person, {UUID(variant): 1})
        body = {"shipping_address": address, "payment_method": "card"}
        headers = auth_headers(app, person_id=person)
        return app.test_client().post("/api/orders/", json=body, headers=headers)

    return place


@pytest.fixture
def lamp(client, staff):
    """A variant of which one piece is left."""
    body = {"title": "Lamp", "price": "10.00", "currency": "ETB", "stock_quantity": 1}
    answer = client.post("/api/catalog/products/", json=body, headers=staff)
    assert answer.status_code == 201, answer.json
    return answer.json["variants"][0]["id"]


def cancel(app, staff, order) -> None:
    answer = app.test_client().patch(
        f"/api/orders/{order['id']}/", json={"status": "cancelled"}, headers=staff
    )
    assert answer.status_code == 200, answer.json


def pay(app, order) -> None:
    with app.app_context(), transaction():
        publish(
            PaymentSucceeded(
                payment_id=new_id(),
                payable_kind="order",
                payable_id=UUID(order["id"]),
                owner_id=UUID(order["user_id"]),
                number=order["number"],
                provider="chapa",
                reference="TX1",
                amount=Money(1000, "ETB"),
                succeeded_at=now(),
            )
        )


def deliver(app) -> None:
    with app.app_context():
        deliver_due()


def held(app) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(text("SELECT coalesce(sum(quantity), 0) FROM catalog_stock_reservation"))


def statuses(client, staff, *orders):
    answers = [client.get(f"/api/orders/{order['id']}/", headers=staff).json for order in orders]
    return [(answer["status"], answer["payment_status"]) for answer in answers]


def test_the_piece_is_taken_again(app, client, staff, buy, lamp):
    order = buy(lamp).json
    cancel(app, staff, order)
    assert held(app) == 0
    pay(app, order)
    drain(app)
    assert statuses(client, staff, order) == [("confirmed", "paid")] and held(app) == 1
    assert buy(lamp).status_code == 409


def test_a_piece_that_somebody_else_holds_is_left_to_them(app, client, staff, buy, lamp):
    order = buy(lamp).json
    cancel(app, staff, order)
    other = buy(lamp).json
    pay(app, order)
    drain(app)
    assert statuses(client, staff, order, other) == [("cancelled", "needs_review"), ("pending", "pending")]
    assert held(app) == 1


@pytest.mark.parametrize("round", range(3))
def test_late_money_for_many_orders_and_new_buyers_at_once_sell_the_last_piece_once(
    app, client, staff, buy, lamp, round
):
    late = []
    for _ in range(4):
        late.append(buy(lamp).json)
        cancel(app, staff, late[-1])
    for order in late:
        pay(app, order)
    answers = in_threads([lambda: deliver(app), lambda: buy(lamp)] * 4)
    drain(app)
    bought = [a.json for a in answers if a is not None and a.status_code == 201]
    outcomes = statuses(client, staff, *late)
    assert set(outcomes) <= {("confirmed", "paid"), ("cancelled", "needs_review")}
    assert len(bought) + outcomes.count(("confirmed", "paid")) == 1 == held(app)


@pytest.mark.parametrize("round", range(3))
def test_a_cancellation_and_the_money_at_once_never_lose_the_money(app, client, staff, buy, lamp, round):
    order = buy(lamp).json
    pay(app, order)

    def ask() -> int:
        body = {"status": "cancelled"}
        answer = app.test_client().patch(f"/api/orders/{order['id']}/", json=body, headers=staff)
        return answer.status_code

    answers = in_threads([ask, lambda: deliver(app), ask, lambda: deliver(app)])
    drain(app)
    assert set(answers) <= {200, 409, None}
    assert statuses(client, staff, order) == [("confirmed", "paid")] and held(app) == 1
