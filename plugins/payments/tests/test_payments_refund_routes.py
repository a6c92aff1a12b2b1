"""The routes of refunds: who may, what is refused, and what a person does where no gateway can."""

import pytest

from nexus_kernel import Money, current_nexus, new_id
from nexus_kernel.contracts.payments import (
    Capability,
    FailureCode,
    PaymentRefunded,
    RefundRejected,
    RefundSnapshot,
    Result,
    Status,
)
from nexus_kernel.testing import auth_headers, count_queries, in_threads


@pytest.fixture
def payment(bench, shop):
    """A payment of 250.00 birr that came."""
    answer = bench.paid()
    shop.heard.clear()
    return answer["payment_id"]


def get(bench, path, headers):
    return bench.app.test_client().get(f"/api/payments{path}", headers=headers)


def test_staff_give_a_payment_back(bench, gateway, payment):
    reply = bench.staff(f"/{payment}/refunds/", reason="Damaged")
    assert reply.status_code == 201, reply.text
    assert reply.json["amount"] == "250.00" and reply.json["status"] == "requested"
    assert reply.json["payment_id"] == payment and reply.json["actor_id"] is not None
    bench.drain()
    assert bench.refund().status == "accepted" and len(gateway.given) == 1
    gateway.move_refunds(Status.SUCCEEDED)
    bench.pass_time(2)
    bench.sweep()
    (event,) = bench.heard(PaymentRefunded)
    assert event.reference == "" and event.amount == Money(25000, "ETB")


def test_a_part_and_then_what_is_left(bench, payment):
    path = f"/{payment}/refunds/"
    assert bench.staff(path, amount="100.50", reason="One piece").json["amount"] == "100.50"
    assert bench.staff(path, reason="The rest").json["amount"] == "149.50"
    for body in ({"reason": "x"}, {"amount": "0.01", "reason": "x"}):
        refused = bench.staff(path, **body)
        assert (refused.status_code, refused.json["code"]) == (409, "payments.not_refundable")


def test_more_than_is_left_is_a_conflict_that_says_what_is_left(bench, payment):
    bench.staff(f"/{payment}/refunds/", amount="50.00", reason="x")
    refused = bench.staff(f"/{payment}/refunds/", amount="200.01", reason="x")
    assert (refused.status_code, refused.json["code"]) == (409, "payments.refund_too_large")
    assert (refused.json["available"], refused.json["currency"]) == ("200.00", "ETB")


@pytest.mark.parametrize("amount", ["0", "0.00", "-1", "1.001", "1e3", "", "NaN", 5, "9999999999999"])
def test_an_amount_that_is_none_is_refused_and_nothing_is_kept(bench, payment, amount):
    body = {"reason": "x", "amount": amount}
    reply = bench.staff(f"/{payment}/refunds/", **body)
    assert reply.status_code == 422 and "amount" in reply.text, reply.text
    assert bench.refunds() == []


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 301}, {"reason": "x", "currency": "USD"}]
)
def test_a_body_that_does_not_fit_is_refused(bench, payment, body):
    assert bench.staff(f"/{payment}/refunds/", **body).status_code == 422
    assert bench.refunds() == []


def test_one_key_is_one_refund_however_often_it_is_sent(bench, gateway, payment):
    headers = {**auth_headers(bench.app, "staff"), "Idempotency-Key": "k-1"}

    def send():
        return bench.staff(f"/{payment}/refunds/", amount="10.00", reason="x", headers=headers)

    first, second = send(), send()
    assert first.status_code == second.status_code == 201 and first.json == second.json
    bench.drain()
    assert len(bench.refunds()) == 1 and len(gateway.given) == 1


def test_one_key_opens_a_payment_once(bench, shop, gateway):
    order = shop.add(bench.buyer)
    key = {"Idempotency-Key": "pay-1"}
    first, second = bench.initiate(order, headers=key), bench.initiate(order, headers=key)
    assert (first.status_code, first.json) == (second.status_code, second.json) and len(gateway.opened) == 1


def test_ten_staff_at_once_give_back_no_more_than_came(bench, gateway, payment):
    def give():
        return bench.staff(f"/{payment}/refunds/", amount="60.00", reason="x").status_code

    answers = in_threads([give] * 10)
    assert answers.count(201) == 4 and set(answers) == {201, 409}
    bench.drain()
    assert len(gateway.given) == 4


