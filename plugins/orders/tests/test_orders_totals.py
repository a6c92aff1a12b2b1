"""Exact amounts: the lines and what belongs to the order as a whole are the total, to the last cent."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from nexus_orders.services import pricing
from sqlalchemy import text

from nexus_kernel import Money, migrations, new_id, transaction
from nexus_kernel.contracts.cart import CartLine
from nexus_kernel.contracts.orders import Address, Adjustment, PricePhase
from nexus_kernel.testing import rounds

ORDERS = "/api/orders/"
ZERO = Money.zero("ETB")


def etb(minor: int) -> Money:
    return Money(minor, "ETB")


def lines_of(order, *names):
    return [tuple(item[name] for name in names) for item in order["items"]]


# -- by example


def test_a_discount_is_shared_in_proportion_and_to_the_last_cent(order, catalog, bazaar):
    bazaar.discount.adds(100)
    placed = order(*[(catalog.add(etb(333)), 1) for _ in range(3)]).json
    assert lines_of(placed, "line_total", "discount", "tax", "total") == [
        ("3.33", "0.34", "0.00", "2.99"),
        ("3.33", "0.33", "0.00", "3.00"),
        ("3.33", "0.33", "0.00", "3.00"),
    ]
    assert (placed["discount"], placed["total"]) == ("1.00", "8.99")


def test_a_discount_of_one_line_stays_there_and_is_cut_at_what_is_left_of_it(order, catalog, bazaar):
    lamp, soap = catalog.add(etb(1000)), catalog.add(etb(200))
    bazaar.discount.does = lambda quote: [
        Adjustment(label="Half a soap", amount=etb(100), lines={soap.id: etb(100)}),
        Adjustment(label="Soap for nothing", amount=etb(300), lines={soap.id: etb(300)}),
    ]
    placed = order((lamp, 1), (soap, 1)).json
    assert lines_of(placed, "discount", "total") == [("0.00", "10.00"), ("2.00", "0.00")]
    assert [a["amount"] for a in placed["adjustments"]] == ["1.00", "1.00"]


def test_what_a_discount_leaves_unnamed_is_shared_among_all(order, catalog, bazaar):
    lamp, soap = catalog.add(etb(600)), catalog.add(etb(400))
    bazaar.discount.does = lambda quote: [Adjustment(label="Set", amount=etb(300), lines={soap.id: etb(100)})]
    placed = order((lamp, 1), (soap, 1)).json
    assert lines_of(placed, "discount") == [("1.33",), ("1.67",)] and placed["discount"] == "3.00"


def test_rules_see_what_is_left_of_each_line(order, catalog, bazaar):
    seen, lamp, soap = {}, catalog.add(etb(1000)), catalog.add(etb(500))
    bazaar.discount.does = lambda quote: [
        Adjustment(label="Lamp", amount=etb(400), lines={lamp.id: etb(400)})
    ]
    bazaar.tax.does = lambda quote: (
        seen.update({line.variant_id: line.net.minor for line in quote.lines}) or []
    )
    order((lamp, 1), (soap, 2))
    assert seen == {lamp.id: 600, soap.id: 1000}


def test_tax_belongs_to_its_lines_and_the_rest_to_the_order(order, catalog, bazaar):
    lamp, soap = catalog.add(etb(1000)), catalog.add(etb(500))
    bazaar.shipping.adds(300)
    bazaar.tax.does = lambda quote: [
        Adjustment(
            label="VAT",
            amount=sum((line.net.times(rate) for line in quote.lines), quote.shipping.times(rate)),
            rate=rate,
            lines={line.variant_id: line.net.times(rate) for line in quote.lines},
        )
    ]
    rate = Decimal("0.15")
    placed = order((lamp, 1), (soap, 1)).json
    assert lines_of(placed, "tax", "total") == [("1.50", "11.50"), ("0.75", "5.75")]
    assert (placed["shipping"], placed["tax"], placed["total"]) == ("3.00", "2.70", "20.70")


def test_an_included_tax_is_evidence_and_added_to_nothing(client, buyer, order, catalog, bazaar):
    lamp = catalog.add(etb(1150))
    bazaar.tax.does = lambda quote: [
        Adjustment(
            label="VAT", amount=etb(150), rate=Decimal("0.15"), lines={lamp.id: etb(150)}, included=True
        )
    ]
    placed = order((lamp, 1)).json
    assert (placed["tax"], placed["tax_included"], placed["total"]) == ("0.00", "1.50", "11.50")
    assert lines_of(placed, "tax", "total") == [("0.00", "11.50")]
    assert placed["adjustments"] == [
        {"phase": "tax", "label": "VAT", "amount": "1.50", "rate": "0.15", "included": True}
    ]
    assert client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json == placed


@pytest.mark.parametrize(
    ("phase", "spoiled"),
    [
        ("discount", {"lines": {new_id(): etb(1)}}),
        ("discount", {"included": True}),
        ("shipping", {"included": True}),
        ("tax", {"amount": etb(-1)}),
        ("tax", {"amount": Money(1, "USD")}),
        ("tax", {"lines": lambda v: {v: etb(101)}}),
        ("tax", {"lines": lambda v: {v: etb(-1)}}),
        ("discount", {"lines": lambda v: {v: Money(1, "USD")}}),
        ("discount", {"lines": lambda v: {v: 1}}),
        ("discount", {"amount": 1}),
    ],
)
def test_an_adjustment_that_does_not_fit_refuses_the_checkout(order, catalog, bazaar, phase, spoiled):
    lamp = catalog.add(etb(1000))
    given = {name: value(lamp.id) if callable(value) else value for name, value in spoiled.items()}
    wrong = replace(Adjustment(label="x", amount=etb(100)), **given)
    getattr(bazaar, phase).does = lambda quote: [wrong]
    refused = order((lamp, 1))
    assert refused.status_code == 503 and refused.json["code"] == "orders.price_rule_failed"


@pytest.mark.parametrize(("phase", "included"), [("shipping", False), ("tax", False), ("tax", True)])
def test_an_amount_past_the_largest_is_refused(order, catalog, bazaar, phase, included):
    huge = Adjustment(label="x", amount=etb(10**15), included=included)
    getattr(bazaar, phase).does = lambda quote: [huge]
    refused = order((catalog.add(), 1))
    assert refused.status_code == 409 and refused.json["code"] == "orders.total_out_of_range"


# -- for any lines and any rules

MONEY = st.integers(0, 10**7).map(etb)
LINES = st.lists(st.tuples(MONEY, st.integers(1, 99)), min_size=1, max_size=8)
ADDED = st.fixed_dictionaries(
    {
        "phase": st.sampled_from(list(PricePhase)),
        "amount": MONEY | st.just(etb(10**10)),
        "shares": st.none() | st.lists(st.integers(0, 100), min_size=8, max_size=8),
        "to_lines": st.integers(0, 100),
        "included": st.booleans(),
    }
)
RULES = st.lists(ADDED, max_size=6)


class Fixed:
    """A rule that adds what was drawn: to the order, or a part of it to lines."""

    code = "bazaar.fixed"

    def __init__(self, drawn) -> None:
        self.drawn, self.phase = drawn, drawn["phase"]

    def apply(self, quote):
        lines, amount, shares = None, self.drawn["amount"], self.drawn["shares"]
        if shares is not None:
            part = etb(amount.minor * self.drawn["to_lines"] // 100)
            split = part.split(shares[: len(quote.lines)])
            lines = {line.variant_id: share for line, share in zip(quote.lines, split, strict=True)}
        included = self.drawn["included"] and self.phase is PricePhase.TAX
        return [Adjustment(label="drawn", amount=amount, lines=lines, included=included)]


@hypothesis_settings(
    max_examples=rounds(300, 5000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.proof
@given(prices=LINES, rules=RULES)
def test_lines_and_the_rest_are_always_the_total(prices, rules, catalog):
    variants = {v.id: v for v in (catalog.add(price) for price, _ in prices)}
    lines = [CartLine(variant_id=v, quantity=q) for v, (_, q) in zip(variants, prices, strict=True)]
    address = Address(address_line="a", city="b", postal_code="", country="ET")
    bare = pricing.quote(new_id(), lines, variants, address, "card")
    priced, applied = pricing.apply_rules(bare, map(Fixed, rules))
    for line in priced.lines:
        assert ZERO <= line.discount <= line.total and line.net >= ZERO and line.tax >= ZERO
    assert sum((line.total for line in priced.lines), ZERO) == priced.subtotal
    assert sum((line.discount for line in priced.lines), ZERO) == priced.discount <= priced.subtotal
    for phase in PricePhase:
        counted = [a.amount for a in applied if a.phase == phase and not a.included]
        assert sum(counted, ZERO) == getattr(priced, phase)
    order_tax = priced.tax - sum((line.tax for line in priced.lines), ZERO)
    assert order_tax >= ZERO
    whole = sum((line.net + line.tax for line in priced.lines), ZERO) + priced.shipping + order_tax
    assert ZERO <= whole == priced.total


@hypothesis_settings(
    max_examples=rounds(30, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.proof
@given(prices=LINES, rules=RULES)
def test_what_was_worked_out_can_be_stored_and_read(prices, rules, client, buyer, order, catalog, bazaar):
    by_phase = {phase: [Fixed(r) for r in rules if r["phase"] is phase] for phase in PricePhase}
    for phase, drawn in by_phase.items():
        getattr(bazaar, phase).does = lambda quote, drawn=drawn: [a for r in drawn for a in r.apply(quote)]
    answer = order(*[(catalog.add(price, available=100), quantity) for price, quantity in prices])
    assert answer.status_code == 201, answer.json
    placed = answer.json
    assert client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json == placed
    of_lines = sum(Decimal(item["total"]) for item in placed["items"])
    tax_of_order = Decimal(placed["tax"]) - sum(Decimal(item["tax"]) for item in placed["items"])
    assert of_lines + Decimal(placed["shipping"]) + tax_of_order == Decimal(placed["total"]) >= 0


# -- orders from before


def test_discounts_of_earlier_orders_are_shared_by_the_migration(app, client, buyer, order, catalog, bazaar):
    bazaar.discount.adds(100)
    bazaar.tax.adds(7)
    before = [
        order(*[(catalog.add(etb(price)), 1) for price in prices]).json
        for prices in ((333, 333, 333), (1, 98, 1), (50, 0, 7), (1000,))
    ]
    bazaar.discount.adds(0)
    before.append(order((catalog.add(etb(0)), 1)).json)
    migrations.downgrade(app, "orders", "orders_0002")
    migrations.upgrade(app)
    with app.app_context(), transaction() as session:
        assert session.execute(text("SELECT count(*) FROM orders_item")).scalar() == 11
    after = [client.get(f"{ORDERS}{placed['id']}/", headers=buyer).json for placed in before]
    for old, new in zip(before, after, strict=True):
        assert lines_of(new, "discount", "total") == lines_of(old, "discount", "total")
        assert new["total"] == old["total"] and new["extensions"] == {}
