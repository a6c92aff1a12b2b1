"""Money: exact, in one currency, and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_kernel import Money
from nexus_kernel.currencies import EXPONENTS
from nexus_kernel.money import LARGEST_MINOR, CurrencyMismatch, MoneyError, exponent

minors = st.integers(-LARGEST_MINOR, LARGEST_MINOR)
currencies = st.sampled_from(["ETB", "JPY", "KWD"])
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)


@given(minors, weights)
def test_the_shares_of_a_split_sum_to_the_amount(minor, weights):
    shares = Money(minor, "ETB").split(weights)
    assert len(shares) == len(weights)
    assert sum(share.minor for share in shares) == minor


@given(minors, weights.filter(any))
def test_no_share_is_a_whole_unit_away_from_its_exact_part(minor, weights):
    for share, weight in zip(Money(minor, "ETB").split(weights), weights, strict=True):
        assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)


def test_equal_remainders_are_served_from_the_front():
    assert [m.minor for m in Money(100, "ETB").split([1, 1, 1])] == [34, 33, 33]
    assert [m.minor for m in Money(-100, "ETB").split([0, 0, 0])] == [-34, -33, -33]


@pytest.mark.parametrize("bad", [[], [1, -1]])
def test_a_split_needs_weights_that_are_not_negative(bad):
    with pytest.raises(ValueError, match="non-negative"):
        Money(1, "ETB").split(bad)


@given(minors, currencies)
def test_the_text_of_an_amount_parses_to_the_same_amount(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(str(money), currency) == money
    assert Money.parse(money.decimal, currency) == money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (19999, "ETB", "199.99"),
        (5, "ETB", "0.05"),
        (7, "JPY", "7"),
        (1, "KWD", "0.001"),
        (-5, "ETB", "-0.05"),
    ],
)
def test_the_text_has_the_decimals_of_the_currency(minor, currency, text):
    assert str(Money(minor, currency)) == text


@pytest.mark.parametrize("call", [lambda: Money(1.0, "ETB"), lambda: Money.parse(1.5, "ETB")])
def test_a_float_is_a_type_error(call):
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("operand", [1.5, Decimal(2), True, "2"])
def test_money_is_multiplied_by_whole_numbers_only(operand):
    with pytest.raises(TypeError):
        Money(100, "ETB") * operand


@pytest.mark.parametrize("rate", [0.15, 1, True])
def test_a_rate_is_a_decimal(rate):
    with pytest.raises(TypeError):
        Money(100, "ETB").times(rate)


@pytest.mark.parametrize("call", [lambda: Money(True, "ETB"), lambda: Money.parse(True, "ETB")])
def test_a_bool_is_no_amount(call):
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_currencies_do_not_mix(operation):
    with pytest.raises(CurrencyMismatch):
        getattr(Money(1, "ETB"), operation)(Money(1, "USD"))
    with pytest.raises(TypeError):
        getattr(Money(1, "ETB"), operation)(1)
    assert Money(1, "ETB") != Money(1, "USD")


@pytest.mark.parametrize("currency", ["etb", "XXX", "", "ETBB", "DEM"])
def test_a_currency_is_an_active_iso_4217_code(currency):
    with pytest.raises(MoneyError):
        Money(1, currency)


def test_the_exponents_are_those_of_the_standard():
    assert {c: exponent(c) for c in ("ETB", "JPY", "KWD", "UGX", "BHD")} == {
        "ETB": 2,
        "JPY": 0,
        "KWD": 3,
        "UGX": 0,
        "BHD": 3,
    }
    assert set(EXPONENTS.values()) == {0, 2, 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1,5",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e9999999",
        "1e-9999999",
        "10000000000000.01",
        "1" * 60,
    ],
)
def test_what_is_no_amount_is_a_money_error(text):
    with pytest.raises(MoneyError):
        Money.parse(text, "ETB")


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.005", "ETB"), ("1.5", "JPY"), ("1.0001", "KWD"), ("1." + "0" * 40 + "1", "ETB")],
)
def test_more_decimals_than_the_currency_has_are_refused_and_never_rounded(text, currency):
    with pytest.raises(MoneyError):
        Money.parse(text, currency)


@pytest.mark.parametrize(
    ("minor", "rate", "expected"),
    [
        (10, "0.05", 1),
        (10, "0.04", 0),
        (-10, "0.05", -1),
        (30, "0.05", 2),
        (1, "0.5", 1),
        (1999, "0.15", 300),
    ],
)
def test_halves_are_rounded_away_from_zero(minor, rate, expected):
    assert Money(minor, "ETB").times(Decimal(rate)) == Money(expected, "ETB")


@given(minors, st.decimals(-10, 10, places=34))
def test_a_rate_is_applied_exactly_and_rounded_once(minor, rate):
    numerator, denominator = rate.as_integer_ratio()
    error = abs(Money(minor, "ETB").times(rate).minor * denominator - minor * numerator)
    assert 2 * error <= denominator


def test_just_below_a_half_is_rounded_down():
    assert Money(1, "ETB").times(Decimal("0.4" + "9" * 40)) == Money(0, "ETB")


@pytest.mark.parametrize("rate", ["NaN", "Infinity"])
def test_a_rate_is_a_finite_number(rate):
    with pytest.raises(MoneyError):
        Money(1, "ETB").times(Decimal(rate))
