"""Each case of a refund through Chapa, on the whole way."""

import re

import pytest
from nexus_payments.services import refund_work

from nexus_kernel import Conflict, Money
from nexus_kernel.testing import in_threads

DAY = 24 * 60


@pytest.fixture
def order(bench, sim):
    """An order of 250.00 birr, paid; the simulator gives money back in test mode too."""
    sim.configure(refund_live_only=False, callback=False)
    return bench.paid()


def at_gateway(sim):
    return [(str(refund.amount), refund.reference, refund.state) for refund in sim.refunds.all()]


def days_later(bench, sim, days=1):
    sim.advance(days * DAY)
    bench.drain()


def test_money_goes_back_and_the_webhook_only_lets_it_be_asked(bench, sim, order):
    bench.ask_back(order, 25000)
    refund = bench.refund()
    assert refund["status"] == "accepted" and re.match("MERC-DIS-REF-", refund["provider_ref"])
    assert at_gateway(sim) == [("250.00", refund["reference"], "initiated")]
    assert sim.refunds.all()[0].reason == "Damaged"
    sim.advance(60)
    bench.drain()
    assert bench.refund()["status"] == "accepted", "charge.refunded comes while it is under way, too"
    days_later(bench, sim)
    assert bench.refund()["status"] == "settled"
    (event,) = bench.heard()
    assert (event.name, event.refunded, event.captured) == (
        "payments.refunded",
        Money(25000, "ETB"),
        Money(25000, "ETB"),
    )


def test_parts_until_nothing_is_left(bench, sim, order):
    for number, minor in enumerate((10050, 4950, 10000)):
        bench.ask_back(order, minor, f"R-{number}")
    with pytest.raises(Conflict):
        bench.ask_back(order, 1, "R-9")
    assert [amount for amount, _, _ in at_gateway(sim)] == ["100.50", "49.50", "100.00"]
    days_later(bench, sim)
    assert [refund["status"] for refund in bench.refunds()] == ["settled"] * 3
    assert sorted(event.refunded.minor for event in bench.heard())[-1] == 25000


def test_twenty_at_once_give_back_no_more_than_came(bench, sim, order):
    def ask(number):
        try:
            bench.ask_back(order, 6000, f"R-{number}")
        except Conflict:
            return False
        return True

    assert in_threads([lambda number=number: ask(number) for number in range(20)]).count(True) == 4
    bench.drain()
    assert len(at_gateway(sim)) == 4


@pytest.mark.parametrize("by_reference", [True, False])
def test_an_answer_that_was_lost_is_one_refund_at_the_gateway(bench, sim, order, by_reference):
    sim.configure(refund_verify_accepts_reference=by_reference)
    sim.faults.add("refund", "drop_after_effect")
    bench.ask_back(order, 10000)
    assert bench.refund()["status"] == "unknown" and len(at_gateway(sim)) == 1
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund()["status"] == "accepted" and len(at_gateway(sim)) == 1
    assert (bench.refund()["provider_ref"] is not None) == by_reference


def test_a_time_out_after_the_effect_is_one_refund_at_the_gateway(bench, sim, order):
    sim.faults.add("refund", "delay", seconds=2.5)
    bench.ask_back(order, 25000)
    assert bench.refund()["status"] == "unknown"
    for _ in range(5):
        bench.pass_time(2)
        bench.sweep()
    assert len(at_gateway(sim)) == 1 and bench.refund()["status"] == "accepted"


@pytest.mark.parametrize("kind", ["html_500", "drop_before_effect", "empty_body", "invalid_json"])
def test_an_answer_that_says_nothing_ends_as_one_refund(bench, sim, order, kind):
    sim.faults.add("refund", kind)
    bench.ask_back(order, 25000)
    assert bench.refund()["status"] == "unknown"
    for _ in range(3):
        bench.pass_time(2)
        bench.sweep()
    assert len(at_gateway(sim)) == 1 and bench.refund()["status"] == "accepted"


def test_a_refund_without_a_name_is_settled_by_a_webhook_that_has_it(bench, sim, order):
    sim.configure(refund_events="refund")
    sim.faults.add("refund", "without_ref_id")
    bench.ask_back(order, 25000)
    assert (bench.refund()["status"], bench.refund()["provider_ref"]) == ("accepted", None)
    days_later(bench, sim)
    assert bench.refund()["status"] == "settled"


