"""Cancelling a paid order: the buyer asks, staff decide, and the money goes back before the order ends."""

from collections import Counter

import pytest

from nexus_kernel import Money, new_id
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

from .money_events import events_of, refunded, rejected, succeeded

ORDERS = "/api/orders/"
QUEUE = f"{ORDERS}cancellations/"


@pytest.fixture
def paid(app, order, catalog, tell):
    placed = order((catalog.add(Money(1000, "ETB")), 1)).json
    tell(succeeded(placed))
    drain(app)
    return placed


@pytest.fixture
def look(client, staff):
    return lambda placed: client.get(f"{ORDERS}{placed['id']}/", headers=staff).json


@pytest.fixture
def cancel(app, buyer):
    def post(placed, reason="Changed my mind", headers=None):
        url = f"{ORDERS}{placed['id']}/cancel/"
        return app.test_client().post(url, json={"reason": reason}, headers=headers or buyer)

    return post


@pytest.fixture
def decide(app, staff):
    def post(request_id, decision, note="", headers=None):
        url = f"{QUEUE}{request_id}/{decision}/"
        return app.test_client().post(url, json={"note": note}, headers=headers or staff)

    return post


@pytest.fixture
def asked(cancel, paid):
    return cancel(paid).json


@pytest.fixture
def approved(asked, decide):
    answer = decide(asked["cancellation"]["id"], "approve", "Sorry to see you go")
    assert answer.status_code == 200, answer.json
    return asked


def status_of(order):
    return (order["status"], order["payment_status"], order["cancellation"]["status"])


def test_a_paid_order_is_asked_to_be_cancelled_once(cancel, paid, look, catalog):
    answer = cancel(paid)
    assert answer.status_code == 200 and status_of(answer.json) == ("confirmed", "paid", "requested")
    assert answer.json["cancellation"]["reason"] == "Changed my mind"
    assert cancel(paid, "Really").json["cancellation"] == answer.json["cancellation"]
    assert catalog.held and look(paid)["cancellation"]["decided_at"] is None


def test_an_unpaid_order_is_cancelled_at_once_and_asks_nobody(order, catalog, cancel):
    answer = cancel(order((catalog.add(), 1)).json)
    assert answer.json["status"] == "cancelled" and answer.json["cancellation"] is None
    assert not catalog.held


def test_wishes_at_once_are_one_request(client, staff, cancel, paid):
    answers = in_threads([lambda: cancel(paid)] * 6)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["cancellation"]["id"] for answer in answers}) == 1
    assert client.get(QUEUE, headers=staff).json["count"] == 1


def test_staff_see_the_queue_and_filter_it(app, client, buyer, staff, asked, decide):
    (row,) = client.get(f"{QUEUE}?status=requested", headers=staff).json["results"]
    assert (row["order_id"], row["number"]) == (asked["id"], asked["number"])
    assert row["requested_by"] == row["user_id"] == asked["user_id"] and row["decided_by"] is None
    assert client.get(f"{QUEUE}?status=approved", headers=staff).json["results"] == []
    assert client.get(f"{QUEUE}?status=lost", headers=staff).status_code == 422
    assert client.get(QUEUE, headers=buyer).status_code == 403
    assert decide(row["id"], "approve", headers=buyer).status_code == 403
    with count_queries(app) as queries:
        client.get(QUEUE, headers=staff)
    assert len(queries) == 1, str(queries)


def test_an_approved_cancellation_ends_with_the_money(app, approved, payments, tell, look, catalog):
    (asked,) = payments.refunds.values()
    assert (asked.amount, asked.payable_id.hex) == (Money(1000, "ETB"), approved["id"].replace("-", ""))
    assert list(payments.refunds) == [f"cancellation:{approved['cancellation']['id']}"]
    assert status_of(look(approved)) == ("confirmed", "paid", "approved") and catalog.held
    event = refunded(approved, asked)
    tell(event, event)
    drain(app)
    tell(event)
    drain(app)
    after = look(approved)
    assert status_of(after) == ("cancelled", "refunded", "completed")
    assert after["refunded"] == "10.00" and not catalog.held


