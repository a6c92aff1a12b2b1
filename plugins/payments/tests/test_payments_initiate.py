"""Opening a payment: one attempt, committed before its gateway is called."""

import os
import signal
from datetime import timedelta
from uuid import uuid4

import pytest

from nexus_kernel import Money, current_nexus, migrations, new_id
from nexus_kernel.contracts.payments import Failure, FailureCode, Redirect, Result, Snapshot, Status
from nexus_kernel.testing import auth_headers, in_threads


def fails(code, message="No.", retryable=False):
    failure = Failure(code=code, safe_message=message, retryable=retryable)
    return lambda *args: Result(status=Status.DECLINED, failure=failure)


def raises(*args):
    raise TimeoutError("the gateway is gone")


def test_the_models_and_the_migrations_agree(app):
    assert migrations.check(app) == []


def test_a_payment_is_opened_and_its_page_is_returned(bench, shop, gateway):
    order = shop.add(bench.buyer)
    answer = bench.opened(order)
    payment = bench.payment()
    assert answer == {
        "payment_url": f"https://pay.example/{payment.reference}",
        "payment_id": str(payment.id),
        "tx_ref": payment.reference,
        "next_action": {"kind": "redirect", "url": f"https://pay.example/{payment.reference}"},
        "status": "pending",
    }
    assert (payment.amount, payment.mode, payment.payable_id) == (Money(25000, "ETB"), "test", order)
    assert len(payment.reference) == 20 and payment.reference.isalnum() and payment.reference.isupper()


def test_the_gateway_gets_the_buyer_and_addresses_with_our_own_id_in_the_path(bench, gateway):
    answer = bench.opened()
    (ctx,) = gateway.opened
    assert ctx.customer.email == "abebe@example.com" and ctx.description == "Order N-1001"
    assert ctx.urls.return_url == f"http://127.0.0.1:8000/api/payments/return/{answer['payment_id']}/"
    assert ctx.urls.notify_url == "http://127.0.0.1:8000/api/payments/webhook/scripted/"


def test_the_attempt_is_committed_and_no_transaction_is_open_during_the_call(bench, gateway, app):
    seen = []

    def look(ctx, amount):
        seen.append([(p.reference, p.status) for p in bench.payments()])
        seen.append(current_nexus().db.engine.pool.checkedout())
        return gateway.open(ctx, amount)

    gateway.on_initiate = look
    answer = bench.opened()
    assert seen == [[(answer["tx_ref"], "created")], 0]


def test_pressing_pay_twice_gives_the_same_page(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    again = bench.initiate(order, return_url="http://127.0.0.1:5000/thanks")
    assert (again.status_code, again.json) == (200, first)
    assert len(gateway.opened) == 1
    assert bench.payment().return_url == "http://127.0.0.1:5000/thanks"


def test_twenty_requests_at_once_make_one_attempt_at_one_gateway(bench, shop, gateway, slow):
    order = shop.add(bench.buyer)
    gateway.on_initiate = slow(gateway.open)
    answers = in_threads([lambda: bench.initiate(order)] * 20)
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json["payment_url"] for answer in answers}) == 1
    assert len(gateway.opened) == 1 and len(bench.payments()) == 1


def test_a_second_request_does_not_wait_for_a_slow_gateway_for_ever(bench, shop, gateway, slow, app):
    object.__setattr__(app.extensions["nexus"].plugins["payments"].config, "wait_for_other", 0.2)
    order = shop.add(bench.buyer)
    gateway.on_initiate = slow(gateway.open, 1.5)
    answers = in_threads([lambda: bench.initiate(order)] * 2)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert refused.json["code"] == "payments.in_progress" and refused.headers["Retry-After"] == "2"


def test_one_idempotency_key_gives_one_reply(bench, shop, gateway):
    order = shop.add(bench.buyer)
    key = {"Idempotency-Key": "k-1"}
    first, second = bench.initiate(order, headers=key), bench.initiate(order, headers=key)
    assert first.json == second.json and second.headers["Idempotent-Replayed"] == "true"
    assert bench.initiate(shop.add(bench.buyer), headers=key).status_code == 422


def test_nobody_is_asked_to_sign_in(bench, shop):
    order = shop.add(bench.buyer)
    reply = bench.app.test_client().post("/api/payments/initiate/", json={"order_id": str(order)})
    assert reply.status_code == 401


