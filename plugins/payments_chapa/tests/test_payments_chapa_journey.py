"""Each case of a payment through Chapa, on the whole way: shop, platform, provider, gateway, webhooks."""

import re
import time

import httpx
import pytest
from sqlalchemy import text

from nexus_kernel import Money, publish, transaction
from nexus_kernel.contracts.orders import OrderStatusChanged
from nexus_kernel.testing import in_threads


def only(sim):
    (transaction,) = sim.transactions
    return transaction


def test_start_payment_opens_a_hosted_page_for_the_exact_amount(bench, sim):
    reply = bench.initiate(bench.order(Money(123456, "ETB")))
    transaction = only(sim)
    assert reply.json["payment_url"].startswith(f"{sim.url}/checkout/payment/")
    assert reply.json["tx_ref"] == transaction.tx_ref
    assert str(transaction.request.amount) == "1234.56" and transaction.request.currency == "ETB"
    assert transaction.request.email == "abebe@example.com"
    page = httpx.get(reply.json["payment_url"], trust_env=False)
    assert page.status_code == 200 and re.search(r"1,?234\.56", page.text)


def test_our_payment_id_stands_in_the_path_of_the_return_address(bench, sim):
    payment_id = bench.initiate().json["payment_id"]
    request = only(sim).request
    assert request.return_url == f"{bench.url}/api/payments/return/{payment_id}/"
    assert request.callback_url == f"{bench.url}/api/payments/webhook/chapa/"


def test_pressing_pay_twice_returns_the_same_page(bench, sim):
    order = bench.order()
    first, second = bench.initiate(order), bench.initiate(order)
    assert (second.status_code, second.json) == (200, first.json) and only(sim)


def test_paid_on_the_page_means_paid_in_the_shop(bench, sim):
    sim.pay(bench.opened())
    assert bench.deliver() == [200, 200], "the callback and the webhook"
    assert bench.statuses() == ["succeeded"] and bench.events() == ["payments.succeeded"]
    assert bench.payments()[0]["method"] == "test"


def test_the_whole_way_with_ethiopic_text_and_an_address_in_the_signed_body(bench, sim):
    sim.pay(bench.opened(bench.order(description="ትዕዛዝ ቁጥር ፩ / Order №1 <b>")))
    shown = only(sim).request.customization
    assert shown.title == "ትዕዛዝ ቁጥር ፩ Order" and shown.description == "ትዕዛዝ ቁጥር ፩ Order 1 b".replace(
        "1 b", "1 b"
    )
    (webhook,) = (d for d in sim.deliveries if d.kind == "webhook")
    assert b"\\u1275" in webhook.body, "escaped as PHP does"
    bench.deliver()
    assert bench.statuses() == ["succeeded"]


@pytest.mark.parametrize("style", ["php", "js"])
@pytest.mark.parametrize("headers", ["both", "x-only"])
def test_webhooks_are_believed_in_each_documented_shape(bench, sim, style, headers):
    sim.configure(webhook_body=style, signature_headers=headers, callback=False)
    sim.pay(bench.opened())
    assert bench.deliver() == [200] and bench.stored() == ["processed"]


def test_an_amount_as_text_or_as_a_number_is_the_same(bench, sim):
    sim.configure(amount_format="string")
    sim.pay(bench.opened())
    bench.deliver()
    assert bench.statuses() == ["succeeded"]


@pytest.mark.parametrize("headers", ["constant-only", "none"])
def test_the_constant_signature_proves_nothing(bench, sim, headers):
    sim.configure(signature_headers=headers, callback=False)
    sim.pay(bench.opened())
    assert bench.deliver() == [401] and bench.stored() == []


@pytest.mark.parametrize("kind", ["wrong_signature", "tampered"])
def test_a_forged_webhook_is_refused_and_nothing_is_stored(bench, sim, kind):
    sim.configure(callback=False)
    sim.faults.add("webhook", kind)
    sim.pay(bench.opened())
    assert bench.deliver() == [401] and bench.stored() == []


