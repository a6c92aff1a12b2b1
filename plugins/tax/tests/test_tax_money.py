"""The identities of tax, exactly, for amounts and rates of every kind."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from nexus_tax.config import ROUNDINGS
from nexus_tax.services.rounding import POLICIES
from nexus_tax.services.taxes import Rate, adjustments

from nexus_kernel import Money

currencies = st.sampled_from(["ETB", "JPY", "KWD"])
parts = st.integers(0, 100_000)
amounts = st.integers(0, 10**12)


@st.composite
def lines(draw):
    """Unit price, quantity, and a discount of at most their product."""
    price, quantity = draw(amounts), draw(st.integers(1, 99))
    return price, quantity, draw(st.integers(0, price * quantity))


def rate(parts: int, *, included: bool = False, applies_to_shipping: bool = True) -> Rate:
    return Rate(
        region="",
        label="VAT",
        parts=parts,
        included=included,
        applies_to_shipping=applies_to_shipping,
        valid_from=None,
        valid_to=None,
    )


def half_up(exact: Fraction) -> int:
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


@given(st.lists(lines(), max_size=8), currencies, parts, amounts, st.booleans(), st.booleans())
def test_per_line_is_the_sum_of_the_lines_and_of_shipping_each_rounded_half_up_once(
    hand_made, given_lines, currency, parts, shipping, included, on_shipping
):
    quote = hand_made(*given_lines, currency=currency, shipping=shipping)
    (tax,) = adjustments(
        quote, [rate(parts, included=included, applies_to_shipping=on_shipping)], POLICIES["per_line"]
    )
    fraction = Fraction(parts, 100_000 + parts if included else 100_000)
    exact = [line.net.minor * fraction for line in quote.lines]
    assert [tax.lines[line.variant_id].minor for line in quote.lines] == [half_up(each) for each in exact]
    beyond = tax.amount.minor - sum(share.minor for share in tax.lines.values())
    assert beyond == (half_up(shipping * fraction) if on_shipping else 0)
    assert tax.included == included and tax.amount.currency == currency


@given(st.lists(lines(), max_size=8), currencies, parts, amounts, st.booleans(), st.booleans())
def test_per_order_is_rounded_once_and_no_share_is_a_unit_off(
    hand_made, given_lines, currency, parts, shipping, included, on_shipping
):
    quote = hand_made(*given_lines, currency=currency, shipping=shipping)
    (tax,) = adjustments(
        quote, [rate(parts, included=included, applies_to_shipping=on_shipping)], POLICIES["per_order"]
    )
    fraction = Fraction(parts, 100_000 + parts if included else 100_000)
    taxed = sum(line.net.minor for line in quote.lines) + (shipping if on_shipping else 0)
    assert tax.amount.minor == half_up(taxed * fraction)
    shares = [tax.lines[line.variant_id].minor for line in quote.lines]
    shares.append(tax.amount.minor - sum(shares))
    weights = [*(line.net.minor for line in quote.lines), shipping if on_shipping else 0]
    for weight, share in zip(weights, shares, strict=True):
        assert abs(share - Fraction(tax.amount.minor * weight, max(taxed, 1))) < 1


@given(lines(), currencies, parts, st.sampled_from(ROUNDINGS))
def test_what_a_price_contains_leaves_the_net_that_the_rate_is_one_of(
    hand_made, line, currency, parts, rounding
):
    quote = hand_made(line, currency=currency)
    (tax,) = adjustments(quote, [rate(parts, included=True)], POLICIES[rounding])
    gross = quote.lines[0].net.minor
    net = gross - tax.amount.minor
    assert 0 <= net <= gross
    assert abs(net - Fraction(gross * 100_000, 100_000 + parts)) <= Fraction(1, 2)
    assert abs(net + net * Fraction(parts, 100_000) - gross) <= Fraction(1, 2) * (
        1 + Fraction(parts, 100_000)
    )


@given(amounts, parts, currencies)
def test_a_tax_that_was_put_on_top_is_found_again_in_the_price(hand_made, net, parts, currency):
    (on_top,) = adjustments(hand_made(net, currency=currency), [rate(parts)], POLICIES["per_line"])
    gross = net + on_top.amount.minor
    (contained,) = adjustments(
        hand_made(gross, currency=currency), [rate(parts, included=True)], POLICIES["per_line"]
    )
    assert contained.amount == on_top.amount


@given(st.lists(lines(), min_size=1, max_size=5), st.lists(parts, max_size=4), st.lists(parts, max_size=4))
def test_many_rates_add_up_and_each_is_told_by_itself(hand_made, given_lines, included, added):
    quote = hand_made(*given_lines)
    rates = [rate(each, included=True) for each in included] + [rate(each) for each in added]
    found = adjustments(quote, rates, POLICIES["per_line"])
    whole = 100_000 + sum(included)
    for line in quote.lines:
        contained = sum(a.lines[line.variant_id].minor for a in found if a.included)
        net = Fraction(line.net.minor * 100_000, whole)
        assert abs(line.net.minor - contained - net) <= Fraction(max(len(included), 1), 2)
        for adjustment, one in zip(found, rates, strict=True):
            assert adjustment.lines[line.variant_id].minor == half_up(net * Fraction(one.parts, 100_000))


@given(st.lists(amounts, max_size=6), parts)
def test_no_rounding_policy_makes_or_loses_a_unit(given_amounts, parts):
    money = [Money(amount, "ETB") for amount in given_amounts]
    for name, policy in POLICIES.items():
        shares = policy(money, parts, 100_000)
        assert len(shares) == len(money) and all(share.minor >= 0 for share in shares)
        exact = sum(given_amounts) * Fraction(parts, 100_000)
        allowed = Fraction(1, 2) if name == "per_order" else Fraction(max(len(money), 1), 2)
        assert abs(sum(share.minor for share in shares) - exact) <= allowed


def test_the_setting_names_the_policies():
    assert tuple(POLICIES) == ROUNDINGS
