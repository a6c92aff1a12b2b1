"""What a checkout is told: which method, what it costs, and why it cannot go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nexus_shipping.checkout import ShippingExtension
from nexus_shipping.schemas import ChosenSchema, check_bands
from nexus_shipping.services.offers import Band, Method, Parcel

from nexus_kernel import Money
from nexus_kernel.testing import count_queries

HOME = {"country": "ET", "price": "50"}
ABROAD = {"price": "900"}


def band(least: int = 0, most: int | None = None, price: str = "50", **fields) -> dict:
    return {"min_weight_grams": least, "max_weight_grams": most, "price": price, **fields}


def test_without_active_methods_nothing_is_asked_for_and_nothing_added(method, quote, fee, problems):
    method("post", is_active=False)
    order = quote()
    assert (fee(order), problems(order), ShippingExtension().snapshot(order)) == ([], [], None)


def test_the_only_method_that_takes_the_parcel_is_taken_by_itself(method, quote, fee, problems):
    method("post", HOME)
    method("courier", {"country": "KE", "price": "70"})
    order = quote()
    assert (fee(order), problems(order)) == ([("Post", "50.00")], [])


def test_of_several_one_must_be_chosen(method, quote, fee, problems):
    method("post", HOME), method("courier", {"price": "70"})
    assert problems(quote()) == ["shipping.method_required"] and fee(quote()) == []
    order = quote(method="courier")
    assert problems(order) == [] and fee(order) == [("Courier", "70.00")]


@pytest.mark.parametrize("nexus_config", [{"shipping": {"required": False}}])
def test_where_it_is_not_required_an_order_without_a_method_is_not_shipped(method, quote, fee, problems):
    method("post", HOME)
    order = quote()
    assert (fee(order), problems(order), ShippingExtension().snapshot(order)) == ([], [], None)
    assert fee(quote(method="post")) == [("Post", "50.00")]
    assert problems(quote(method="ghost")) == ["shipping.method_unknown"]


def test_an_unknown_and_a_switched_off_method_are_unknown(method, quote, problems):
    assert problems(quote(method="post")) == ["shipping.method_unknown"]
    method("post", is_active=False), method("courier")
    assert problems(quote(method="post")) == ["shipping.method_unknown"]
    assert problems(quote(method="Courier")) == ["shipping.method_unknown"]


@pytest.mark.parametrize(
    "parcel",
    [{"country": "KE"}, {"grams": 1000}, {"price": Money(100, "USD")}, {"grams": 400, "quantity": 3}],
)
def test_a_method_that_does_not_take_the_parcel_is_refused_with_the_reason(
    method, quote, fee, problems, parcel
):
    method("post", band(0, 1000, country="ET"))
    assert problems(quote(**parcel, method="post")) == ["shipping.not_available"]
    assert problems(quote(**parcel)) == ["shipping.not_available"], "nothing takes it"
    assert fee(quote(**parcel, method="post")) == []


def test_a_parcel_on_the_edge_of_two_bands_belongs_to_the_heavier_one(method, quote, fee):
    method("post", band(0, 1000, "50"), band(1000, 2000, "80"), band(2000, None, "120"))
    prices = {grams: fee(quote(grams=grams))[0][1] for grams in (0, 999, 1000, 1999, 2000, 10_000_000)}
    assert prices == {
        0: "50.00", 999: "50.00", 1000: "80.00", 1999: "80.00", 2000: "120.00", 10_000_000: "120.00",
    }  # fmt: skip


def test_the_narrowest_place_that_the_method_names_counts(method, quote, fee, problems):
    method("post", HOME, ABROAD, {"country": "ET", "region": "Tigray  Region", "price": "60"})
    assert fee(quote()) == [("Post", "50.00")]
    assert fee(quote(region="Oromia")) == [("Post", "50.00")]
    assert fee(quote(region=" TIGRAY region ")) == [("Post", "60.00")]
    assert fee(quote(country="KE", region="Tigray Region")) == [("Post", "900.00")]


def test_a_place_that_is_named_never_falls_back_to_a_wider_one(method, quote, problems):
    method("post", band(0, 500, country="ET"), ABROAD)
    assert problems(quote(grams=500)) == ["shipping.not_available"]


def test_a_region_is_amharic_too(method, quote, fee):
    method("ፖስታ".encode().hex(), {"country": "ET", "region": "አዲስ አበባ", "price": "5"}, title="የአዲስ አበባ ፖስታ")
    assert fee(quote(region="አዲስ  አበባ")) == [("የአዲስ አበባ ፖስታ", "5.00")]


def test_goods_worth_enough_after_discounts_are_shipped_for_nothing(method, quote, fee):
    method("post", {"price": "50", "free_from": "100"})
    assert fee(quote()) == [("Post", "0.00")]
    assert fee(quote(discount=1)) == [("Post", "50.00")]
    assert fee(quote(quantity=2, discount=10000)) == [("Post", "0.00")]


@pytest.mark.parametrize(("currency", "price", "shown"), [("JPY", "500", "500"), ("KWD", "1.250", "1.250")])
def test_prices_have_the_decimals_of_their_currency(method, quote, fee, currency, price, shown):
    method("post", {"price": price}, currency=currency)
    assert fee(quote(price=Money(1, currency))) == [("Post", shown)]


def test_the_order_keeps_what_was_chosen(method, quote):
    method("post", HOME, min_days=2, max_days=5, title="ፖስታ")
    shown = ShippingExtension().snapshot(quote(grams=250, quantity=3))
    assert shown == {"method": "post", "title": "ፖስታ", "weight_grams": 750, "min_days": 2, "max_days": 5}
    assert ChosenSchema().validate(shown) == {}


def test_a_checkout_reads_the_methods_once_and_then_from_memory(app, method, quote):
    for number in range(5):
        method(f"m-{number}", HOME, ABROAD)
    with count_queries(app) as queries:
        quote()
    assert len(queries) == 1, str(queries)
    with count_queries(app) as queries:
        quote(grams=7)
    assert len(queries) == 0, str(queries)


def test_a_change_of_prices_holds_for_the_next_checkout(app, client, method, quote, fee, staff):
    url = f"/api/shipping/methods/{method('post', HOME)['id']}/"
    assert fee(quote()) == [("Post", "50.00")]
    client.patch(url, json={"bands": [{"price": "51.50"}]}, headers=staff)
    assert fee(quote()) == [("Post", "51.50")]
    client.delete(url, headers=staff)
    assert fee(quote()) == []


edges = st.lists(st.integers(0, 5000), min_size=1, max_size=8, unique=True).map(sorted)


@given(edges=edges, grams=st.integers(0, 6000), open_end=st.booleans(), price=st.integers(0, 10**15))
def test_each_weight_has_exactly_one_price_in_a_row_of_bands(edges, grams, open_end, price):
    ends = [*edges[1:], None if open_end else edges[-1] + 1]
    bands = tuple(
        Band(
            country=None, region="", min_weight_grams=least, max_weight_grams=most,
            price_minor=price, free_from_minor=None,
        )
        for least, most in zip(edges, ends, strict=True)
    )  # fmt: skip
    rows = [
        {
            "country": None,
            "region": "",
            "min_weight_grams": b.min_weight_grams,
            "max_weight_grams": b.max_weight_grams,
        }
        for b in bands
    ]
    check_bands(rows[::-1])
    method = Method(
        code="m", title="M", description="", currency="ETB", min_days=None, max_days=None, bands=bands
    )
    parcel = Parcel(country="ET", region="", weight_grams=grams, currency="ETB")
    taken = [band for band in bands if band.holds(grams)]
    inside = edges[0] <= grams and (open_end or grams <= edges[-1])
    assert len(taken) == (1 if inside else 0)
    expected = Money(price, "ETB") if inside else None
    assert method.price(parcel, Money(0, "ETB")) == expected
