"""Money is given back once, never more than came, and whatever becomes of a process or a message."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nexus_payments.services import inbox, refund_work
from nexus_payments.services.refunds import split

from nexus_kernel import Conflict, Invalid, Money, new_id, services, transaction
from nexus_kernel.contracts.payments import (
    Capability,
    FailureCode,
    PaymentRefunded,
    PaymentService,
    RefundRejected,
    RefundSnapshot,
    Result,
    Status,
)
from nexus_kernel.testing import in_threads, rounds


def birr(minor):
    return Money(minor, "ETB")


@pytest.fixture
def order(bench, shop):
    """An order of 250.00 birr that is paid."""
    order = shop.add(bench.buyer)
    bench.paid(order)
    shop.heard.clear()
    return order


def statuses(bench):
    return [refund.status for refund in bench.refunds()]


def entries(bench):
    return [entry.kind for entry in bench.log() if entry.kind.startswith("refund")]


def settle(bench, gateway, status=Status.SUCCEEDED, **changes):
    gateway.move_refunds(status, **changes)
    bench.pass_time(2)
    bench.sweep()


def test_a_refund_is_sent_accepted_and_settled(bench, gateway, order):
    refund_id = bench.ask_back(order, birr(25000))
    assert statuses(bench) == ["requested"] and gateway.asked_back == [], "nothing before the commit"
    bench.drain()
    assert statuses(bench) == ["accepted"] and bench.heard(PaymentRefunded) == []
    settle(bench, gateway)
    refund, (event,) = bench.refund(), bench.heard(PaymentRefunded)
    assert refund.id == refund_id and refund.status == "settled" and refund.settled_at is not None
    assert refund.provider_ref == f"G-{refund.reference}" and refund.next_check_at is None
    assert (event.refund_id, event.payment_id) == (refund_id, bench.payment().id)
    assert (event.reference, event.amount, event.refunded, event.captured) == (
        "R-1",
        birr(25000),
        birr(25000),
        birr(25000),
    )
    (ctx,) = gateway.asked_back
    assert ctx.refund_reference == refund.reference != ctx.reference == bench.payment().reference
    assert ctx.idempotency_key == f"refund-{refund_id}"


def test_each_step_is_in_the_ledger_without_what_is_secret(bench, gateway, order):
    refund_id = bench.ask_back(order, birr(100))
    bench.drain()
    settle(bench, gateway)
    assert entries(bench) == [
        "refund_requested",
        "refund_sent",
        "refund_answer",
        "refund_transition",
        "refund_fetched",
        "refund_transition",
    ]
    of_refund = [entry.data for entry in bench.log() if entry.kind.startswith("refund")]
    assert {data["refund"] for data in of_refund} == {str(refund_id)} and "hidden" not in str(of_refund)


def test_a_gateway_that_gives_back_at_once_settles_at_once(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.SUCCEEDED)
    bench.ask_back(order, birr(100))
    bench.drain()
    assert statuses(bench) == ["settled"] and len(bench.heard(PaymentRefunded)) == 1


def test_parts_are_given_back_until_nothing_is_left(bench, gateway, order):
    for number in range(5):
        bench.ask_back(order, birr(5000), f"R-{number}")
    bench.drain()
    with pytest.raises(Conflict) as too_much:
        bench.ask_back(order, birr(1), "R-6")
    assert too_much.value.code == "payments.refund_too_large"
    assert too_much.value.extensions["available"] == "0.00"
    settle(bench, gateway)
    events = bench.heard(PaymentRefunded)
    assert sorted(event.refunded.minor for event in events) == [5000, 10000, 15000, 20000, 25000]
    assert {event.captured for event in events} == {birr(25000)}


def test_the_same_reference_is_the_same_refund(bench, gateway, order):
    first = bench.ask_back(order, birr(25000))
    assert bench.ask_back(order, birr(25000)) == first and bench.ask_back(order, birr(7)) == first
    bench.drain()
    settle(bench, gateway)
    assert bench.ask_back(order, birr(25000)) == first, "also when nothing is left"
    assert len(gateway.given) == 1 and len(bench.refunds()) == 1


def test_the_same_reference_for_something_else_is_a_conflict(bench, shop, order):
    bench.ask_back(order, birr(100))
    other = shop.add(bench.buyer)
    bench.paid(other)
    with pytest.raises(Conflict) as taken:
        bench.ask_back(other, birr(100))
    assert taken.value.code == "payments.refund_reference_used"


def test_the_same_reference_twice_at_once_is_one_refund(bench, gateway, order):
    ids = in_threads([lambda: bench.ask_back(order, birr(10000))] * 4)
    bench.drain()
    assert len(set(ids)) == 1 and len(gateway.given) == 1


def test_one_reference_for_two_orders_at_once_is_one_refund(bench, shop, order):
    other = shop.add(bench.buyer)
    bench.paid(other)

    def ask(of):
        try:
            return bench.ask_back(of, birr(100))
        except Conflict as error:
            return error.code

    answers = in_threads([lambda: ask(order), lambda: ask(other)])
    assert "payments.refund_reference_used" in answers and len(bench.refunds()) == 1


@pytest.mark.proof
def test_twenty_refunds_at_once_never_exceed_what_was_collected(bench, gateway, order):
    for round_ in range(rounds(1, 5)):

        def ask(number, round_=round_):
            try:
                return bench.ask_back(order, birr(4000), f"{round_}-{number}")
            except Conflict:
                return None

        in_threads([lambda number=number: ask(number) for number in range(20)])
        bench.drain()
        assert len(bench.refunds()) <= 6
    assert len(bench.refunds()) == 6 and sum(refund.amount_minor for refund in bench.refunds()) == 24000
    assert len(gateway.given) == 6


def test_nothing_is_given_back_of_what_was_not_paid(bench, shop):
    order = shop.add(bench.buyer)
    bench.opened(order)
    for payable in (order, new_id()):
        with pytest.raises(Conflict) as nothing:
            bench.ask_back(payable, birr(100))
        assert nothing.value.code == "payments.not_refundable"


def test_amounts_references_and_currencies_are_checked(bench, order):
    for minor in (0, -5):
        with pytest.raises(Invalid):
            bench.ask_back(order, birr(minor))
    with pytest.raises(Conflict):
        bench.ask_back(order, Money(100, "USD"))
    for reference in ("", "x" * 201):
        with pytest.raises(ValueError, match="characters"):
            bench.ask_back(order, birr(1), reference)
    assert bench.refunds() == []


def test_a_refund_that_is_rolled_back_with_its_caller_never_was(bench, gateway, order):
    with bench.app.app_context(), pytest.raises(RuntimeError), transaction():
        services.get(PaymentService).refund(
            "order", order, birr(100), reference="R-1", reason="", actor_id=None
        )
        raise RuntimeError("the caller fails")
    bench.drain()
    bench.sweep()
    assert bench.refunds() == [] and gateway.asked_back == []


@pytest.fixture
def paid_twice(bench, shop, gateway, order):
    """The order's 250.00 birr were paid by two payments."""
    bench.change(payable_kind="elsewhere")
    bench.paid(order)
    bench.change(payable_kind="order")
    shop.heard.clear()
    return order


