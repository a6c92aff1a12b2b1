"""What coupons take off, to the last minor unit. Quotes are made by hand."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nexus_promotions.checkout import CouponDiscounts, FreeShipping
from nexus_promotions.services.discounts import discounts
from nexus_promotions.services.problems import in_order

from nexus_kernel import Money
from nexus_kernel.testing import rounds

from .hand_made import made_asked, made_line, made_offer, made_quote


def applied(quote, *offers):
    """The label, amount and line shares of each adjustment, in minor units."""
    asked = made_quote(*quote.lines, shipping=quote.shipping.minor, promotions=made_asked(*offers))
    return [
        (a.label, a.amount.minor, [share.minor for share in (a.lines or {}).values()])
        for a in CouponDiscounts().apply(asked)
    ]


def test_a_percentage_is_rounded_half_up_once_and_shared_to_the_last_cent():
    quote = made_quote(made_line(333), made_line(333), made_line(339))
    assert applied(quote, made_offer(percentage=Decimal("10"))) == [("SAVE", 101, [34, 33, 34])]
    half = made_quote(made_line(5))
    assert applied(half, made_offer(percentage=Decimal("50"))) == [("SAVE", 3, [3])]


def test_a_fixed_amount_is_cut_at_what_there_is():
    quote = made_quote(made_line(100, 2), made_line(50))
    assert applied(quote, made_offer("fixed", amount=90)) == [("SAVE", 90, [72, 18])]
    assert applied(quote, made_offer("fixed", amount=10**15)) == [("SAVE", 250, [200, 50])]


def test_percentages_come_first_and_each_sees_what_is_left():
    quote = made_quote(made_line(10_000))
    fixed = made_offer("fixed", "A", amount=2_000, is_combinable=True)
    ten = made_offer(code="B", percentage=Decimal("10"), is_combinable=True)
    half = made_offer(code="C", percentage=Decimal("50"), is_combinable=True)
    expected = [("B", 1_000, [1_000]), ("C", 4_500, [4_500]), ("A", 2_000, [2_000])]
    assert applied(quote, fixed, half, ten) == applied(quote, ten, half, fixed) == expected


def test_a_coupon_for_products_or_variants_leaves_the_other_lines_alone():
    lamp, soap, book = made_line(1000), made_line(400), made_line(600)
    quote = made_quote(lamp, soap, book)
    some = {"product_ids": frozenset({soap.product_id}), "variant_ids": frozenset({book.variant_id})}
    assert applied(quote, made_offer("fixed", amount=500, **some)) == [("SAVE", 500, [200, 300])]
    (adjustment,) = CouponDiscounts().apply(
        made_quote(*quote.lines, promotions=made_asked(made_offer(percentage=Decimal("100"), **some)))
    )
    assert adjustment.lines == {soap.variant_id: soap.total, book.variant_id: book.total}
    assert (adjustment.rate, adjustment.amount.minor) == (Decimal(1), 1000)


def test_free_shipping_takes_the_fee_away_and_nothing_of_the_lines():
    free = made_offer("free_shipping", title="Free delivery")
    quote = made_quote(made_line(1000), shipping=300, promotions=made_asked(free))
    (adjustment,) = FreeShipping().apply(quote)
    assert (adjustment.label, adjustment.amount.minor) == ("Free delivery (SAVE)", 300)
    assert CouponDiscounts().apply(quote) == []


CURRENCIES = st.sampled_from(["ETB", "JPY", "KWD"])
PRICES = st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 99)), min_size=1, max_size=8)
PERCENTAGES = st.decimals("0.01", "100", places=2)
OFFERS = st.lists(
    st.tuples(
        st.sampled_from(["percentage", "fixed"]),
        PERCENTAGES,
        st.integers(1, 10**13),
        st.none() | st.sets(st.integers(0, 7), min_size=1),
    ),
    max_size=5,
)


@pytest.mark.proof
@settings(max_examples=rounds(300, 10_000), deadline=None)
@given(currency=CURRENCIES, prices=PRICES, drawn=OFFERS)
def test_never_below_nothing_never_beyond_the_lines_and_shares_are_the_amount(currency, prices, drawn):
    lines = [made_line(price, quantity, currency) for price, quantity in prices]
    zero, offers = Money.zero(currency), []
    for number, (kind, percentage, minor, only) in enumerate(drawn):
        own = {"percentage": percentage} if kind == "percentage" else {"amount": minor, "currency": currency}
        chosen = frozenset() if only is None else frozenset(lines[i % len(lines)].product_id for i in only)
        fields = {**own, "product_ids": chosen, "is_combinable": True}
        offers.append(made_offer(kind, f"CODE{number}", **fields))
    quote = made_quote(*lines)
    asked = made_asked(*offers)
    found = discounts(in_order(quote, asked), lines)
    assert {d.offer.code for d in found} == set(asked.codes)
    left = {line.variant_id: line.total for line in lines}
    for discount in found:
        own = [line.variant_id for line in lines if discount.offer.is_for(line)]
        whole = sum((left[id] for id in own), zero)
        assert list(discount.lines) == own
        assert sum(discount.lines.values(), zero) == discount.amount <= whole
        if discount.offer.percentage is not None:
            exact = Decimal(whole.minor) * discount.offer.percentage / 100
            assert -Decimal("0.5") < discount.amount.minor - exact <= Decimal("0.5")
        else:
            assert discount.amount == min(discount.offer.amount, whole)
        for id, share in discount.lines.items():
            assert zero <= share <= left[id]
            left[id] -= share
    assert sum((d.amount for d in found), zero) <= quote.subtotal
