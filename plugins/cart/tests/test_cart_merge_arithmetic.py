"""Two carts as one: never above what a cart may hold, and nothing lost without a word."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from nexus_cart.services.merging import add_up
from nexus_cart.services.present import Line, largest

from nexus_kernel import Money
from nexus_kernel.contracts.catalog import VariantView

VARIANTS = [UUID(int=number) for number in range(1, 9)]
PRICES = st.one_of(st.integers(0, 10**4), st.integers(0, 10**15))


def view(variant_id, price, available, is_active) -> VariantView:
    return VariantView(
        id=variant_id,
        product_id=variant_id,
        sku="SKU",
        title="Lantern",
        slug="lantern",
        price=price,
        available=available,
        is_active=is_active,
    )


def moneys(currency):
    return st.builds(Money, PRICES, st.just(currency))


CURRENCIES = st.sampled_from(["ETB", "ETB", "ETB", "USD"])


@st.composite
def carts(draw, base, currency):
    chosen = draw(st.lists(st.sampled_from(VARIANTS), unique=True, max_size=8))
    return [
        Line(UUID(int=base + number), variant, draw(st.integers(1, 999)), draw(moneys(currency)))
        for number, variant in enumerate(chosen)
    ]


@st.composite
def shops(draw):
    known = draw(st.lists(st.sampled_from(VARIANTS), unique=True))
    return {
        variant: view(
            variant,
            draw(moneys(draw(CURRENCIES))),
            draw(st.one_of(st.integers(0, 20), st.integers(0, 5000))),
            draw(st.sampled_from([True, True, True, False])),
        )
        for variant in known
    }


@given(
    mine=CURRENCIES.flatmap(lambda currency: carts(1000, currency)),
    theirs=CURRENCIES.flatmap(lambda currency: carts(2000, currency)),
    variants=shops(),
    max_lines=st.integers(1, 10),
)
def test_nothing_passes_a_limit_and_nothing_is_lost_without_a_word(mine, theirs, variants, max_lines):
    merged = add_up(mine, theirs, variants, max_lines)
    had = {line.variant_id: line.quantity for line in mine}
    brought = {line.variant_id: line.quantity for line in theirs}
    told = {capped.variant_id: capped for capped in merged.capped}
    assert len(told) == len(merged.capped) and set(told) <= set(brought)
    assert len(merged.lines) <= max(max_lines, len(mine))
    assert set(merged.lines) <= set(had) | set(brought)
    for variant_id in set(had) | set(brought):
        line = merged.lines.get(variant_id)
        before, after = had.get(variant_id, 0), line.quantity if line else 0
        wanted = before + brought.get(variant_id, 0)
        assert before <= after <= wanted
        if variant_id in told:
            assert (told[variant_id].requested, told[variant_id].quantity) == (wanted, after)
            assert after < wanted
        else:
            assert after == wanted
        if after > before:
            variant = variants[variant_id]
            assert variant.is_active and after <= min(variant.available, 999)


@given(mine=carts(1000, "ETB"), theirs=carts(2000, "ETB"), variants=shops(), max_lines=st.integers(1, 10))
def test_a_merge_mixes_no_currencies_and_passes_no_amount(mine, theirs, variants, max_lines):
    merged = add_up(mine, theirs, variants, max_lines)
    assert len({line.added_price.currency for line in merged.lines.values()}) <= 1
    if merged.written:
        currency = merged.written[0].added_price.currency
        worth = sum(_today(line, variants).minor * line.quantity for line in merged.lines.values())
        assert worth <= largest(currency).minor


def _today(line, variants) -> Money:
    variant = variants.get(line.variant_id)
    if variant is None or variant.price.currency != line.added_price.currency:
        return line.added_price
    return variant.price


@given(theirs=carts(2000, "ETB"), variants=shops())
def test_an_empty_cart_takes_what_fits_with_the_guests_own_lines(theirs, variants):
    merged = add_up([], theirs, variants, 100)
    assert [line.id for line in merged.lines.values()] == [line.id for line in merged.written]
    assert {line.id for line in merged.written} <= {line.id for line in theirs}