@pytest.mark.parametrize("kind", ["wrong_amount", "wrong_currency"])
def test_what_a_webhook_claims_is_not_what_is_booked(bench, sim, kind):
    sim.faults.add("webhook", kind)
    sim.pay(bench.opened())
    bench.deliver()
    assert bench.payments()[0]["amount"] == "250.00" and bench.statuses() == ["succeeded"]


def test_a_duplicated_webhook_settles_once(bench, sim):
    sim.faults.add("webhook", "duplicate", copies=20)
    sim.pay(bench.opened())
    assert set(bench.deliver()) == {200}
    assert bench.stored() == ["processed"] and bench.events() == ["payments.succeeded"]


def test_fifty_copies_at_once_make_one_transition(bench, sim):
    sim.configure(callback=False)
    sim.pay(bench.opened())
    (webhook,) = sim.deliveries

    def send():
        client = bench.app.test_client()
        return client.post("/api/payments/webhook/chapa/", data=webhook.body, headers=dict(webhook.headers))

    assert {reply.status_code for reply in in_threads([send] * 25)} == {200}
    assert {reply.status_code for reply in in_threads([send] * 25)} == {200}
    bench.drain()
    assert bench.stored() == ["processed"] and bench.events() == ["payments.succeeded"]


def test_a_webhook_that_never_comes_is_made_up_for(bench, sim):
    sim.configure(callback=False)
    sim.faults.add("webhook", "never")
    sim.pay(bench.opened())
    assert bench.deliver() == []
    bench.pass_time(0.6)
    bench.sweep()
    assert bench.statuses() == ["succeeded"]


def test_with_the_broker_down_the_stored_event_is_found_by_the_sweep(bench, sim):
    sim.configure(callback=False)
    sim.pay(bench.opened())
    sim.drain()
    bench.sweep()
    assert bench.statuses() == ["succeeded"] and bench.stored() == ["processed"]


def test_a_hit_on_the_return_page_only_asks(bench, sim):
    reply = bench.initiate()
    path = f"/api/payments/return/{reply.json['payment_id']}/?status=success&trx_ref={reply.json['tx_ref']}"
    assert bench.app.test_client().get(path).json["status"] == "pending"
    bench.drain()
    assert bench.statuses() == ["pending"] and bench.events() == []


def test_a_forged_callback_only_asks(bench, sim):
    reference = bench.opened()
    path = f"/api/payments/webhook/chapa/?trx_ref={reference}&ref_id=APforged&status=success"
    assert bench.app.test_client().get(path).status_code == 200
    bench.drain()
    assert bench.statuses() == ["pending"]


def test_unpaid_and_pending_keep_the_payment_open(bench, sim):
    reference = bench.opened()
    for _ in range(2):
        bench.pass_time(2)
        bench.sweep()
        assert bench.statuses() == ["pending"]
        if only(sim).attempts == 0:
            sim.submit(reference)
    sim.pay(reference)
    bench.pass_time(2)
    bench.sweep()
    assert bench.statuses() == ["succeeded"]


def test_a_failed_try_is_not_the_end_and_a_later_success_counts(bench, sim):
    reference = bench.opened()
    for _ in range(9):
        sim.fail(reference)
        bench.deliver()
    assert bench.statuses() == ["pending"] and bench.events() == []
    sim.pay(reference)
    bench.deliver()
    assert bench.statuses() == ["succeeded"] and bench.events() == ["payments.succeeded"]


def test_a_failure_told_after_the_success_changes_nothing(bench, sim):
    reference = bench.opened()
    sim.fail(reference)
    late = next(d for d in sim.deliveries if d.kind == "webhook")
    sim.pay(reference)
    bench.deliver()
    headers = dict(late.headers)
    bench.app.test_client().post("/api/payments/webhook/chapa/", data=late.body, headers=headers)
    bench.drain()
    assert bench.statuses() == ["succeeded"] and bench.events() == ["payments.succeeded"]