def test_a_refund_without_a_name_is_not_settled_by_a_webhook_alone(bench, sim, order):
    sim.configure(refund_signals="webhook-only")
    bench.ask_back(order, 25000)
    days_later(bench, sim, 2)
    assert bench.refund()["status"] == "accepted" and bench.heard() == []


def test_a_webhook_that_never_comes_costs_time_only(bench, sim, order):
    sim.configure(refund_signals="verify-only")
    bench.ask_back(order, 25000)
    days_later(bench, sim, 2)
    assert bench.refund()["status"] == "accepted"
    bench.pass_time(61)
    bench.sweep()
    assert bench.refund()["status"] == "settled"


def test_a_hundred_copies_of_a_webhook_settle_once(bench, sim, order):
    bench.ask_back(order, 25000)
    sim.advance(60)
    sim.faults.add("webhook", "duplicate", copies=100)
    days_later(bench, sim)
    assert bench.refund()["status"] == "settled" and len(bench.heard()) == 1


def test_days_at_initiated_and_then_reversed(bench, sim, order):
    sim.configure(refund_completed_after=5 * 86_400.0)
    sim.faults.add("refund", "reversed")
    bench.ask_back(order, 25000)
    days_later(bench, sim, 4)
    assert bench.refund()["status"] == "accepted"
    days_later(bench, sim)
    assert (bench.refund()["status"], bench.refund()["failure"]) == (
        "reversed",
        "The money came back to the shop.",
    )
    assert [event.name for event in bench.heard()] == ["payments.refund_rejected"]
    bench.ask_back(order, 25000, "R-2")
    assert len(at_gateway(sim)) == 2


def test_reversed_after_it_was_paid_out(bench, sim, order):
    bench.ask_back(order, 25000)
    days_later(bench, sim)
    sim.refunds.reverse(bench.refund()["provider_ref"])
    bench.deliver()
    assert bench.refund()["status"] == "reversed"


def test_a_rejection_frees_the_amount(bench, sim, order):
    sim.faults.add("refund", "rejected")
    bench.ask_back(order, 25000)
    assert (bench.refund()["status"], bench.refund()["failure"]) == (
        "rejected",
        "Chapa does not take this refund.",
    )
    bench.ask_back(order, 25000, "R-2")
    assert len(at_gateway(sim)) == 1


def test_in_test_mode_a_person_gives_the_money_back(bench, sim, order):
    sim.configure(refund_live_only=True)
    bench.ask_back(order, 25000)
    assert bench.refund()["status"] == "needs_person" and "live mode only" in bench.refund()["failure"]
    assert bench.heard() == []


def test_what_was_given_at_the_dashboard_is_more_than_chapa_has_left(bench, sim, order):
    from nexus_chapa_sim.core.refunds import RefundRequest

    sim.refunds.request(sim.transactions[0], RefundRequest())
    bench.ask_back(order, 25000)
    assert bench.refund()["status"] == "rejected"
    assert bench.refund()["failure"] == "This is more than Chapa has left of the payment."


def test_a_worker_that_dies_after_the_call_leaves_one_refund(bench, sim, order, monkeypatch):
    def die(*args, **kwargs):
        raise SystemExit("killed")

    with monkeypatch.context() as patched:
        patched.setattr(refund_work, "apply_result", die)
        with pytest.raises(SystemExit):
            bench.ask_back(order, 25000)
    assert bench.refund()["status"] == "unknown" and len(at_gateway(sim)) == 1
    bench.pass_time(5)
    bench.sweep()
    assert bench.refund()["status"] == "accepted" and len(at_gateway(sim)) == 1


def test_a_wrong_key_is_no_answer_about_the_refund(bench, sim, order):
    bench.ask_back(order, 25000)
    sim.configure(secret_keys=("CHASECK_TEST-another",))
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund()["status"] == "accepted"


def test_a_forged_webhook_of_a_refund_is_refused(bench, sim, order):
    bench.ask_back(order, 25000)
    sim.advance(60)
    bench.drain()
    sim.faults.add("webhook", "wrong_signature", count=None)
    sim.advance(23 * 60)
    assert sim.deliveries[-1].attempts[-1].status == 401
    bench.drain()
    assert bench.refund()["status"] == "accepted"
