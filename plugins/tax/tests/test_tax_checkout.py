"""What a checkout is told: the taxes of the place, on what is left of each line, and on shipping."""

from datetime import timedelta
from decimal import Decimal

import pytest
from nexus_tax.checkout import TaxRule

from nexus_kernel import now
from nexus_kernel.testing import count_queries


def taxes(quote) -> list[tuple]:
    """Label, rate, amount, shares of the lines, and whether the prices contain it."""
    return [
        (
            a.label,
            str(a.rate),
            str(a.amount),
            [str(a.lines[line.variant_id]) for line in quote.lines],
            a.included,
        )
        for a in TaxRule().apply(quote)
    ]


def test_without_a_rate_for_the_country_there_is_no_tax(rate, quote):
    assert taxes(quote(10000)) == []
    rate(), rate(country="KE"), rate(label="Levy", is_active=False)
    assert taxes(quote(10000, country="JP")) == []
    assert len(taxes(quote(10000))) == 1


def test_a_tax_on_top_of_the_prices_is_a_part_of_what_is_left_after_discounts(rate, quote):
    rate()
    assert taxes(quote((10000, 2, 5000), 999)) == [("VAT", "0.15", "24.00", ["22.50", "1.50"], False)]


def test_a_tax_that_prices_include_is_the_contained_part(rate, quote):
    rate(included=True)
    assert taxes(quote(11500, 1000)) == [("VAT", "0.15", "16.30", ["15.00", "1.30"], True)]


def test_shipping_is_taxed_where_the_rate_applies_to_it_beyond_the_lines(rate, quote):
    rate()
    (tax,) = TaxRule().apply(quote(10000, shipping=5000))
    assert (str(tax.amount), str(sum(m.minor for m in tax.lines.values()))) == ("22.50", "1500")


def test_and_not_where_it_does_not(rate, quote):
    rate(applies_to_shipping=False)
    assert taxes(quote(10000, shipping=5000)) == [("VAT", "0.15", "15.00", ["15.00"], False)]


def test_several_rates_are_each_one_of_the_net(rate, quote):
    rate("0.05", label="GST", country="CA"), rate("0.07", label="PST", country="CA", region="Manitoba")
    assert taxes(quote(10000, country="CA")) == [("GST", "0.05", "5.00", ["5.00"], False)]
    assert taxes(quote(10000, country="CA", region=" MANITOBA ")) == [
        ("GST", "0.05", "5.00", ["5.00"], False),
        ("PST", "0.07", "7.00", ["7.00"], False),
    ]


def test_included_and_added_rates_share_the_net(rate, quote):
    rate("0.15", included=True), rate("0.1", label="Excise", included=True), rate("0.02", label="Levy")
    assert [(label, amount) for label, _, amount, *_ in taxes(quote(12500))] == [
        ("Excise", "10.00"), ("Levy", "2.00"), ("VAT", "15.00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "amount", "rate_", "shown"),
    [
        ("JPY", 105, "0.1", "11"),
        ("JPY", 104, "0.1", "10"),
        ("KWD", 10005, "0.05", "0.500"),
        ("ETB", 10, "0.05", "0.01"),
    ],
)
def test_halves_go_up_in_the_minor_units_of_the_currency(rate, quote, currency, amount, rate_, shown):
    rate(rate_)
    assert taxes(quote(amount, currency=currency))[0][2] == shown


def test_a_rate_holds_from_its_first_moment_and_up_to_its_last(rate, quote):
    at = now()
    before, after = (at - timedelta(hours=1)).isoformat(), (at + timedelta(hours=1)).isoformat()
    (
        rate("0.15", valid_to=before),
        rate("0.16", valid_from=before, valid_to=after),
        rate("0.2", valid_from=after),
    )
    assert [tax[1] for tax in taxes(quote(10000))] == ["0.16"]


def test_a_rate_of_nothing_is_told_too(rate, quote):
    rate("0", label="ተ.እ.ታ")
    assert taxes(quote(10000)) == [("ተ.እ.ታ", "0", "0.00", ["0.00"], False)]


def test_the_rate_is_exact(rate, quote):
    rate("0.08875")
    (tax,) = TaxRule().apply(quote(10000))
    assert tax.rate == Decimal("0.08875") and str(tax.amount) == "8.88"


@pytest.mark.parametrize("nexus_config", [{"tax": {"rounding": "per_order"}}])
def test_per_order_rounds_once_and_shares_out_the_rest(rate, quote):
    rate("0.1")
    assert taxes(quote(5, 5, 5)) == [("VAT", "0.1", "0.02", ["0.01", "0.01", "0.00"], False)]
    (tax,) = TaxRule().apply(quote(5, shipping=95))
    assert str(tax.amount) == "0.10" and [m.minor for m in tax.lines.values()] == [1]


def test_per_line_rounds_each_line(rate, quote):
    rate("0.1")
    assert taxes(quote(5, 5, 5)) == [("VAT", "0.1", "0.03", ["0.01", "0.01", "0.01"], False)]


def test_a_checkout_reads_the_rates_once_and_then_from_memory(app, rate, quote):
    for number in range(5):
        rate(label=f"Levy {number}")
    for expected in (1, 0):
        with count_queries(app) as queries:
            quote(10000)
        assert len(queries) == expected, str(queries)


def test_a_change_holds_for_the_next_checkout(client, rate, quote, staff):
    url = f"/api/tax/rates/{rate()['id']}/"
    assert taxes(quote(10000))[0][1] == "0.15"
    client.patch(url, json={"rate": "0.16"}, headers=staff)
    assert taxes(quote(10000))[0][1] == "0.16"
    client.delete(url, headers=staff)
    assert taxes(quote(10000)) == []