def test_after_a_failed_try_the_buyer_gets_a_fresh_page_and_the_old_one_is_dead(bench, sim):
    order = bench.order()
    first = bench.opened(order)
    sim.fail(first)
    bench.deliver()
    second = bench.opened(order)
    assert first != second and sim.transaction(first).state == "cancelled"
    sim.pay(second)
    bench.deliver()
    assert bench.statuses() == ["canceled", "succeeded"]


def test_after_ten_failed_tries_the_order_stays_payable(bench, sim):
    order = bench.order()
    first = bench.opened(order)
    for _ in range(10):
        sim.fail(first)
    bench.deliver()
    assert bench.opened(order) != first


def test_a_buyer_who_cancels_can_pay_by_another_attempt(bench, sim):
    order = bench.order()
    sim.cancel(bench.opened(order))
    bench.deliver()
    assert bench.statuses() == ["canceled"] and bench.events() == ["payments.failed"]
    assert bench.opened(order)


def test_after_the_deadline_the_page_is_closed_before_the_payment_expires(bench, sim):
    reference = bench.opened()
    bench.pass_time(71)
    bench.sweep()
    assert sim.transaction(reference).state == "cancelled"
    assert bench.statuses() == ["expired"] and bench.events() == ["payments.failed"]


def test_a_confirmation_under_way_at_the_deadline_is_found_afterwards(bench, sim):
    sim.configure(callback=False)
    sim.faults.add("webhook", "never", count=None)
    reference = bench.opened()
    sim.submit(reference)
    bench.pass_time(71)
    bench.sweep()
    assert bench.statuses() == ["expired"]
    sim.pay(reference)
    bench.pass_time(61)
    bench.sweep()
    assert bench.statuses() == ["succeeded"]
    assert bench.events() == ["payments.failed", "payments.succeeded"]


@pytest.mark.parametrize("kind", ["html_500", "drop_before_effect"])
def test_an_opening_that_did_not_arrive_is_sent_again_under_its_reference(bench, sim, kind):
    order = bench.order()
    sim.faults.add("initialize", kind)
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (503, "payments.provider_unavailable")
    assert bench.statuses() == ["unknown"] and sim.transactions == []
    assert bench.opened(order) == bench.payments()[0]["tx_ref"] and len(bench.payments()) == 1


@pytest.mark.parametrize("kind", ["drop_after_effect", "empty_body", "invalid_json"])
def test_an_opening_whose_answer_was_lost_is_unknown_then_closed_and_replaced(bench, sim, kind):
    order = bench.order()
    sim.faults.add("initialize", kind)
    assert bench.initiate(order).status_code == 503
    assert bench.statuses() == ["unknown"]
    lost = only(sim).tx_ref
    reference = bench.opened(order)
    assert reference != lost and sim.transaction(lost).state == "cancelled"
    assert bench.statuses() == ["canceled", "pending"]


def test_a_gateway_that_is_too_slow_is_unknown_within_the_time_limit(bench, sim):
    sim.faults.add("initialize", "delay", seconds=4)
    assert bench.initiate().status_code == 503
    assert bench.statuses() == ["unknown"]


def test_a_slow_gateway_takes_no_database_connection_from_the_rest_of_the_shop(bench, sim):
    sim.faults.add("initialize", "delay", seconds=1.5)
    pool = bench.app.extensions["nexus"].db.engine.pool
    busy = []

    def look():
        for _ in range(10):
            busy.append(pool.checkedout())
            time.sleep(0.1)

    reply, _ = in_threads([bench.initiate, look])
    assert reply.status_code == 201
    assert busy.count(0) >= 8, "no connection is held while the gateway thinks"


@pytest.mark.parametrize("kind", ["html_500", "drop_after_effect", "empty_body", "invalid_json", "delay"])
def test_a_question_without_a_clear_answer_changes_nothing_and_is_asked_again(bench, sim, kind):
    sim.configure(callback=False)
    sim.pay(bench.opened())
    sim.faults.add("verify", kind, seconds=4)
    bench.deliver()
    assert bench.statuses() == ["pending"] and bench.stored() == ["received"]
    bench.pass_time(5)
    bench.sweep()
    assert bench.statuses() == ["succeeded"] and bench.events() == ["payments.succeeded"]