def test_money_that_came_by_two_payments_goes_back_to_both(bench, gateway, paid_twice):
    first = bench.ask_back(paid_twice, birr(40000))
    bench.drain()
    refunds = bench.refunds()
    assert first == refunds[0].id and [refund.part for refund in refunds] == [0, 1]
    assert [refund.amount_minor for refund in refunds] == [25000, 15000]
    assert {of for of, _ in gateway.given.values()} == {payment.reference for payment in bench.payments()}
    settle(bench, gateway)
    events = bench.heard(PaymentRefunded)
    assert {event.reference for event in events} == {"R-1"} and {
        event.captured.minor for event in events
    } == {50000}
    assert sorted(event.refunded.minor for event in events) in ([15000, 40000], [25000, 40000])


def test_what_one_payment_has_is_not_split(bench, paid_twice):
    bench.ask_back(paid_twice, birr(1000), "R-1")
    bench.ask_back(paid_twice, birr(25000), "R-2")
    assert len(bench.refunds()) == 2
    one, other = bench.refunds()
    assert one.payment_id != other.payment_id


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=6), st.data())
def test_a_split_gives_the_exact_amount_and_no_payment_more_than_it_has(rests, data):
    left = {new_id(): rest for rest in rests}
    total = sum(rests)
    minor = data.draw(st.integers(1, total)) if total else 0
    if not minor:
        return
    parts = split(minor, left)
    assert sum(part for _, part in parts) == minor
    assert all(0 < part <= left[payment_id] for payment_id, part in parts)
    assert len({payment_id for payment_id, _ in parts}) == len(parts)
    assert len(parts) == 1 or max(rests) < minor