def test_only_staff_may_and_strangers_see_nothing(bench, payment):
    path, client = f"/api/payments/{payment}/refunds/", bench.app.test_client()
    refund = bench.staff(f"/{payment}/refunds/", reason="x").json["id"]
    stranger = auth_headers(bench.app, person_id=new_id())
    writes = (path, *(f"/api/payments/refunds/{refund}/{step}/" for step in ("confirm", "reject", "retry")))
    for address in writes:
        assert client.post(address, json={}).status_code == 401
        assert client.post(address, json={}, headers=bench.headers).status_code == 403
    assert get(bench, f"/{payment}/refunds/", stranger).json["code"] == "payments.not_found"
    assert get(bench, "/refunds/", bench.headers).status_code == 403
    assert get(bench, "/refunds/", {}).status_code == 401
    unknown = bench.staff(f"/{new_id()}/refunds/", reason="x")
    assert (unknown.status_code, unknown.json["code"]) == (404, "payments.not_found")
    for step in ("confirm", "reject", "retry"):
        unknown = bench.staff(f"/refunds/{new_id()}/{step}/", note="x")
        assert (unknown.status_code, unknown.json["code"]) == (404, "payments.refund_not_found")


def test_the_buyer_sees_their_refunds_without_what_is_the_shops(bench, payment):
    bench.staff(f"/{payment}/refunds/", reason="Damaged")
    (shown,) = get(bench, f"/{payment}/refunds/", bench.headers).json["results"]
    assert (shown["reason"], shown["amount"], shown["status"]) == ("Damaged", "250.00", "requested")
    assert not {"actor_id", "failure", "reference", "provider_ref"} & set(shown)


def test_staff_see_the_queue_by_status(bench, gateway, payment):
    bench.staff(f"/{payment}/refunds/", amount="1.00", reason="first")
    bench.drain()
    gateway.lacks(Capability.REFUND)
    bench.staff(f"/{payment}/refunds/", amount="2.00", reason="second")
    bench.drain()
    staff = auth_headers(bench.app, "staff")
    assert [row["reason"] for row in get(bench, "/refunds/", staff).json["results"]] == ["second", "first"]
    (row,) = get(bench, "/refunds/?status=needs_person", staff).json["results"]
    assert row["reason"] == "second" and row["failure"] == "Scripted gives no money back by itself."
    assert get(bench, "/refunds/?status=lost", staff).status_code == 422


def test_lists_take_the_same_queries_however_long(bench, payment):
    staff, counts = auth_headers(bench.app, "staff"), []
    for number in range(3):
        bench.staff(f"/{payment}/refunds/", amount="1.00", reason=str(number))
        with count_queries(bench.app) as queue:
            assert get(bench, "/refunds/", staff).json["count"] == number + 1
        with count_queries(bench.app) as mine:
            assert get(bench, f"/{payment}/refunds/", bench.headers).json["count"] == number + 1
        counts.append((len(queue), len(mine)))
    assert counts == [(1, 2)] * 3


@pytest.fixture
def waiting(bench, gateway, payment):
    """The id of a refund that waits for a person, because its gateway cannot do it."""
    gateway.lacks(Capability.REFUND)
    refund = bench.staff(f"/{payment}/refunds/", amount="100.00", reason="x").json["id"]
    bench.drain()
    assert bench.refund().status == "needs_person" and gateway.asked_back == []
    return refund


def test_a_person_confirms_what_they_gave_back(bench, waiting):
    reply = bench.staff(f"/refunds/{waiting}/confirm/", note="Cash from the till")
    assert reply.status_code == 200 and reply.json["status"] == "settled" and reply.json["settled_at"]
    bench.drain()
    (event,) = bench.heard(PaymentRefunded)
    assert (event.amount, event.refunded) == (Money(10000, "ETB"), Money(10000, "ETB"))
    (entry,) = [entry for entry in bench.log() if entry.kind == "refund_confirmed"]
    assert entry.data["remark"] == "Cash from the till" and entry.data["actor"]


def test_a_person_rejects_and_the_amount_is_free_again(bench, waiting, payment):
    reply = bench.staff(f"/refunds/{waiting}/reject/", note="Not returned")
    assert reply.json["status"] == "rejected" and reply.json["failure"] == "Not returned"
    bench.drain()
    (event,) = bench.heard(RefundRejected)
    assert event.reason == "Not returned"
    assert bench.staff(f"/{payment}/refunds/", amount="250.00", reason="x").status_code == 201


def test_a_decision_is_taken_once(bench, waiting):
    def decide(step):
        return bench.staff(f"/refunds/{waiting}/{step}/", note="x").status_code

    answers = in_threads([lambda step=step: decide(step) for step in ("confirm", "reject") * 3])
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]
    bench.drain()
    assert len(bench.heard(PaymentRefunded)) + len(bench.heard(RefundRejected)) == 1