def test_a_key_that_is_revoked_changes_no_payment_and_raises_an_alarm(bench, sim):
    sim.pay(bench.opened())
    sim.configure(secret_keys=("CHASECK_TEST-rotated",))
    bench.deliver()
    assert bench.statuses() == ["pending"]
    assert "refuses the shop's key" in bench.app.test_client().get("/readyz").text
    sim.configure(secret_keys=("CHASECK_TEST-for-tests",))
    bench.pass_time(5)
    bench.sweep()
    assert bench.statuses() == ["succeeded"]


@pytest.mark.parametrize("status", ["cannot_receive", "api_disabled"])
def test_an_account_that_cannot_be_paid_is_the_shops_fault(bench, sim, status):
    order = bench.order()
    sim.configure(account_status=status)
    reply = bench.initiate(order)
    assert (reply.status_code, reply.json["code"]) == (502, "payments.provider_misconfigured")
    assert bench.statuses() == ["failed"]
    sim.configure(account_status="active")
    assert bench.opened(order)


def test_a_wrong_key_is_the_shops_fault(bench, sim):
    sim.configure(secret_keys=("CHASECK_TEST-rotated",))
    assert bench.initiate().status_code == 502


def test_an_amount_past_the_limit_is_told_and_never_reaches_chapa(bench, sim):
    reply = bench.initiate(bench.order(Money(10**14, "ETB")))
    assert (reply.status_code, reply.json["code"]) == (409, "payments.provider_not_available")
    assert reply.json["detail"] == "Chapa takes at most 999999999.00 ETB at a time."
    assert sim.transactions == [] and bench.payments() == []


def test_the_page_of_a_cancelled_order_is_dead(bench, sim):
    order = bench.order()
    reference = bench.opened(order)
    url = bench.payments()[0]["payment_url"]
    with bench.app.app_context(), transaction():
        publish(
            OrderStatusChanged(
                order_id=order,
                number="N-1",
                user_id=bench.buyer,
                old_status="pending",
                new_status="cancelled",
                reason="Cancelled by the buyer",
            )
        )
    bench.drain()
    assert sim.transaction(reference).state == "cancelled" and bench.statuses() == ["canceled"]
    assert "cancelled" in httpx.get(url).text.lower()
    assert bench.events() == []


def test_a_currency_that_chapa_does_not_take_never_reaches_it(bench, sim):
    assert bench.initiate(bench.order(Money(100, "KES"))).status_code == 409
    assert sim.transactions == [] and bench.payments() == []


def test_a_reference_that_is_unknown_here_is_kept_as_an_orphan(bench, sim):
    body = {"amount": "10", "currency": "ETB", "tx_ref": "ANOTHERSHOPSPAYMENT1"}
    key = {"Authorization": f"Bearer {sim.secret_key}"}
    httpx.post(f"{sim.url}/v1/transaction/initialize", json=body, headers=key, trust_env=False)
    sim.pay("ANOTHERSHOPSPAYMENT1")
    assert bench.deliver() == [200] and bench.stored() == ["orphan"] and bench.payments() == []


def test_two_orders_paid_at_once_are_told_apart(bench, sim):
    first, second = bench.opened(), bench.opened()
    sim.pay(second)
    bench.deliver()
    assert {p["tx_ref"]: p["status"] for p in bench.payments()} == {first: "pending", second: "succeeded"}


def test_nothing_secret_or_personal_is_kept_in_the_ledger_or_logged(bench, sim, caplog):
    caplog.set_level("DEBUG")
    sim.pay(bench.opened())
    bench.deliver()
    with bench.app.app_context(), transaction() as session:
        kept = str(session.scalars(text("SELECT data::text FROM payments_transaction_log")).all())
    for secret in ("for-tests", "dashboard-hash", "abebe@example.com", "Bikila"):
        assert secret not in kept and secret not in caplog.text