def test_a_certain_no_is_a_rejection_and_the_amount_is_free_again(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.INVALID_REQUEST, "Too old.")
    bench.ask_back(order, birr(25000))
    bench.drain()
    (event,) = bench.heard(RefundRejected)
    assert (bench.refund().status, bench.refund().failure, event.reason) == (
        "rejected",
        "Too old.",
        "Too old.",
    )
    gateway.on_refund = gateway.give_back
    bench.ask_back(order, birr(25000), "R-2")
    bench.drain()
    assert statuses(bench) == ["rejected", "accepted"]


def test_a_gateway_that_is_busy_is_asked_again_later(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.UNAVAILABLE, "Busy.", retryable=True)
    bench.ask_back(order, birr(100))
    bench.drain()
    assert bench.refund().status == "requested"
    gateway.on_refund = gateway.give_back
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund().status == "accepted" and len(gateway.given) == 1


def test_a_gateway_that_stays_busy_for_a_day_leaves_it_to_a_person(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.UNAVAILABLE, "Busy.", retryable=True)
    bench.ask_back(order, birr(100))
    bench.drain()
    bench.pass_time(1500)
    bench.sweep()
    assert (bench.refund().status, bench.refund().failure) == ("needs_person", "Busy.")


def test_an_answer_that_was_lost_after_the_effect_is_one_refund(bench, gateway, order):
    def lost(ctx, amount):
        gateway.give_back(ctx, amount)
        raise TimeoutError("no answer")

    gateway.on_refund = lost
    bench.ask_back(order, birr(10000))
    bench.drain()
    assert bench.refund().status == "unknown"
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund().status == "accepted" and len(gateway.asked_back) == 1, "asked, not sent again"
    settle(bench, gateway)
    assert bench.refund().status == "settled" and len(bench.heard(PaymentRefunded)) == 1


