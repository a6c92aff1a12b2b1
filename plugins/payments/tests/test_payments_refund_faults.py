"""Refunds under random faults: the books end as the gateway's, and never above what was collected."""

import random
from collections import Counter
from contextlib import suppress

import pytest
from nexus_payments.services import refund_work

from nexus_kernel import Conflict, Money
from nexus_kernel.contracts.payments import (
    FailureCode,
    PaymentRefunded,
    RefundRejected,
    RefundSnapshot,
    Result,
    Status,
)
from nexus_kernel.testing import rounds

ENDS = (Status.SUCCEEDED, Status.SUCCEEDED, Status.SUCCEEDED, Status.CANCELED, Status.DECLINED)


class Weather:
    """A gateway that loses, refuses, delays and reverses, and workers that die, as the dice say."""

    def __init__(self, bench, gateway, monkeypatch, seed):
        self.bench, self.gateway = bench, gateway
        self.dice = random.Random(seed)
        self.calm = False
        gateway.on_refund, gateway.on_fetch_refund = self.refund, self.fetch
        for step in ("apply_result", "apply_snapshot", "lock_refund"):
            monkeypatch.setattr(refund_work, step, self.deadly(getattr(refund_work, step)))

    def strikes(self, chance=0.2):
        return not self.calm and self.dice.random() < chance

    def refund(self, ctx, amount):
        if self.strikes():
            return self.gateway.refused(FailureCode.UNAVAILABLE, "Busy.", retryable=True)
        if self.strikes():
            raise TimeoutError("before the effect")
        result = self.gateway.give_back(ctx, amount)
        if self.strikes():
            raise TimeoutError("after the effect")
        return Result(status=result.status, failure=result.failure) if self.strikes() else result

    def fetch(self, ctx):
        if self.strikes():
            return RefundSnapshot(status=Status.UNKNOWN)
        return self.gateway.tell_refund(ctx)

    def deadly(self, step):
        def run(*args, **kwargs):
            if self.strikes(0.05):
                raise SystemExit("killed")
            return step(*args, **kwargs)

        return run

    def work(self):
        with suppress(SystemExit):
            self.bench.sweep()

    def end_some(self):
        for reference, (of, snapshot) in self.gateway.given.items():
            if snapshot.status is Status.PENDING and (self.calm or self.dice.random() < 0.3):
                ended = RefundSnapshot(
                    status=self.dice.choice(ENDS),
                    amount=snapshot.amount,
                    reference=reference,
                    provider_ref=snapshot.provider_ref,
                )
                self.gateway.given[reference] = (of, ended)

    def notify_some(self):
        for refund in self.bench.refunds():
            if self.dice.random() < 0.3:
                self.bench.notify("", refund=refund.reference, n=self.dice.randrange(10**9))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(rounds(2, 60)))
def test_the_books_end_as_the_gateways(bench, shop, gateway, monkeypatch, seed):
    order = shop.add(bench.buyer)
    bench.paid(order)
    weather = Weather(bench, gateway, monkeypatch, seed)
    dice = random.Random(seed + 1000)
    for number in range(12):
        with suppress(Conflict):
            bench.ask_back(order, Money(dice.randint(1, 9000), "ETB"), f"R-{number}")
        weather.work()
        weather.end_some()
        weather.notify_some()
        bench.pass_time(dice.choice([0, 2, 3, 30]))
    weather.calm = True
    weather.end_some()
    for _ in range(6):
        bench.pass_time(61)
        weather.end_some()
        weather.work()
    refunds = {refund.reference: refund for refund in bench.refunds()}
    open_ = [refund.status for refund in refunds.values() if not refund.has_ended]
    assert open_ == [], "everything came to an end"
    at_gateway = {
        reference for reference, (_, snapshot) in gateway.given.items() if snapshot.status is Status.SUCCEEDED
    }
    assert at_gateway == {reference for reference, refund in refunds.items() if refund.status == "settled"}
    settled = [refund.amount_minor for refund in refunds.values() if refund.status == "settled"]
    assert sum(settled) <= 25000
    told = Counter(event.refund_id for event in bench.heard(PaymentRefunded) + bench.heard(RefundRejected))
    assert told == Counter(refund.id for refund in refunds.values()), "each is told once"
    if settled:
        assert max(event.refunded.minor for event in bench.heard(PaymentRefunded)) == sum(settled)
