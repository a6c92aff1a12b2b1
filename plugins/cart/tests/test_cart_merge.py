"""A guest signs in: both carts become one, once, and whatever does not fit is told."""

import time
from dataclasses import replace
from functools import partial
from threading import Thread

import pytest
from nexus_cart.models import Cart, CartItem
from sqlalchemy import func, select, text

from nexus_kernel import Money, new_id, services, transaction
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.testing import auth_headers, count_queries, in_threads, rounds

CART, ITEMS, TOKEN = "/api/cart/cart/", "/api/cart/cart/items/", "X-Cart-Token"
MERGE = "/api/cart/cart/merge/"


@pytest.fixture
def merge(app):
    """Merges a guest's cart into a person's."""

    def _merge(person, guest, url=MERGE):
        return app.test_client().post(url, json={"token": guest[TOKEN]}, headers=person)

    return _merge


def quantities(client, headers) -> list[int]:
    return [line["quantity"] for line in client.get(CART, headers=headers).json["items"]]


def rows(app, model) -> int:
    with app.extensions["nexus"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_quantities_are_added_and_lines_keep_their_order(app, client, buyer, put, guest, merge, catalog):
    both, only_mine, only_theirs = (catalog.add(Money(100, "ETB"), available=50) for _ in range(3))
    put(buyer, both, 2)
    headers = guest((only_theirs, 4), (both, 3))
    put(buyer, only_mine, 1)
    answer = merge(buyer, headers)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert body.pop("capped") == []
    assert body == client.get(CART, headers=buyer).json
    assert [(line["variant"]["id"], line["quantity"]) for line in body["items"]] == [
        (str(both.id), 5),
        (str(only_theirs.id), 4),
        (str(only_mine.id), 1),
    ]
    assert body["total"] == "10.00"
    assert (rows(app, Cart), rows(app, CartItem)) == (1, 3)


def test_the_guests_cart_is_gone_afterwards(client, buyer, put, guest, merge, catalog):
    variant = catalog.add()
    headers = guest((variant, 1))
    assert merge(buyer, headers, "/api/cart/merge/").status_code == 200
    again = merge(buyer, headers)
    answers = (
        again,
        client.get(CART, headers=headers),
        put(headers, variant),
        merge(auth_headers(client.application), headers),
    )
    assert {(a.status_code, a.json["code"]) for a in answers} == {(404, "cart.token_unknown")}
    assert quantities(client, buyer) == [1]


def test_a_merge_that_is_refused_opens_no_cart(app, client, buyer, merge, catalog):
    for token in ("A" * 43, "", "short", "ü" * 43):
        answer = merge(buyer, {TOKEN: token})
        assert (answer.status_code, answer.json["code"]) == (404, "cart.token_unknown")
    for body in ({}, {"token": None}, {"token": 7}, {"token": ["A" * 43]}, {"token": "A" * 201}):
        answer = client.post(MERGE, json=body, headers=buyer)
        assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "token"
    assert client.post(MERGE, json={"token": "A" * 43, "x": 1}, headers=buyer).status_code == 422
    assert client.post(MERGE, json={"token": "A" * 43}).status_code == 401
    assert rows(app, Cart) == 0


def test_a_persons_cart_cannot_be_merged_by_their_id(client, buyer, put, merge, catalog):
    person = new_id()
    put(auth_headers(client.application, person_id=person), catalog.add())
    assert merge(buyer, {TOKEN: str(person)}).json["code"] == "cart.token_unknown"


def test_stock_caps_and_the_answer_says_what(client, buyer, put, guest, merge, catalog):
    variant, gone = catalog.add(available=5), catalog.add(available=5)
    put(buyer, variant, 3)
    headers = guest((variant, 4), (gone, 2))
    catalog.variants[gone.id] = replace(gone, available=0)
    body = merge(buyer, headers).json
    assert [line["quantity"] for line in body["items"]] == [5]
    capped = [(c["variant"]["id"], c["requested"], c["quantity"], c["reason"]) for c in body["capped"]]
    assert capped == [
        (str(variant.id), 7, 5, "insufficient_stock"),
        (str(gone.id), 2, 0, "insufficient_stock"),
    ]
    assert body["capped"][0]["product"]["title"] == "Lantern"


def test_a_line_is_never_made_less(client, buyer, put, guest, merge, catalog):
    variant = catalog.add(available=9)
    put(buyer, variant, 6)
    headers = guest((variant, 3))
    catalog.variants[variant.id] = replace(variant, available=2)
    body = merge(buyer, headers).json
    assert [line["quantity"] for line in body["items"]] == [6]
    assert body["items"][0]["issues"][0]["code"] == "insufficient_stock"
    assert [(c["requested"], c["quantity"]) for c in body["capped"]] == [(9, 6)]


def test_999_pieces_cap(client, buyer, put, guest, merge, catalog):
    variant = catalog.add(Money(1, "ETB"), available=5000)
    put(buyer, variant, 900)
    (capped,) = merge(buyer, guest((variant, 900))).json["capped"]
    assert (capped["requested"], capped["quantity"], capped["reason"]) == (1800, 999, "quantity_limit")


@pytest.mark.parametrize("nexus_config", [{"cart": {"max_lines": 3}}])
def test_the_number_of_lines_caps(client, buyer, put, guest, merge, catalog):
    variants = [catalog.add() for _ in range(4)]
    put(buyer, variants[0])
    put(buyer, variants[1])
    body = merge(buyer, guest((variants[2], 1), (variants[3], 2), (variants[0], 3))).json
    assert [line["quantity"] for line in body["items"]] == [4, 1, 1]
    assert [(c["variant"]["id"], c["quantity"], c["reason"]) for c in body["capped"]] == [
        (str(variants[3].id), 0, "cart_full")
    ]


def test_the_largest_amount_caps(client, buyer, put, guest, merge, catalog):
    dear, dearer = (catalog.add(Money(price, "ETB"), available=99) for price in (4 * 10**13, 10**13))
    put(buyer, dear, 2)
    body = merge(buyer, guest((dearer, 9))).json
    assert [line["quantity"] for line in body["items"]] == [2, 1]
    assert [(c["requested"], c["quantity"], c["reason"]) for c in body["capped"]] == [
        (9, 1, "total_out_of_range")
    ]


def test_what_is_not_for_sale_or_of_another_currency_stays_out(client, buyer, put, guest, merge, catalog):
    mine, foreign = catalog.add(Money(100, "ETB")), catalog.add(Money(100, "USD"))
    put(buyer, mine)
    body = merge(buyer, guest((foreign, 1))).json
    assert [c["reason"] for c in body["capped"]] == ["currency_mixed"]
    retired, erased, kept = (catalog.add(Money(100, "ETB")) for _ in range(3))
    headers = guest((retired, 1), (erased, 2), (kept, 3))
    catalog.variants[retired.id] = replace(retired, is_active=False)
    del catalog.variants[erased.id]
    body = merge(buyer, headers).json
    assert [line["quantity"] for line in body["items"]] == [1, 3]
    assert [(c["requested"], c["quantity"], c["reason"]) for c in body["capped"]] == [
        (1, 0, "unavailable"),
        (2, 0, "unavailable"),
    ]
    assert body["capped"][1]["product"] is None and body["capped"][1]["variant"]["sku"] is None


def test_an_empty_cart_takes_the_guests_currency(client, buyer, guest, merge, catalog):
    body = merge(buyer, guest((catalog.add(Money(100, "USD")), 2))).json
    assert (body["currency"], body["total"], body["capped"]) == ("USD", "2.00", [])


def test_a_price_that_changed_since_the_guest_added_it_is_told(client, buyer, guest, merge, catalog):
    variant = catalog.add(Money(1000, "ETB"))
    headers = guest((variant, 1))
    catalog.variants[variant.id] = replace(variant, price=Money(1500, "ETB"))
    (line,) = merge(buyer, headers).json["items"]
    assert line["unit_price"] == "15.00" and line["issues"][0]["previous_price"] == "10.00"


def test_merging_takes_the_same_statements_whatever_the_number_of_lines(
    app, buyer, put, guest, merge, catalog
):
    counts = []
    for size in (1, 40):
        variants = [catalog.add(available=50) for _ in range(size)]
        put(buyer, variants[0])
        headers = guest(*((variant, 1) for variant in variants))
        with count_queries(app) as queries:
            assert merge(buyer, headers).status_code == 200
        counts.append(len(queries))
    assert counts == [7, 7], "five with BEGIN and COMMIT, besides the catalog's: " + str(queries)


@pytest.mark.proof
def test_two_merges_at_once_merge_once(app, client, buyer, guest, merge, catalog):
    for _ in range(rounds(5, 40)):
        variant = catalog.add(available=50)
        headers = guest((variant, 3))
        people = [auth_headers(app), auth_headers(app)]
        answers = in_threads([partial(merge, who, headers) for who in [*people, people[0]]])
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404]
        assert sorted(quantities(client, who) for who in people) == [[], [3]]


