"""Prices that change while people order: all amounts of an order come from one reading, or there is none."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import text

from nexus_kernel import Manifest, hookimpl
from nexus_kernel.contracts.orders import PricePhase
from nexus_kernel.testing import StandInAccounts, StandInPayments, auth_headers, in_threads, rounds

LINES = 5


class Meanwhile:
    """A price rule that adds nothing; a test says what happens while it works, after the prices were read."""

    MANIFEST = Manifest(name="meanwhile", summary="Happens during a checkout")
    code, phase = "meanwhile.rule", PricePhase.TAX

    def __init__(self) -> None:
        self.does: Callable[[], object] = lambda: None

    def apply(self, quote):
        self.does()
        return []

    @hookimpl
    def nexus_price_rules(self):
        return [self]


_MEANWHILE = Meanwhile()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", "cart", "orders", StandInAccounts(), StandInPayments(), _MEANWHILE]


@pytest.fixture
def meanwhile():
    yield _MEANWHILE
    _MEANWHILE.does = lambda: None


@pytest.fixture
def reprice(app: Flask):
    """Gives every variant this price in one transaction."""

    def change(minor: int) -> None:
        with app.extensions["nexus"].db.engine.begin() as connection:
            connection.execute(text("UPDATE catalog_variant SET price_minor = :minor"), {"minor": minor})

    return change


@pytest.fixture
def shopping(app: Flask, product, put):
    """A buyer with one piece of each product in the cart."""
    products = [product(stock=10_000, title=f"Lamp {number}") for number in range(LINES)]

    def fill() -> dict[str, str]:
        buyer = auth_headers(app)
        for lamp in products:
            put(buyer, lamp)
        return buyer

    return fill


def amounts_of(order) -> set[str]:
    """The unit prices of an order, once its amounts were found to fit them."""
    prices = {item["unit_price"] for item in order["items"]}
    sums = [
        sum(Decimal(item[name]) for item in order["items"]) for name in ("unit_price", "line_total", "total")
    ]
    assert sums == [Decimal(order["subtotal"])] * 3 and order["total"] == order["subtotal"]
    return prices


def test_a_price_that_changes_after_it_was_read_is_not_mixed_in(
    app, shopping, submit, reprice, meanwhile, ask
):
    reading, changed = Event(), Event()

    def wait_for_the_change() -> None:
        reading.set()
        assert changed.wait(10)

    def change() -> None:
        assert reading.wait(10)
        reprice(25_000)
        changed.set()

    buyer = shopping()
    meanwhile.does = wait_for_the_change
    answer, _ = in_threads([lambda: submit(buyer, expected_total="500.00"), change])
    assert answer.status_code == 201 and amounts_of(answer.json) == {"100.00"}
    assert ask("SELECT sum(unit_price_minor) FROM orders_item") == ask("SELECT total_minor FROM orders_order")
    meanwhile.does = lambda: None
    refused = submit(shopping(), expected_total="500.00")
    assert refused.status_code == 409 and refused.json["code"] == "orders.total_changed"
    assert refused.json["total"] == "1250.00"


@pytest.mark.proof
def test_an_expected_total_is_honoured_or_refused_while_prices_change_all_the_time(
    shopping, submit, reprice, ask
):
    buyers, done = [shopping() for _ in range(rounds(24, 200))], Event()

    def flip() -> list[object]:
        price = 10_000
        while not done.is_set():
            price = 35_000 - price
            reprice(price)
        return []

    def order(mine: Sequence[dict[str, str]], **body: str) -> list[object]:
        return [(body.get("expected_total"), submit(buyer, **body)) for buyer in mine]

    def all_orders() -> list[object]:
        expectations = ({}, {"expected_total": "500.00"}, {"expected_total": "1250.00"})
        calls = [lambda n=n, body=body: order(buyers[n::3], **body) for n, body in enumerate(expectations)]
        try:
            return [pair for pairs in in_threads(calls) for pair in pairs]
        finally:
            done.set()

    _, answers = in_threads([flip, all_orders])
    for expected, answer in answers:
        if answer.status_code == 201:
            (price,) = amounts_of(answer.json)
            assert price in ("100.00", "250.00") and answer.json["total"] == (
                expected or answer.json["total"]
            )
        else:
            assert answer.status_code == 409 and answer.json["code"] == "orders.total_changed"
            assert {answer.json["total"], expected} == {"500.00", "1250.00"}
    placed = sum(answer.status_code == 201 for _, answer in answers)
    assert placed >= len(buyers) // 3
    assert ask("SELECT count(*) FROM orders_order") == placed
    mixed = """
        SELECT count(*) FROM orders_order o WHERE o.total_minor <> (
            SELECT sum(total_minor - discount_minor + tax_minor) FROM orders_item WHERE order_id = o.id
        ) OR (SELECT count(DISTINCT unit_price_minor) FROM orders_item WHERE order_id = o.id) <> 1
    """
    assert ask(mixed) == 0
