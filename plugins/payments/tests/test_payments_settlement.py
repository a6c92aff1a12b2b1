"""Settling: only the gateway's own answer counts, it is compared, and it counts once."""

from dataclasses import replace

import pytest
from nexus_payments.services.checks import check
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from nexus_kernel import Money, transaction
from nexus_kernel.contracts.payments import Failure, FailureCode, Result, Snapshot, Status
from nexus_kernel.testing import in_threads


def ask(bench):
    with bench.app.app_context():
        check(bench.payments()[-1].id)
    bench.drain()


def names(shop):
    return [event.name for event in shop.heard]


def test_twenty_looks_at_once_settle_once_and_tell_once(bench, shop, gateway):
    gateway.pay(bench.opened()["tx_ref"])
    payment_id = bench.payment().id

    def look():
        with bench.app.app_context():
            return check(payment_id)

    in_threads([look] * 20)
    bench.drain()
    assert names(shop) == ["payments.succeeded"] and bench.payment().status == "succeeded"
    targets = [e.data["target"] for e in bench.log() if e.kind == "transition"]
    assert targets == ["pending", "succeeded"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"captured": Money(24999, "ETB")}, "amount is 249.99, not 250.00"),
        ({"captured": Money(25001, "ETB")}, "amount is 250.01, not 250.00"),
        ({"captured": Money(25000, "USD")}, "currency is USD, not ETB"),
        ({"captured": None}, "the gateway names no amount"),
        ({"reference": "ANOTHER"}, "the reference is another one"),
        ({"reference": None}, "the reference is another one"),
        ({"test_mode": False}, "mode is live, not test"),
    ],
)
def test_money_that_does_not_match_is_reviewed_and_pays_nothing(bench, shop, gateway, changes, reason):
    opened = bench.opened()["tx_ref"]
    gateway.pay(opened)
    gateway.paid[opened] = replace(gateway.paid[opened], **changes)
    ask(bench)
    assert bench.payment().status == "needs_review" and names(shop) == ["payments.needs_review"]
    assert shop.heard[0].reason == reason
    assert bench.log()[-1].data["reason"] == reason, "the evidence is kept"


