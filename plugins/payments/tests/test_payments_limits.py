"""A gateway's limits are told before it is asked."""

import pytest

from nexus_kernel import Money


@pytest.mark.parametrize(
    ("minor", "says"),
    [
        (99, "Scripted takes 1.00 ETB and more."),
        (1_000_001, "Scripted takes at most 10000.00 ETB at a time."),
    ],
)
def test_an_amount_outside_of_the_limits_names_the_limit_and_opens_nothing(bench, shop, gateway, minor, says):
    reply = bench.initiate(shop.add(bench.buyer, Money(minor, "ETB")))
    assert (reply.status_code, reply.json["code"]) == (409, "payments.provider_not_available")
    assert reply.json["detail"] == says and gateway.opened == [] and bench.payments() == []


@pytest.mark.parametrize("minor", [100, 1_000_000])
def test_the_limits_themselves_are_taken(bench, shop, minor):
    assert bench.initiate(shop.add(bench.buyer, Money(minor, "ETB"))).status_code == 201
