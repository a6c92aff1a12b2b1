"""The pages of a cancelled order are closed at their gateway, and money that was faster is not lost."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest
from nexus_payments.services import attempts

from nexus_kernel import publish, transaction
from nexus_kernel.contracts.orders import OrderStatusChanged
from nexus_kernel.contracts.payments import Capability, Result, Snapshot, Status
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import in_threads


@pytest.fixture
def cancel(bench, shop):
    """Cancels an order, as the orders would; with `deliver=False` nobody is told yet."""

    def tell(order: UUID, status: str = "cancelled", *, deliver: bool = True) -> None:
        if status == "cancelled":
            shop.change(order, refusal="It is cancelled.")
        with bench.app.app_context(), transaction():
            publish(
                OrderStatusChanged(
                    order_id=order,
                    number="N-1001",
                    user_id=bench.buyer,
                    old_status="pending",
                    new_status=status,
                    reason="Cancelled by the buyer",
                )
            )
        if deliver:
            bench.drain()

    return tell


def test_the_open_page_of_a_cancelled_order_is_closed_and_nobody_is_told(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    reference = bench.opened(order)["tx_ref"]
    cancel(order)
    assert gateway.cancelled == [reference] and gateway.paid[reference].status is Status.CANCELED
    assert bench.payment().status == "canceled" and shop.heard == []
    last = [entry for entry in bench.log() if entry.kind == "transition"][-1]
    assert last.data["reason"] == "withdrawn"


def test_other_steps_of_an_order_and_other_orders_leave_the_page_open(bench, shop, gateway, cancel):
    order, other = shop.add(bench.buyer), shop.add(bench.buyer)
    bench.opened(order)
    cancel(order, "processing")
    cancel(other)
    assert gateway.cancelled == [] and bench.payment().status == "pending"


def test_money_that_was_faster_than_the_cancellation_is_recorded(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    gateway.pay(bench.opened(order)["tx_ref"])
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    cancel(order)
    assert bench.payment().status == "succeeded"
    assert [event.name for event in shop.heard] == ["payments.succeeded"]


def test_a_gateway_that_is_down_is_asked_again_until_the_page_is_closed(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    bench.opened(order)
    gateway.on_cancel = lambda ctx: Result(status=Status.UNKNOWN)
    gateway.on_fetch = lambda ctx: Snapshot(status=Status.UNKNOWN)
    cancel(order)
    payment = bench.payment()
    assert payment.status == "pending" and payment.next_check_at is not None
    gateway.on_cancel, gateway.on_fetch = gateway.close, gateway.tell
    bench.pass_time(2)
    bench.sweep()
    assert bench.payment().status == "canceled"


def test_a_payment_under_way_is_waited_for(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    reference = bench.opened(order)["tx_ref"]
    gateway.set(reference, status=Status.PENDING)
    gateway.on_cancel = lambda ctx: Result(status=Status.DECLINED)
    cancel(order)
    assert bench.payment().status == "pending"
    gateway.pay(reference)
    bench.pass_time(2)
    bench.sweep()
    assert bench.payment().status == "succeeded"


def test_a_gateway_that_cannot_close_pages_is_only_asked(bench, shop, gateway, cancel, monkeypatch):
    without = gateway.info.capabilities - {Capability.CANCEL}
    order = shop.add(bench.buyer)
    bench.opened(order)
    monkeypatch.setattr(gateway, "info", replace(gateway.info, capabilities=without))
    cancel(order)
    assert gateway.cancelled == [] and bench.payment().status == "pending"


def test_with_every_message_lost_the_sweep_closes_the_page(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    reference = bench.opened(order)["tx_ref"]
    cancel(order, deliver=False)
    with bench.app.app_context():
        deliver_due()
    bench.sweep()
    assert gateway.cancelled == [reference] and bench.payment().status == "canceled"


def test_the_address_of_a_withdrawn_page_is_not_shown(bench, shop, gateway, cancel):
    order = shop.add(bench.buyer)
    payment_id = bench.opened(order)["payment_id"]
    gateway.on_cancel = lambda ctx: Result(status=Status.UNKNOWN)
    cancel(order)
    reply = bench.app.test_client().get(f"/api/payments/{payment_id}/", headers=bench.headers)
    assert (reply.json["status"], reply.json["payment_url"]) == ("pending", None)


def test_a_page_that_is_being_opened_during_the_cancellation_does_not_stay_payable(
    bench, shop, gateway, cancel
):
    order, asked, cancelled = shop.add(bench.buyer), threading.Event(), threading.Event()

    def slow(ctx, amount):
        asked.set()
        assert cancelled.wait(10)
        return gateway.open(ctx, amount)

    def meanwhile():
        assert asked.wait(10)
        cancel(order)
        cancelled.set()

    gateway.on_initiate = slow
    answer, _ = in_threads([lambda: bench.initiate(order), meanwhile])
    assert (answer.status_code, answer.json["code"]) == (409, "payments.not_payable")
    bench.sweep()
    assert bench.payment().status == "canceled"
    assert gateway.paid[gateway.opened[0].reference].status is Status.CANCELED


def test_an_order_that_is_cancelled_before_its_attempt_is_committed_is_not_opened(
    bench, shop, gateway, monkeypatch
):
    order, claim = shop.add(bench.buyer), attempts.claim

    def cancelled_meanwhile(*args):
        shop.change(order, refusal="It is cancelled.")
        return claim(*args)

    monkeypatch.setattr(attempts, "claim", cancelled_meanwhile)
    assert bench.initiate(order).json["code"] == "payments.not_payable"
    assert gateway.opened == [] and bench.payment().status == "canceled" and shop.heard == []
