"""A buyer tries a code on the cart, and cannot find codes by trying."""

from dataclasses import replace

import pytest
from nexus_promotions.checkout import CouponExtension
from nexus_promotions.services.guessing import count_wrong, is_locked_out

from nexus_kernel import Money, new_id, reading
from nexus_kernel.testing import auth_headers, count_queries

from .hand_made import made_line, made_quote

CHECK = "/api/promotions/coupons/check/"
REFUSED = {"applies": False, "title": None, "discount": None, "currency": None, "free_shipping": False}


@pytest.fixture
def check(client, buyer):
    def ask(code: str, headers=buyer):
        return client.post(CHECK, json={"code": code}, headers=headers)

    return ask


@pytest.fixture
def lamps(catalog, carts, person):
    """Two lamps of 100.00 in the buyer's cart."""
    lamp = catalog.add(Money(10_000, "ETB"))
    carts.fill(person, {lamp.id: 2})
    return lamp


def names(answer):
    return [p["code"].removeprefix("promotions.") for p in answer.json["problems"]]


def test_a_code_tells_what_it_would_take_off(check, lamps, coupon):
    coupon("SAVE10", title="Ten off")
    coupon("PARCEL", kind="free_shipping", usage_limit=1)
    answer = check(" save10")
    assert answer.status_code == 200
    assert answer.json == {
        "code": "SAVE10",
        "applies": True,
        "title": "Ten off",
        "discount": "20.00",
        "currency": "ETB",
        "free_shipping": False,
        "problems": [],
    }
    free = check("PARCEL").json
    assert (free["applies"], free["discount"], free["free_shipping"]) == (True, "0.00", True)


def test_a_code_that_does_not_count_says_why(check, lamps, coupon):
    coupon("DEAR", minimum_spend="200.01", currency="ETB", title="Not told")
    answer = check("dear")
    assert {name: answer.json[name] for name in REFUSED} == REFUSED
    assert names(answer) == ["minimum_not_reached"]
    coupon("OTHERS", product_ids=[str(new_id())])
    assert names(check("OTHERS")) == ["not_for_these_products"]


def test_nobody_can_tell_an_inactive_code_from_one_that_there_is_not(app, check, lamps, coupon):
    coupon("SECRET", is_active=False)
    seen = []
    for code in ("SECRET", "NOTHING"):
        with count_queries(app) as queries:
            answer = check(code)
        seen.append((answer.status_code, answer.text.replace(code, "?"), len(queries)))
    assert seen[0] == seen[1] and seen[0][2] == 1, seen


def test_a_cart_that_cannot_be_ordered_says_nothing_of_the_code(
    check, client, buyer, person, carts, catalog, coupon
):
    coupon("SAVE10")
    for code in ("SAVE10", "NOTHING"):
        assert names(check(code)) == ["cart_empty"]
    birr, dollars, gone = (catalog.add(Money(100, c)) for c in ("ETB", "USD", "ETB"))
    catalog.variants[gone.id] = replace(gone, is_active=False)
    carts.fill(person, {birr.id: 1, dollars.id: 1})
    for code in ("SAVE10", "NOTHING"):
        assert names(check(code)) == ["mixed_currency"]
    carts.fill(person, {gone.id: 1})
    assert names(check("SAVE10")) == ["cart_empty"]
    carts.fill(person, {gone.id: 1, birr.id: 1})
    assert check("SAVE10").json["discount"] == "0.10"


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": 7}, {"code": "A" * 41}, {"code": "A", "x": 1}, []]
)
def test_a_wrong_body_is_refused(client, buyer, body):
    assert client.post(CHECK, json=body, headers=buyer).status_code == 422


def test_a_check_wants_somebody(client):
    assert client.post(CHECK, json={"code": "SAVE10"}).status_code == 401


@pytest.mark.parametrize("nexus_config", [{"promotions": {"check_rate": "3/hour"}}])
def test_checks_are_throttled_right_or_wrong(app, check, lamps, coupon):
    coupon("SAVE10")
    assert [check(code).status_code for code in ("SAVE10", "NO1", "SAVE10")] == [200] * 3
    refused = check("SAVE10")
    assert refused.status_code == 429 and refused.json["code"] == "kernel.throttled"
    assert refused.content_type == "application/problem+json" and int(refused.headers["Retry-After"]) >= 1
    assert check("SAVE10", auth_headers(app)).status_code == 200


@pytest.mark.parametrize("nexus_config", [{"promotions": {"wrong_code_rate": "3/hour"}}])
def test_whoever_guesses_is_believed_nothing_for_a_while(app, check, lamps, coupon, person):
    coupon("SAVE10")
    for _ in range(5):
        assert names(check("TYPO")) == ["unknown_code"]
    assert [names(check(f"GUESS{n}")) for n in range(3)] == [["unknown_code"]] * 2 + [["too_many_attempts"]]
    assert names(check("SAVE10")) == ["too_many_attempts"]
    stranger = made_quote(made_line(100), codes=["SAVE10"])
    mine = replace(stranger, user_id=person)
    with app.app_context(), reading():
        assert CouponExtension().prepare(stranger).offers.keys() == {"SAVE10"}
        locked = CouponExtension().prepare(mine)
        assert locked.offers == {} and locked.too_many_attempts
        assert CouponExtension().prepare(replace(mine, requested={"promotions": {}})).codes == ()


@pytest.mark.parametrize("nexus_config", [{"promotions": {"wrong_code_rate": ""}}])
def test_an_empty_rate_is_no_limit(app, person):
    with app.app_context():
        assert not count_wrong(person, [f"GUESS{n}" for n in range(99)]) and not is_locked_out(person)


def test_an_unknown_code_beside_a_known_one_counts_too(app, coupon, person):
    coupon("SAVE10")
    with app.app_context(), reading():
        for number in range(25):
            codes = ["SAVE10", *(f"GUESS{number}{n}" for n in range(4))]
            asked = CouponExtension().prepare(made_quote(made_line(100), codes=codes, user_id=person))
    assert asked.too_many_attempts