def test_a_money_event_at_once_from_many_workers_ends_it_once(
    app, approved, payments, tell, look, catalog, monkeypatch
):
    released, release = [], catalog.release
    monkeypatch.setattr(catalog, "release", lambda name: released.append(name) or release(name))
    event = refunded(approved, next(iter(payments.refunds.values())))
    tell(*[event] * 4)

    def deliver():
        with app.app_context():
            deliver_due()

    in_threads([deliver] * 4)
    drain(app)
    assert status_of(look(approved)) == ("cancelled", "refunded", "completed") and len(released) == 1


def test_while_it_is_approved_nothing_leaves(client, staff, approved, look, catalog):
    url = f"{ORDERS}{approved['id']}/"
    body = {"carrier": "Post", "tracking_code": ""}
    refused = client.post(f"{url}shipments/", json=body, headers=staff)
    assert refused.status_code == 409 and refused.json["code"] == "orders.cancellation_under_way"
    assert client.patch(url, json={"status": "processing"}, headers=staff).status_code == 200
    refused = client.patch(url, json={"status": "shipped"}, headers=staff)
    assert refused.json["code"] == "orders.cancellation_under_way"
    assert look(approved)["shipments"] == [] and list(catalog.held) == [f"order:{approved['id']}"]


@pytest.mark.parametrize("round", range(5))
def test_shipping_and_approving_at_once_do_one_of_the_two(app, asked, decide, staff, look, payments, round):
    url = f"{ORDERS}{asked['id']}/shipments/"
    body = {"carrier": "Post", "tracking_code": ""}

    def ship():
        return app.test_client().post(url, json=body, headers=staff).status_code

    def approve():
        return decide(asked["cancellation"]["id"], "approve").status_code

    codes = in_threads([ship, approve])
    assert sorted(codes) in ([200, 409], [201, 409])
    assert (look(asked)["status"] == "shipped") == (codes[0] == 201) == (not payments.refunds)


def test_an_order_that_left_meanwhile_is_not_cancelled_and_the_buyer_hears_why(
    client, staff, asked, decide, look, payments
):
    body = {"carrier": "Post", "tracking_code": ""}
    assert client.post(f"{ORDERS}{asked['id']}/shipments/", json=body, headers=staff).status_code == 201
    refused = decide(asked["cancellation"]["id"], "approve")
    assert refused.status_code == 409 and refused.json["legal"] == ["delivered"] and not payments.refunds
    assert decide(asked["cancellation"]["id"], "decline", "It has left.").status_code == 200
    after = look(asked)
    assert (after["status"], after["cancellation"]["note"]) == ("shipped", "It has left.")


def test_a_decline_says_why_and_the_buyer_may_ask_again(asked, decide, cancel, look, payments):
    id = asked["cancellation"]["id"]
    assert decide(id, "decline").status_code == 422, "without a word"
    declined = decide(id, "decline", "It is packed.")
    assert declined.json["status"] == "declined" and declined.json["decided_by"]
    assert status_of(look(asked)) == ("confirmed", "paid", "declined") and not payments.refunds
    again = cancel(asked, "Please").json["cancellation"]
    assert again["id"] != id and again["status"] == "requested"


def test_of_decisions_at_once_one_counts(app, asked, decide, payments):
    id = asked["cancellation"]["id"]
    calls = [lambda: decide(id, "approve"), lambda: decide(id, "decline", "No")] * 3
    answers = in_threads(calls)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"orders.already_decided"}
    events = events_of(app, "orders.cancellation_decided")
    assert len(events) == 1 and len(payments.refunds) == int(events[0]["approved"])


def test_a_rejected_refund_is_with_staff_again_and_can_be_retried(
    app, approved, payments, tell, look, decide, catalog
):
    id = approved["cancellation"]["id"]
    event = rejected(approved, payments.refunds[f"cancellation:{id}"])
    tell(event, event)
    drain(app)
    assert status_of(look(approved)) == ("confirmed", "paid", "refund_failed") and catalog.held
    assert decide(id, "approve").json["attempts"] == 2
    assert len(events_of(app, "orders.cancellation_decided")) == 1, "the buyer was told before"
    tell(event)
    drain(app)
    assert look(approved)["cancellation"]["status"] == "approved", "the old event says nothing new"
    tell(refunded(approved, payments.refunds[f"cancellation:{id}:2"]))
    drain(app)
    assert status_of(look(approved)) == ("cancelled", "refunded", "completed") and not catalog.held