@pytest.mark.proof
def test_one_person_merges_two_guests_at_once(client, buyer, put, guest, merge, catalog):
    for _ in range(rounds(5, 40)):
        client.delete("/api/cart/cart/clear/", headers=buyer)
        variant = catalog.add(available=5)
        guests = [guest((variant, 3)), guest((variant, 3))]
        answers = in_threads([partial(merge, buyer, who) for who in guests])
        assert [answer.status_code for answer in answers] == [200, 200]
        assert quantities(client, buyer) == [5]
        assert sorted(len(answer.json["capped"]) for answer in answers) == [0, 1]


@pytest.mark.proof
def test_what_a_guest_adds_during_a_merge_is_merged_or_refused(client, buyer, put, guest, merge, catalog):
    for _ in range(rounds(10, 80)):
        client.delete("/api/cart/cart/clear/", headers=buyer)
        variant = catalog.add(available=50)
        headers = guest((variant, 3))
        merged, added = in_threads([partial(merge, buyer, headers), partial(put, headers, variant, 4)])
        assert merged.status_code == 200 and added.status_code in (201, 404)
        assert quantities(client, buyer) == ([7] if added.status_code == 201 else [3])


@pytest.mark.proof
def test_what_the_person_adds_during_a_merge_is_there(client, buyer, put, guest, merge, catalog):
    for _ in range(rounds(10, 80)):
        client.delete("/api/cart/cart/clear/", headers=buyer)
        variant = catalog.add(available=9)
        headers = guest((variant, 3))
        adding = partial(put, buyer, variant, 4)
        answers = in_threads([partial(merge, buyer, headers), adding, adding])
        told = sum(c["requested"] - c["quantity"] for c in answers[0].json["capped"])
        added = sum(4 for answer in answers[1:] if answer.status_code == 201)
        assert answers[0].status_code == 200 and 7 <= added + 3 - told <= 9
        assert quantities(client, buyer) == [added + 3 - told]


