"""Why a code does not count. Quotes are made by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from nexus_promotions.checkout import CouponDiscounts, CouponGuard, FreeShipping

from nexus_kernel import new_id

from .hand_made import NOON, made_asked, made_line, made_offer, made_quote

TEN = {"percentage": Decimal(10)}
LINE = made_line(1000)
OTHERS = frozenset({new_id()})


def checked(*offers, lines=(LINE,), shipping=0, **fields):
    """The names of the problems by the guard, which the rules agree with."""
    asked = made_asked(*offers, **fields)
    quote = made_quote(*lines, shipping=shipping, promotions=asked)
    problems = CouponGuard().check(quote)
    assert {p.field for p in problems} <= {"extensions.promotions.coupons"}
    counted = [*CouponDiscounts().apply(quote), *FreeShipping().apply(quote)]
    assert len(counted) + len(problems) == len(asked.codes)
    assert all(any(code in p.message for code in asked.codes) for p in problems if not fields)
    return [p.code.removeprefix("promotions.") for p in problems]


def test_a_code_that_counts_has_no_problem():
    assert checked(made_offer(**TEN)) == [] and checked(made_offer("free_shipping")) == []


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        ([], {"starts_at": NOON}),
        (["not_started"], {"starts_at": NOON + timedelta(microseconds=1)}),
        ([], {"ends_at": NOON + timedelta(microseconds=1)}),
        (["ended"], {"ends_at": NOON}),
        ([], {"usage_limit": 3, "used": 2}),
        (["used_up"], {"usage_limit": 3, "used": 3}),
        (["used_up"], {"usage_limit": 3, "used": 4}),
        ([], {"usage_limit_per_person": 1}),
        (["used_by_person"], {"usage_limit_per_person": 1, "used_by_person": 1}),
        ([], {"used": 99, "used_by_person": 99}),
        ([], {"minimum_spend": 1000}),
        (["minimum_not_reached"], {"minimum_spend": 1001}),
        ([], {"product_ids": OTHERS, "variant_ids": frozenset({LINE.variant_id})}),
        (["not_for_these_products"], {"product_ids": OTHERS, "variant_ids": OTHERS}),
        (["not_for_these_products"], {"variant_ids": OTHERS}),
    ],
)
def test_each_condition_is_told(expected, fields):
    assert checked(made_offer(**TEN, **fields)) == expected
    assert checked(made_offer("free_shipping", **fields), shipping=100) == expected


def test_the_minimum_is_that_of_the_lines_that_it_is_for():
    lamp, soap = made_line(1000), made_line(400, 2)
    only = {"minimum_spend": 800, "product_ids": frozenset({soap.product_id})}
    assert checked(made_offer(**TEN, **only), lines=(lamp, soap)) == []
    dear = replace(made_offer(**TEN, **only), minimum_spend=made_line(801).unit_price)
    assert checked(dear, lines=(lamp, soap)) == ["minimum_not_reached"]


def test_an_amount_in_another_currency_is_no_discount():
    yen = made_line(1000, currency="JPY")
    assert checked(made_offer("fixed", amount=5), lines=(yen,)) == ["other_currency"]
    assert checked(made_offer(**TEN, minimum_spend=5), lines=(yen,)) == ["other_currency"]
    assert checked(made_offer(**TEN), lines=(yen,)) == []


def test_codes_go_together_when_each_of_them_does():
    one, two = (made_offer(code=code, **TEN, is_combinable=True) for code in ("ONE", "TWO"))
    alone, lonely = (made_offer(code=code, **TEN) for code in ("ALONE", "LONELY"))
    assert checked(one, two) == [] and checked(alone) == []
    assert checked(one, alone) == ["not_combinable"]
    assert checked(alone, lonely) == ["not_combinable"] * 2


def test_an_unknown_code_is_told_by_name_and_the_others_are_not_hurt():
    one = made_offer(code="ONE", **TEN, is_combinable=True)
    assert checked(one, codes=("ONE", "NONE")) == ["unknown_code"]


def test_somebody_who_guesses_is_told_nothing_more():
    offer = made_offer(**TEN)
    assert checked(offer, codes=("SAVE", "NONE"), too_many_attempts=True) == ["too_many_attempts"] * 2