def test_what_a_gateway_works_on_is_not_decided_by_hand(bench, gateway, payment):
    refund = bench.staff(f"/{payment}/refunds/", reason="x").json["id"]
    for _ in range(2):
        for step in ("confirm", "reject", "retry"):
            reply = bench.staff(f"/refunds/{refund}/{step}/", note="x")
            assert (reply.status_code, reply.json["code"]) == (409, "payments.refund_not_waiting")
        bench.drain()


def test_a_person_lets_it_be_tried_again(bench, gateway, waiting):
    gateway.reset_info()
    assert bench.staff(f"/refunds/{waiting}/retry/", note="It can now").json["status"] == "requested"
    bench.drain()
    assert bench.refund().status == "accepted" and len(gateway.asked_back) == 1


def test_a_gateway_that_gives_back_whole_payments_leaves_parts_to_a_person(bench, gateway, payment):
    gateway.lacks(Capability.PARTIAL_REFUND)
    bench.staff(f"/{payment}/refunds/", amount="10.00", reason="x")
    bench.drain()
    assert bench.refund().status == "needs_person" and "whole payments only" in bench.refund().failure
    bench.staff(f"/refunds/{bench.refund().id}/reject/", note="x")
    bench.staff(f"/{payment}/refunds/", reason="All of it")
    bench.drain()
    assert [refund.status for refund in bench.refunds()] == ["rejected", "accepted"]


def test_a_shop_that_its_gateway_refuses_leaves_the_refund_to_a_person(bench, gateway, payment):
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.CONFIGURATION, "Live mode only.")
    bench.staff(f"/{payment}/refunds/", reason="x")
    bench.drain()
    assert (bench.refund().status, bench.refund().failure) == ("needs_person", "Live mode only.")
    assert bench.heard(RefundRejected) == []
    gateway.on_refund = gateway.give_back
    assert bench.staff(f"/refunds/{bench.refund().id}/retry/", note="Keys changed").status_code == 200
    bench.drain()
    assert bench.refund().status == "accepted"


def test_a_payment_of_the_other_mode_is_left_to_a_person(bench, gateway, payment):
    gateway.test_mode = False
    bench.staff(f"/{payment}/refunds/", reason="x")
    bench.drain()
    assert bench.refund().status == "needs_person" and gateway.asked_back == []


def test_a_provider_that_is_gone_leaves_the_refund_to_a_person(bench, gateway, payment, monkeypatch):
    with bench.app.app_context():
        nexus = current_nexus()
    monkeypatch.setattr(nexus, "payment_providers", {})
    refund = bench.staff(f"/{payment}/refunds/", reason="x").json["id"]
    bench.drain()
    assert bench.refund().failure == "The provider scripted is not installed."
    assert get(bench, f"/{payment}/refunds/", bench.headers).json["count"] == 1, "its history can be read"
    assert bench.staff(f"/refunds/{refund}/confirm/", note="By bank").json["status"] == "settled"


def test_a_sent_refund_whose_provider_is_gone_waits_for_it(bench, gateway, payment, monkeypatch):
    bench.staff(f"/{payment}/refunds/", reason="x")
    bench.drain()
    with bench.app.app_context():
        nexus = current_nexus()
    with monkeypatch.context() as gone:
        gone.setattr(nexus, "payment_providers", {})
        bench.pass_time(2)
        bench.sweep()
        assert bench.refund().status == "accepted"
    gateway.move_refunds(Status.SUCCEEDED)
    bench.pass_time(60)
    bench.sweep()
    assert bench.refund().status == "settled"


def test_money_that_was_given_after_all_is_in_the_books(bench, gateway, payment):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    gateway.on_fetch_refund = lambda ctx: RefundSnapshot(status=Status.UNKNOWN)
    refund = bench.staff(f"/{payment}/refunds/", reason="x").json["id"]
    bench.drain()
    bench.pass_time(1500)
    bench.sweep()
    assert bench.staff(f"/refunds/{refund}/reject/", note="Nothing there").json["status"] == "rejected"
    gateway.on_fetch_refund = lambda ctx: RefundSnapshot(status=Status.SUCCEEDED)
    bench.notify(bench.payment().reference, refund=bench.refund().reference)
    bench.drain()
    assert bench.refund().status == "settled"
    assert [event.name for event in bench.shop.heard] == ["payments.refund_rejected", "payments.refunded"]