def test_what_was_given_back_before_is_not_asked_again(
    app, client, staff, paid, cancel, decide, payments, tell, look
):
    body = {"amount": "4.00", "reason": "A scratch"}
    given = client.post(f"{ORDERS}{paid['id']}/refunds/", json=body, headers=staff)
    first = next(iter(payments.refunds.values()))
    id = cancel(paid).json["cancellation"]["id"]
    assert given.status_code == 201 and decide(id, "approve").status_code == 200
    assert payments.refunds[f"cancellation:{id}"].amount == Money(600, "ETB")
    tell(refunded(paid, payments.refunds[f"cancellation:{id}"], refunded=600))
    drain(app)
    assert status_of(look(paid)) == ("confirmed", "partially_refunded", "approved"), "4.00 are on their way"
    tell(refunded(paid, first, refunded=1000))
    drain(app)
    assert status_of(look(paid)) == ("cancelled", "refunded", "completed")


def test_sums_that_come_in_the_wrong_order_end_alike(
    app, client, staff, paid, cancel, decide, payments, tell, look
):
    client.post(f"{ORDERS}{paid['id']}/refunds/", json={"amount": "4.00", "reason": "x"}, headers=staff)
    first = next(iter(payments.refunds.values()))
    id = cancel(paid).json["cancellation"]["id"]
    decide(id, "approve")
    tell(refunded(paid, payments.refunds[f"cancellation:{id}"], refunded=1000))
    drain(app)
    assert look(paid)["status"] == "confirmed", "the other part has not been told"
    tell(refunded(paid, first, refunded=400))
    drain(app)
    after = look(paid)
    assert status_of(after) == ("cancelled", "refunded", "completed") and after["refunded"] == "10.00"


def test_a_wish_is_withdrawn_until_it_is_decided(client, buyer, asked, decide, look, app):
    url = f"{ORDERS}{asked['id']}/cancel/"
    assert client.delete(url, headers=auth_headers(app)).status_code == 404
    assert client.delete(url, headers=buyer).json["cancellation"]["status"] == "withdrawn"
    assert client.delete(url, headers=buyer).json["code"] == "orders.request_not_found"
    assert decide(asked["cancellation"]["id"], "approve").json["code"] == "orders.already_decided"


def test_an_approved_wish_is_not_withdrawn(client, buyer, approved):
    refused = client.delete(f"{ORDERS}{approved['id']}/cancel/", headers=buyer)
    assert refused.status_code == 409 and refused.json["state"] == "approved"


def test_a_stranger_asks_for_nothing(app, cancel, paid, decide):
    assert cancel(paid, headers=auth_headers(app)).status_code == 404
    assert decide(new_id(), "approve").json["code"] == "orders.request_not_found"


def test_an_order_of_nothing_is_cancelled_at_once(order, catalog, bazaar, cancel):
    bazaar.discount.adds(1000)
    free = order((catalog.add(Money(1000, "ETB")), 1)).json
    assert free["payment_status"] == "paid"
    assert cancel(free).json["status"] == "cancelled" and not catalog.held


def test_money_that_was_all_given_back_cancels_without_asking_more(
    app, client, staff, paid, cancel, decide, payments, tell, look, catalog
):
    id = cancel(paid).json["cancellation"]["id"]
    client.post(f"{ORDERS}{paid['id']}/refunds/", json={"reason": "Sorry"}, headers=staff)
    tell(refunded(paid, next(iter(payments.refunds.values()))))
    drain(app)
    assert status_of(look(paid)) == ("confirmed", "refunded", "requested")
    assert decide(id, "approve").json["status"] == "completed"
    assert status_of(look(paid)) == ("cancelled", "refunded", "completed")
    assert len(payments.refunds) == 1 and not catalog.held


def test_an_order_under_review_is_looked_at_before_it_is_cancelled(app, order, catalog, tell, cancel, decide):
    placed = order((catalog.add(Money(1000, "ETB")), 1)).json
    tell(succeeded(placed, amount=Money(999, "ETB")))
    drain(app)
    id = cancel(placed).json["cancellation"]["id"]
    assert decide(id, "approve").json["code"] == "orders.under_review"