def test_a_merge_that_waited_for_a_checkout_fills_the_next_cart(app, client, put, guest, merge, catalog):
    person, variant = new_id(), catalog.add()
    buyer = auth_headers(app, person_id=person)
    put(buyer, variant, 4)
    headers, answers = guest((variant, 3)), []
    merging = Thread(target=lambda: answers.append(merge(buyer, headers)))
    with app.app_context(), transaction():
        carts = services.get(CartService)
        cart = carts.lock(person)
        merging.start()
        wait_for_a_lock(app)
        carts.empty(cart.id, cart.generation)
    merging.join()
    assert answers[0].status_code == 200 and answers[0].json["capped"] == []
    with app.app_context(), transaction():
        cart = services.get(CartService).lock(person)
    assert cart.generation == 2 and [line.quantity for line in cart.lines] == [3]


@pytest.mark.proof
def test_a_checkout_that_waited_for_a_merge_sees_all_of_it(app, put, guest, merge, catalog):
    for _ in range(rounds(10, 80)):
        person, variants = new_id(), [catalog.add() for _ in range(3)]
        buyer = auth_headers(app, person_id=person)
        put(buyer, variants[0])
        headers = guest((variants[1], 1), (variants[2], 1))

        def check_out(person=person) -> int:
            with app.app_context(), transaction():
                carts = services.get(CartService)
                cart = carts.lock(person)
                carts.empty(cart.id, cart.generation)
                return len(cart.lines)

        merged, ordered = in_threads([partial(merge, buyer, headers), check_out])
        assert merged.status_code == 200 and ordered in (1, 3)
        with app.app_context(), transaction():
            left = services.get(CartService).lock(person)
        assert len(left.lines) == (2 if ordered == 1 else 0)


def wait_for_a_lock(app) -> None:
    question = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(200):
        with app.extensions["nexus"].db.engine.connect() as connection:
            if connection.execute(question).scalar():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