def test_nothing_leaves_review_by_itself(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"], captured=Money(1, "ETB"))
    ask(bench)
    gateway.pay(answer["tx_ref"], captured=Money(25000, "ETB"))
    bench.notify(answer["tx_ref"])
    bench.drain()
    assert bench.payment().status == "needs_review" and names(shop) == ["payments.needs_review"]


@pytest.mark.parametrize("late", [Status.DECLINED, Status.CANCELED, Status.PENDING, Status.UNKNOWN])
def test_nothing_that_comes_late_changes_a_success(bench, shop, gateway, late):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    ask(bench)
    gateway.set(answer["tx_ref"], status=late)
    bench.notify(answer["tx_ref"])
    ask(bench)
    assert bench.payment().status == "succeeded" and names(shop) == ["payments.succeeded"]


def test_a_decline_that_the_buyer_can_repeat_keeps_the_attempt_open(bench, shop, gateway):
    answer = bench.opened()
    gateway.set(answer["tx_ref"], status=Status.DECLINED)
    ask(bench)
    assert bench.payment().status == "pending" and shop.heard == []
    gateway.pay(answer["tx_ref"])
    ask(bench)
    assert names(shop) == ["payments.succeeded"] and bench.payment().failure_code is None


def test_a_decline_without_a_second_try_fails_the_attempt(bench, shop, gateway, monkeypatch):
    monkeypatch.setattr(gateway, "info", replace(gateway.info, retry_after_decline=False))
    gateway.set(bench.opened()["tx_ref"], status=Status.DECLINED)
    ask(bench)
    assert bench.payment().status == "failed" and shop.heard[0].reason == "declined"


def test_a_cancellation_at_the_gateway_ends_the_attempt(bench, shop, gateway):
    gateway.set(bench.opened()["tx_ref"], status=Status.CANCELED)
    ask(bench)
    assert bench.payment().status == "canceled" and shop.heard[0].reason == "canceled"


@pytest.mark.parametrize("ended", ["canceled", "expired", "failed"])
def test_money_that_comes_after_the_end_is_recorded(bench, shop, gateway, ended):
    answer = bench.opened()
    bench.change(status=ended)
    gateway.pay(answer["tx_ref"])
    bench.notify(answer["tx_ref"])
    bench.drain()
    assert bench.payment().status == "succeeded" and names(shop) == ["payments.succeeded"]


def test_two_attempts_that_were_both_paid_are_both_recorded(bench, shop, gateway):
    order = shop.add(bench.buyer)
    first = bench.opened(order)
    bench.pass_time(61)
    second = bench.initiate(order).json
    for answer in (first, second):
        gateway.pay(answer["tx_ref"])
        bench.notify(answer["tx_ref"])
    bench.drain()
    assert sorted(event.reference for event in shop.heard) == sorted([first["tx_ref"], second["tx_ref"]])


def test_a_lost_webhook_costs_half_a_minute(bench, shop, gateway):
    gateway.pay(bench.opened()["tx_ref"])
    bench.sweep()
    assert bench.payment().status == "pending", "it is not due yet"
    bench.pass_time(0.6)
    bench.sweep()
    assert bench.payment().status == "succeeded"


def test_an_unpaid_attempt_is_asked_about_after_1_2_5_10_and_20_minutes(bench, gateway):
    bench.opened()
    gaps = []
    for _ in range(6):
        ask(bench)
        payment = bench.payment()
        gaps.append(round((payment.next_check_at - payment.checked_at).total_seconds() / 60))
    assert gaps == [1, 2, 5, 10, 20, 20]


def test_the_last_look_is_at_the_deadline_and_its_margin(bench):
    bench.opened()
    bench.pass_time(65)
    bench.change(checks=4)
    ask(bench)
    payment = bench.payment()
    assert payment.status == "pending"
    assert round((payment.next_check_at - payment.deadline).total_seconds() / 60) == 10


def test_after_the_deadline_the_page_is_closed_and_the_gateway_is_asked_once_more(bench, shop, gateway):
    answer = bench.opened()
    bench.pass_time(71)
    bench.sweep()
    assert gateway.cancelled == gateway.fetched == [answer["tx_ref"]]
    assert bench.payment().status == "expired" and shop.heard[0].reason == "expired"


def test_an_attempt_that_cannot_be_closed_at_the_gateway_expires(bench, shop, gateway):
    bench.opened()
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    bench.pass_time(71)
    bench.sweep()
    assert bench.payment().status == "expired"
    (event,) = shop.heard
    assert (event.name, event.reason) == ("payments.failed", "expired")


def test_money_that_arrived_at_the_last_moment_is_not_expired(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    bench.pass_time(71)
    bench.sweep()
    assert names(shop) == ["payments.succeeded"]


def test_a_lost_webhook_after_the_end_is_found_within_the_hour(bench, shop, gateway):
    answer = bench.opened()
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    bench.pass_time(71)
    bench.sweep()
    gateway.pay(answer["tx_ref"])
    bench.pass_time(61)
    bench.sweep()
    assert names(shop) == ["payments.failed", "payments.succeeded"]


def test_an_attempt_is_not_expired_while_its_gateway_is_down(bench, shop, gateway):
    bench.opened()
    gateway.on_cancel = lambda ctx: Result(status=Status.UNKNOWN)
    gateway.on_fetch = lambda ctx: Snapshot(status=Status.UNKNOWN)
    bench.pass_time(71)
    bench.sweep()
    assert bench.payment().status == "pending" and bench.payment().next_check_at is not None
    bench.pass_time(60 * 24 * 4)
    bench.sweep()
    assert bench.payment().status == "expired"


def test_a_refused_key_changes_no_state_and_raises_an_alarm(bench, shop, gateway):
    bench.opened()
    refused = Failure(code=FailureCode.CONFIGURATION, safe_message="refused")
    gateway.on_fetch = lambda ctx: Snapshot(status=Status.UNKNOWN, failure=refused)
    ask(bench)
    assert bench.payment().status == "pending" and shop.heard == []
    ready = bench.app.test_client().get("/readyz")
    assert "refuses the shop's key" in ready.json["checks"]["payments.configuration"]
    assert ready.status_code == 200


def test_a_gateway_that_is_down_is_not_asked_about_every_payment_of_a_run(bench, shop, gateway):
    for _ in range(5):
        bench.opened()
    gateway.on_fetch = lambda ctx: Snapshot(status=Status.UNKNOWN)
    bench.pass_time(1)
    bench.sweep()
    assert len(gateway.fetched) == 1


def test_workers_side_by_side_ask_about_each_payment_once(bench, gateway):
    from nexus_payments.tasks import sweep_checks

    for _ in range(12):
        bench.opened()
    bench.pass_time(1)

    def sweep():
        with bench.app.app_context():
            sweep_checks.function()

    in_threads([sweep] * 6)
    assert len(gateway.fetched) == len(set(gateway.fetched)) == 12


def test_the_history_of_a_provider_that_is_gone_stays_readable(bench, gateway, monkeypatch):
    bench.opened()
    monkeypatch.delitem(bench.app.extensions["nexus"].payment_providers._entries, "scripted")
    ask(bench)
    payment = bench.payment()
    assert payment.status == "pending" and payment.check_failure == "provider_missing"
    page = bench.app.test_client().get("/api/payments/", headers=bench.headers)
    assert page.json["results"][0]["provider"] == "scripted"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_transaction_log SET kind = 'x'",
        "DELETE FROM payments_transaction_log",
        "TRUNCATE payments_transaction_log",
    ],
)
def test_the_ledger_is_append_only(bench, statement):
    bench.opened()
    with pytest.raises(DBAPIError, match="append-only"), bench.app.app_context(), transaction() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [{"status": "paid"}, {"amount_minor": -1}, {"currency": "etb"}, {"mode": "?"}, {"reference": "a b"}],
)
def test_the_database_refuses_what_cannot_be(bench, change):
    bench.opened()
    with pytest.raises(DBAPIError):
        bench.change(**change)