def test_a_strangers_order_is_not_found(bench, shop, gateway):
    order = shop.add(new_id())
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (404, "payments.payable_not_found")
    assert bench.initiate(uuid4()).json["code"] == "payments.payable_not_found"
    assert gateway.opened == [] and bench.payments() == []


def test_what_cannot_be_paid_says_why(bench, shop):
    order = shop.add(bench.buyer, refusal="The order is cancelled.")
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (409, "payments.not_payable")
    assert reply.json["detail"] == "The order is cancelled."


@pytest.mark.parametrize("amount", [Money(25000, "KES"), Money(99, "ETB"), Money(1_000_001, "ETB")])
def test_a_currency_or_an_amount_that_the_gateway_does_not_take_is_refused(bench, shop, gateway, amount):
    reply = bench.initiate(shop.add(bench.buyer, amount))
    assert (reply.status_code, reply.json["code"]) == (409, "payments.provider_not_available")
    assert gateway.opened == [] and bench.payments() == []


def test_a_free_order_has_nothing_to_pay(bench, shop):
    assert bench.initiate(shop.add(bench.buyer, Money(0, "ETB"))).json["code"] == "payments.not_payable"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"provider": ""}, "provider"),
        ({"amount": "1.00"}, "amount"),
        ({"order_id": "17"}, "order_id"),
        ({"return_url": 5}, "return_url"),
    ],
)
def test_bad_input_names_its_field(bench, shop, body, path):
    reply = bench.initiate(shop.add(bench.buyer), **body)
    assert reply.status_code == 422
    assert [error["path"] for error in reply.json["errors"]] == [path]


@pytest.mark.parametrize(
    "body", [b"[1]", b'"x"', b"", b"a=b", b'{"order_id": NaN}', b"\xff\xfe", b"{" * 5000]
)
def test_a_body_that_is_no_object_is_refused(bench, body):
    reply = bench.app.test_client().post(
        "/api/payments/initiate/", data=body, headers=bench.headers, content_type="application/json"
    )
    assert reply.status_code in (400, 422) and reply.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/thanks",
        "javascript:alert(1)",
        "//evil.example",
        "/thanks",
        "http://127.0.0.1@evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1:8000\\@evil.example/",
        "http://[::1",
        "http://127.0.0.1:999999/",
        "https://shop.example/a b",
    ],
)
def test_a_return_address_outside_of_the_allow_list_is_refused(bench, shop, gateway, url):
    reply = bench.initiate(shop.add(bench.buyer), return_url=url)
    assert reply.status_code == 422 and reply.json["errors"][0]["path"] == "return_url"
    assert gateway.opened == []


