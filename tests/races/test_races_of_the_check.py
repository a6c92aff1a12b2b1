"""The races of `nexus check races`, in short here and whole with `./dev prove`."""

from time import sleep

import pytest
from nexus_cart.services import CartCheckout
from nexus_catalog.services.stock import StockKeeper
from nexus_orders.races import scenarios
from nexus_orders.races.scenarios import SCENARIOS
from nexus_orders.races.shop import Shop
from nexus_orders.services import checkout

from nexus_kernel.api import idempotency
from nexus_kernel.testing import rounds

BUYERS = rounds(12, 50)
WITH_WIDE_CARTS = 16
"""So many buyers where each fills a cart of twenty."""
ROUNDS = rounds(3, 200)


@pytest.fixture
def nexus_config():
    return {"kernel": {"database_pool_size": 60}}


@pytest.mark.proof
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nobody_loses_anything_in_a_race(app, scenario):
    is_wide = scenario.name == "reversed-carts"
    play = scenario.prepare(Shop(app), min(BUYERS, WITH_WIDE_CARTS) if is_wide else BUYERS)
    for number in range(ROUNDS):
        found = play()
        assert found.violations == [], f"round {number + 1}: {found.violations[:5]}"


def sell_what_is_not_there(monkeypatch):
    monkeypatch.setattr(StockKeeper, "reserve", lambda self, quantities, reference: ())


def lock_in_the_order_of_the_cart(monkeypatch):
    reserve = StockKeeper.reserve

    def one_by_one(self, quantities, reference):
        for variant, quantity in quantities.items():
            if missing := reserve(self, {variant: quantity}, f"{reference}:{variant}"):
                return missing
            sleep(0.01)
        return ()

    monkeypatch.setattr(StockKeeper, "reserve", one_by_one)


def forget_the_expected_total(monkeypatch):
    monkeypatch.setattr(checkout, "_check_total", lambda priced, expected: None)


def forget_the_keys(monkeypatch):
    monkeypatch.setattr(idempotency, "_claim", lambda *arguments: None)
    monkeypatch.setattr(scenarios, "TRIES", 5)


def break_down(monkeypatch):
    def empty(self, cart_id, generation):
        raise RuntimeError("the cart's wheel is off")

    monkeypatch.setattr(CartCheckout, "empty", empty)


BROKEN = [
    ("last-piece", sell_what_is_not_there, "orders that buyers were told of: 12, not 1"),
    ("every-piece", sell_what_is_not_there, "pieces left: [12], not [0]"),
    ("hot-pair", sell_what_is_not_there, "orders that buyers were told of: 12, not 6"),
    ("reversed-carts", lock_in_the_order_of_the_cart, "a buyer was answered 409 kernel.lock_busy"),
    ("double-submit", break_down, "a buyer was answered 500 kernel.internal_error"),
    ("one-key", forget_the_keys, "buyers with the reply: "),
    ("price-change", forget_the_expected_total, "the old total, expected after the change: "),
]


@pytest.mark.parametrize(("name", "broken", "said"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_race_finds_a_shop_that_is_broken(app, monkeypatch, name, broken, said):
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.name == name)
    play = scenario.prepare(Shop(app), 12)
    assert play().violations == []
    broken(monkeypatch)
    violations = play().violations
    assert any(violation.startswith(said) for violation in violations), violations


def test_a_broken_shop_is_found_for_each_race():
    assert {name for name, _, _ in BROKEN} == {scenario.name for scenario in SCENARIOS}