def test_what_the_gateway_never_heard_of_is_sent_again_under_the_same_reference(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    bench.ask_back(order, birr(10000))
    bench.drain()
    gateway.on_refund = gateway.give_back
    bench.pass_time(2)
    bench.sweep()
    first, second = gateway.asked_back
    assert (first.refund_reference, first.idempotency_key) == (
        second.refund_reference,
        second.idempotency_key,
    )
    assert bench.refund().status == "accepted" and len(gateway.given) == 1


def test_a_gateway_that_takes_a_reference_twice_is_never_sent_one_twice(bench, gateway, order):
    gateway.lacks(Capability.NATIVE_IDEMPOTENCY)
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    bench.ask_back(order, birr(10000))
    bench.drain()
    for minutes in (2, 60, 1500):
        bench.pass_time(minutes)
        bench.sweep()
    assert bench.refund().status == "needs_person" and len(gateway.asked_back) == 1
    retry = bench.staff(f"/refunds/{bench.refund().id}/retry/", note="again")
    assert (retry.status_code, retry.json["code"]) == (409, "payments.refund_at_gateway")


def test_a_gateway_that_cannot_say_is_asked_and_nothing_is_sent_again(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    gateway.on_fetch_refund = lambda ctx: RefundSnapshot(status=Status.UNKNOWN)
    bench.ask_back(order, birr(10000))
    bench.drain()
    for _ in range(3):
        bench.pass_time(30)
        bench.sweep()
    assert bench.refund().status == "unknown" and len(gateway.asked_back) == 1
    assert bench.refund().next_check_at is not None


def test_a_no_to_the_second_sending_may_mean_that_the_first_got_through(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    bench.ask_back(order, birr(25000))
    bench.drain()
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.INVALID_REQUEST, "More than is left.")
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund().status == "unknown" and bench.heard(RefundRejected) == []


def test_a_reference_that_is_known_to_the_gateway_got_through(bench, gateway, order):
    gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)
    bench.ask_back(order, birr(100))
    bench.drain()
    gateway.on_refund = lambda ctx, amount: gateway.refused(FailureCode.DUPLICATE_REFERENCE, "Used before.")
    bench.pass_time(2)
    bench.sweep()
    assert bench.refund().status == "accepted"


@pytest.mark.parametrize("step", ["apply_result", "refund_payment"])
def test_a_worker_that_dies_around_the_call_is_followed_by_another(bench, gateway, order, monkeypatch, step):
    honest = getattr(refund_work, step)

    def die(*args, **kwargs):
        if step == "refund_payment":
            honest(*args, **kwargs)
        raise SystemExit("killed")

    bench.ask_back(order, birr(10000))
    monkeypatch.setattr(refund_work, step, die)
    with pytest.raises(SystemExit):
        bench.drain()
    assert bench.refund().status == "unknown" and len(gateway.given) == 1, "the intent was committed"
    monkeypatch.setattr(refund_work, step, honest)
    bench.sweep()
    assert bench.refund().status == "unknown", "it is still the dead worker's"
    bench.pass_time(3)
    bench.sweep()
    assert bench.refund().status == "accepted" and len(gateway.asked_back) == 1


@pytest.mark.parametrize("step", ["lock_refund", "_still_ours"])
def test_a_worker_that_dies_before_the_call_is_followed_by_another(bench, gateway, order, monkeypatch, step):
    def die(*args, **kwargs):
        raise SystemExit("killed")

    bench.ask_back(order, birr(10000))
    with monkeypatch.context() as patched:
        patched.setattr(refund_work, step, die)
        with pytest.raises(SystemExit):
            bench.drain()
    assert bench.refund().status == "requested" and gateway.asked_back == []
    bench.pass_time(3)
    bench.sweep()
    assert bench.refund().status == "accepted" and len(gateway.given) == 1


def test_a_worker_that_dies_between_question_and_booking_leaves_it_to_another(
    bench, gateway, order, monkeypatch
):
    bench.ask_back(order, birr(10000))
    bench.drain()
    gateway.move_refunds(Status.SUCCEEDED)

    def die(*args, **kwargs):
        raise SystemExit("killed")

    bench.pass_time(2)
    with monkeypatch.context() as patched:
        patched.setattr(refund_work, "apply_snapshot", die)
        with pytest.raises(SystemExit):
            bench.sweep()
    assert bench.refund().status == "accepted"
    bench.pass_time(3)
    bench.sweep()
    assert bench.refund().status == "settled" and len(bench.heard(PaymentRefunded)) == 1


@pytest.mark.parametrize("answered", [True, False])
def test_a_worker_that_woke_up_late_sends_nothing(bench, gateway, order, monkeypatch, answered):
    bench.ask_back(order, birr(10000))
    obstacle, asleep, done = refund_work._obstacle, threading.Event(), threading.Event()

    def sleepy(*args):
        if threading.current_thread() is not threading.main_thread():
            asleep.set()
            assert done.wait(10)
        return obstacle(*args)

    monkeypatch.setattr(refund_work, "_obstacle", sleepy)
    if not answered:
        gateway.on_refund = lambda ctx, amount: Result(status=Status.UNKNOWN)

    def sleeper():
        with bench.app.app_context():
            refund_work.run(bench.refund().id)

    thread = threading.Thread(target=sleeper)
    thread.start()
    assert asleep.wait(10)
    bench.pass_time(3)
    bench.sweep()
    done.set()
    thread.join()
    assert bench.refund().status == ("accepted" if answered else "unknown") and len(gateway.asked_back) == 1


def test_a_webhook_during_the_call_is_looked_at_when_it_is_over(bench, gateway, order):
    refund_id, seen = bench.ask_back(order, birr(10000)), []

    def slow(ctx, amount):
        bench.notify(bench.payment().reference, refund=ctx.refund_reference)
        seen.append((refund_work.run(refund_id, forced=True), inbox.process_event(bench.events()[-1].id)))
        return gateway.give_back(ctx, amount)

    gateway.on_refund = slow
    bench.lose_messages()
    with bench.app.app_context():
        refund_work.run(refund_id)
    assert seen == [(None, False)] and bench.refund().status == "accepted"
    assert bench.events()[-1].status == "received"
    gateway.move_refunds(Status.SUCCEEDED)
    bench.pass_time(1)
    bench.sweep()
    assert bench.refund().status == "settled" and bench.events()[-1].status == "processed"


def test_workers_side_by_side_send_once(bench, gateway, order, slow):
    gateway.on_refund = slow(gateway.give_back, 0.1)
    refund_id = bench.ask_back(order, birr(10000))

    def work():
        with bench.app.app_context():
            refund_work.run(refund_id)
            refund_work.run_due()

    in_threads([work] * 4)
    assert len(gateway.asked_back) == 1 and bench.refund().status == "accepted"


def test_refunds_that_settle_at_once_add_up(bench, gateway, order):
    ids = [bench.ask_back(order, birr(1000), f"R-{number}") for number in range(4)]
    bench.drain()
    gateway.move_refunds(Status.SUCCEEDED)

    def work(refund_id):
        with bench.app.app_context():
            refund_work.run(refund_id, forced=True)

    in_threads([lambda refund_id=refund_id: work(refund_id) for refund_id in ids])
    bench.drain()
    assert sorted(event.refunded.minor for event in bench.heard(PaymentRefunded)) == [1000, 2000, 3000, 4000]


def test_with_every_message_lost_the_sweeps_do_the_work(bench, gateway, order):
    bench.ask_back(order, birr(100))
    bench.sweep()
    assert bench.refund().status == "accepted"
    settle(bench, gateway)
    assert bench.refund().status == "settled"


def test_a_refund_that_comes_back_before_it_was_given_is_reversed(bench, gateway, order):
    bench.ask_back(order, birr(25000))
    bench.drain()
    settle(bench, gateway, Status.CANCELED)
    assert bench.refund().status == "reversed" and len(bench.heard(RefundRejected)) == 1
    bench.ask_back(order, birr(25000), "R-2")


def test_a_refund_that_comes_back_after_it_was_given_is_reversed(bench, gateway, order):
    bench.ask_back(order, birr(25000))
    bench.drain()
    settle(bench, gateway)
    gateway.move_refunds(Status.CANCELED)
    bench.notify(bench.payment().reference, refund=bench.refund().reference)
    bench.drain()
    assert bench.refund().status == "reversed"
    assert [event.name for event in bench.shop.heard] == ["payments.refunded", "payments.refund_rejected"]


@pytest.mark.parametrize("changes", [{"amount": birr(1)}, {"reference": "ANOTHER"}])
def test_an_answer_that_does_not_fit_is_not_believed(bench, gateway, order, changes):
    bench.ask_back(order, birr(25000))
    bench.drain()
    settle(bench, gateway, **changes)
    assert bench.refund().status == "needs_person" and bench.heard(PaymentRefunded) == []


def test_states_are_monotonic(bench, gateway, order):
    bench.ask_back(order, birr(25000))
    bench.drain()
    settle(bench, gateway)
    for status in (Status.PENDING, Status.UNKNOWN, Status.SUCCEEDED):
        gateway.move_refunds(status)
        bench.notify(bench.payment().reference, refund=bench.refund().reference, again=status)
        bench.drain()
        assert bench.refund().status == "settled"
    assert len(bench.heard(PaymentRefunded)) == 1


def test_the_gateway_is_asked_until_three_weeks_are_over(bench, gateway, order):
    bench.ask_back(order, birr(25000))
    bench.drain()
    bench.pass_time(20 * 24 * 60)
    bench.sweep()
    assert bench.refund().status == "accepted"
    bench.pass_time(2 * 24 * 60)
    bench.sweep()
    assert bench.refund().status == "needs_person" and "does not say" in bench.refund().failure
    gateway.move_refunds(Status.SUCCEEDED)
    bench.notify(bench.payment().reference, refund=bench.refund().reference)
    bench.drain()
    assert bench.refund().status == "settled", "the gateway's word counts whenever it comes"


def test_a_webhook_lets_the_gateway_be_asked_and_proves_nothing(bench, gateway, order):
    bench.ask_back(order, birr(25000))
    bench.drain()
    bench.notify(bench.payment().reference, refund=None, kind="refund.success")
    bench.drain()
    assert bench.refund().status == "accepted" and bench.events()[-1].status == "processed"
    gateway.move_refunds(Status.SUCCEEDED)
    for copy in range(3):
        bench.notify(bench.payment().reference, refund=None, copy=copy)
        bench.notify(bench.payment().reference, refund=None, copy=copy)
    bench.drain()
    assert bench.refund().status == "settled" and len(bench.heard(PaymentRefunded)) == 1


def test_a_webhook_names_a_refund_whose_answer_was_lost(bench, gateway, order):
    def lost(ctx, amount):
        gateway.give_back(ctx, amount)
        raise TimeoutError("no answer")

    gateway.on_refund = lost
    gateway.on_fetch_refund = lambda ctx: RefundSnapshot(
        status=Status.SUCCEEDED if ctx.refund_provider_ref == "G-7" else Status.UNKNOWN
    )
    bench.ask_back(order, birr(25000))
    bench.drain()
    bench.notify("", refund=bench.refund().reference, refund_provider_ref="G-7")
    bench.drain()
    assert (bench.refund().status, bench.refund().provider_ref) == ("settled", "G-7")


def test_a_refund_that_the_shop_did_not_ask_for_is_an_orphan(bench, gateway, order):
    bench.notify(bench.payment().reference, refund="ELSEWHERE")
    bench.drain()
    assert bench.events()[-1].status == "orphan" and bench.refunds() == []