def test_an_exception_of_the_provider_is_unknown_and_never_failed(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.on_initiate = raises
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (503, "payments.provider_unavailable")
    payment = bench.payment()
    assert payment.status == "unknown" and payment.next_check_at is not None


def test_an_opening_that_never_arrived_is_sent_again_under_its_reference_once(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.on_initiate = raises
    bench.initiate(order)
    reference = bench.payment().reference
    gateway.on_initiate = gateway.open
    answer = bench.initiate(order)
    assert answer.status_code == 201 and answer.json["tx_ref"] == reference
    assert gateway.opened[0].idempotency_key == bench.payment().idempotency_key


def test_an_opening_whose_answer_was_lost_is_closed_at_the_gateway_and_replaced(bench, shop, gateway):
    order = shop.add(bench.buyer)

    def lose_answer(ctx, amount):
        gateway.open(ctx, amount)
        raise ConnectionResetError

    gateway.on_initiate = lose_answer
    assert bench.initiate(order).status_code == 503
    lost = bench.payment().reference
    gateway.on_initiate = gateway.open
    answer = bench.initiate(order)
    assert answer.status_code == 201 and answer.json["tx_ref"] != lost
    assert gateway.cancelled == [lost]
    assert [p.status for p in bench.payments()] == ["canceled", "pending"]
    bench.drain()
    assert shop.heard == [], "nobody is told of an attempt that was replaced"


def test_an_opening_whose_answer_was_lost_but_was_paid_is_not_paid_again(bench, shop, gateway):
    order = shop.add(bench.buyer)

    def lose_answer(ctx, amount):
        gateway.open(ctx, amount)
        gateway.pay(ctx.reference)
        raise ConnectionResetError

    gateway.on_initiate = lose_answer
    bench.initiate(order)
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (409, "payments.not_payable")
    assert [p.status for p in bench.payments()] == ["succeeded"]


def test_a_duplicate_reference_means_that_the_first_try_got_through(bench, shop, gateway):
    calls = []

    def duplicate_once(ctx, amount):
        calls.append(ctx.reference)
        result = gateway.open(ctx, amount)
        if len(calls) == 1:
            return fails(FailureCode.DUPLICATE_REFERENCE)()
        return result

    gateway.on_initiate = duplicate_once
    answer = bench.opened()
    assert gateway.cancelled == [calls[0]] and answer["tx_ref"] == calls[1]


def test_a_gateway_that_is_down_keeps_the_attempt_for_later(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.on_initiate = gateway.on_fetch = raises
    assert bench.initiate(order).status_code == 503
    assert bench.initiate(order).status_code == 503
    assert [p.status for p in bench.payments()] == ["unknown"]


def test_a_process_that_is_killed_during_the_call_does_not_block_the_next(bench, shop, gateway, app):
    order = shop.add(bench.buyer)
    child = os.fork()
    if child == 0:
        app.extensions["nexus"].db.dispose()
        gateway.on_initiate = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        bench.initiate(order)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert bench.payment().status == "created", "it was committed before the call"
    bench.pass_time(1)
    assert bench.initiate(order).status_code == 201
    assert len(bench.payments()) == 1


def test_a_refusal_fails_the_attempt_and_the_order_stays_payable(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.on_initiate = fails(FailureCode.INVALID_REQUEST, "email: is no address")
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (422, "payments.rejected")
    assert reply.json["detail"] == "email: is no address"
    gateway.on_initiate = gateway.open
    assert bench.initiate(order).status_code == 201
    assert [p.status for p in bench.payments()] == ["failed", "pending"]
    bench.drain()
    (event,) = shop.heard
    assert event.name == "payments.failed" and event.reason == "invalid_request"


def test_a_refused_key_is_the_shops_fault_and_says_nothing_of_it(bench, shop, gateway):
    gateway.on_initiate = fails(FailureCode.CONFIGURATION, "Invalid API key CHASECK-1")
    reply = bench.initiate(shop.add(bench.buyer))
    assert (reply.status_code, reply.json["code"]) == (502, "payments.provider_misconfigured")
    assert "CHASECK" not in reply.text


def test_too_many_requests_at_the_gateway_is_a_503(bench, shop, gateway):
    gateway.on_initiate = fails(FailureCode.UNAVAILABLE, retryable=True)
    assert bench.initiate(shop.add(bench.buyer)).status_code == 503


def test_an_answer_without_a_page_is_unknown(bench, shop, gateway):
    gateway.on_initiate = lambda ctx, amount: Result(status=Status.PENDING)
    assert bench.initiate(shop.add(bench.buyer)).status_code == 503
    assert bench.payment().status == "unknown"


def test_success_is_never_taken_from_the_opening(bench, shop, gateway):
    gateway.on_initiate = lambda ctx, amount: Result(
        status=Status.SUCCEEDED, next_action=Redirect("https://pay.example/x")
    )
    bench.opened()
    bench.drain()
    assert bench.payment().status == "pending" and shop.heard == []


def test_a_page_whose_time_is_over_is_replaced(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    bench.pass_time(60)
    second = bench.initiate(order)
    assert second.status_code == 201 and second.json["tx_ref"] != first["tx_ref"]
    assert gateway.cancelled == [first["tx_ref"]]


def test_another_amount_closes_the_open_attempt_first(bench, shop, gateway):
    order = shop.add(bench.buyer)
    bench.opened(order)
    shop.change(order, amount=Money(30000, "ETB"))
    assert bench.initiate(order).status_code == 201
    assert [(p.status, p.amount_minor) for p in bench.payments()] == [("canceled", 25000), ("pending", 30000)]


def test_a_second_attempt_waits_while_the_buyer_confirms_the_first(bench, shop, gateway):
    order = shop.add(bench.buyer)
    answer = bench.opened(order)
    gateway.set(answer["tx_ref"], status=Status.PENDING)
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    shop.change(order, amount=Money(30000, "ETB"))
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (409, "payments.in_progress")
    assert [p.status for p in bench.payments()] == ["pending"]


def test_a_declined_attempt_does_not_block_the_next(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    gateway.set(first["tx_ref"], status=Status.DECLINED)
    bench.notify(first["tx_ref"])
    bench.drain()
    assert bench.payment().status == "pending", "the gateway lets the buyer try again"
    second = bench.initiate(order)
    assert second.status_code == 201 and second.json["tx_ref"] != first["tx_ref"]
    assert gateway.cancelled == [first["tx_ref"]]


def test_a_paid_order_cannot_be_paid_again_before_its_event_arrived(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.pay(bench.opened(order)["tx_ref"])
    bench.notify(bench.payment().reference)
    for name, args in bench.app.extensions["nexus"].dispatcher.sent:
        if name == "payments.process_event":
            with bench.app.app_context():
                bench.app.extensions["nexus"].tasks[name].function(*args)
    assert bench.initiate(order).json["code"] == "payments.not_payable"


def test_a_payment_under_review_is_not_paid_again(bench, shop, gateway):
    order = shop.add(bench.buyer)
    gateway.pay(bench.opened(order)["tx_ref"], captured=Money(1, "ETB"))
    bench.pass_time(1)
    bench.sweep()
    assert bench.payment().status == "needs_review"
    assert bench.initiate(order).json["code"] == "payments.not_payable"


def test_a_closed_attempt_is_not_reopened_by_a_late_answer(bench, shop, gateway):
    order = shop.add(bench.buyer)

    def slow_and_overtaken(ctx, amount):
        bench.change(status="canceled")
        return gateway.open(ctx, amount)

    gateway.on_initiate = slow_and_overtaken
    assert bench.initiate(order).status_code == 503
    assert {p.status for p in bench.payments()} == {"canceled"}


def test_the_webhook_that_comes_before_the_answer_wins(bench, shop, gateway):
    def overtaken(ctx, amount):
        result = gateway.open(ctx, amount)
        gateway.pay(ctx.reference)
        bench.notify(ctx.reference)
        bench.drain()
        return result

    gateway.on_initiate = overtaken
    reply = bench.initiate(shop.add(bench.buyer))
    assert (reply.status_code, reply.json["code"]) == (409, "payments.not_payable")
    assert bench.payment().status == "succeeded"
    assert [event.name for event in shop.heard] == ["payments.succeeded"]


def test_what_the_gateway_said_is_kept_without_its_secrets(bench, gateway):
    bench.opened()
    kinds = [entry.kind for entry in bench.log()]
    assert kinds == ["initiate", "answer", "transition"]
    stored = str([entry.data for entry in bench.log()])
    assert "do-not-store" not in stored and "'link': 'sent'" in stored


def test_an_unclear_gateway_leaves_an_open_page_usable(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    bench.change(failure_code="declined")
    gateway.on_fetch = lambda ctx: Snapshot(status=Status.UNKNOWN)
    again = bench.initiate(order)
    assert (again.status_code, again.json["payment_url"]) == (200, first["payment_url"])


def test_staff_cannot_open_a_payment_for_somebody_else(bench, shop):
    order = shop.add(bench.buyer)
    reply = bench.app.test_client().post(
        "/api/payments/initiate/", json={"order_id": str(order)}, headers=auth_headers(bench.app, "staff")
    )
    assert reply.status_code == 404


def test_the_deadline_is_the_gateways(bench):
    bench.opened()
    payment = bench.payment()
    assert payment.deadline - payment.created_at == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=5)
    )


def test_a_test_payment_is_not_resumed_with_live_keys(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    gateway.test_mode = False
    second = bench.initiate(order)
    assert second.status_code == 201 and second.json["tx_ref"] != first["tx_ref"]
    assert [p.mode for p in bench.payments()] == ["test", "live"]


def test_the_allow_list_of_return_addresses_is_a_setting(bench, shop, app):
    config = app.extensions["nexus"].plugins["payments"].config
    object.__setattr__(config, "return_urls", ("https://shop.example",))
    order = shop.add(bench.buyer)
    assert bench.initiate(order, return_url="https://shop.example/thanks?x=1").status_code == 201
    assert bench.initiate(order, return_url="https://shop.example:8443/").status_code == 422
