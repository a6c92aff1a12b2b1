"""Many buyers, few pieces, impatient fingers: what must hold when everything happens at once."""

from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads


def test_one_piece_makes_one_order_however_many_want_it(app, product, put, submit, ask):
    lamp = product(stock=1)
    buyers = [auth_headers(app) for _ in range(20)]
    for buyer in buyers:
        put(buyer, lamp)
    answers = in_threads([lambda buyer=buyer: submit(buyer) for buyer in buyers])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.content_type == "application/problem+json"
        assert refused.json["code"] == "orders.out_of_stock"
        (line,) = refused.json["lines"]
        assert (line["title"], line["requested"], line["available"]) == ("Lamp", 1, 0)
    assert ask("SELECT count(*) FROM orders_order") == 1
    assert ask("SELECT sum(reserved) FROM catalog_stock") == 1


def test_twenty_pieces_serve_twenty_buyers(app, product, put, submit, ask):
    lamp = product(stock=20)
    buyers = [auth_headers(app) for _ in range(20)]
    for buyer in buyers:
        put(buyer, lamp)
    answers = in_threads([lambda buyer=buyer: submit(buyer) for buyer in buyers])
    assert [answer.status_code for answer in answers] == [201] * 20
    assert ask("SELECT on_hand - reserved FROM catalog_stock") == 0


def test_what_a_loser_wanted_stays_in_the_cart(app, product, put, submit):
    lamp, winner, loser = product(stock=1), auth_headers(app), auth_headers(app)
    put(winner, lamp)
    put(loser, lamp)
    assert submit(winner).status_code == 201
    assert submit(loser).status_code == 409
    cart = app.test_client().get("/api/cart/cart/", headers=loser).json
    assert cart["items"][0]["issues"][0]["code"] == "insufficient_stock"


def test_a_cart_that_is_submitted_ten_times_is_ordered_once(app, product, put, submit, ask):
    buyer = auth_headers(app)
    put(buyer, product(stock=100), 2)
    answers = in_threads([lambda: submit(buyer)] * 10)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"orders.cart_empty"}
    assert ask("SELECT count(*) FROM orders_order") == 1
    assert ask("SELECT reserved FROM catalog_stock") == 2


def test_one_key_gives_one_order_and_equal_replies(app, product, put, submit, ask):
    buyer = auth_headers(app)
    put(buyer, product(stock=100))
    keyed = {**buyer, "Idempotency-Key": str(uuid4())}
    answers = [*in_threads([lambda: submit(keyed)] * 10), submit(keyed)]
    placed = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.data for answer in placed}) == 1 and len(placed) >= 2
    others = {answer.json["code"] for answer in answers if answer.status_code != 201}
    assert others <= {"kernel.idempotency_in_progress"}
    assert ask("SELECT count(*) FROM orders_order") == 1


@pytest.mark.parametrize("round", range(5))
def test_carts_in_opposite_order_do_not_block_one_another(app, product, put, submit, round):
    products = [product(stock=1000, title=f"Lamp {number}") for number in range(6)]
    buyers = [auth_headers(app) for _ in range(8)]
    for number, buyer in enumerate(buyers):
        for item in products if number % 2 else reversed(products):
            put(buyer, item)
    answers = in_threads([lambda buyer=buyer: submit(buyer) for buyer in buyers])
    assert [answer.status_code for answer in answers] == [201] * 8


def test_adding_while_ordering_loses_no_piece(app, product, put, submit, ask):
    lamp, buyer = product(stock=1000), auth_headers(app)
    put(buyer, lamp)
    calls = [lambda: put(buyer, lamp) for _ in range(8)] + [lambda: submit(buyer) for _ in range(4)]
    in_threads(calls)
    ordered = ask("SELECT coalesce(sum(quantity), 0) FROM orders_item")
    in_cart = ask("SELECT coalesce(sum(quantity), 0) FROM cart_item")
    assert ordered + in_cart == 9
    assert ask("SELECT reserved FROM catalog_stock") == ordered


def test_cancelling_many_times_at_once_gives_the_stock_back_once(app, product, put, submit, ask):
    buyer = auth_headers(app)
    put(buyer, product(stock=5), 3)
    url = f"/api/orders/{submit(buyer).json['id']}/cancel/"
    answers = in_threads([lambda: app.test_client().post(url, json={}, headers=buyer)] * 6)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert ask("SELECT on_hand FROM catalog_stock") == 5 and ask("SELECT reserved FROM catalog_stock") == 0


def test_shipping_and_cancelling_at_once_do_one_of_the_two(app, product, put, submit, ask):
    buyer, staff = auth_headers(app), auth_headers(app, "staff")
    put(buyer, product(stock=5), 3)
    url = f"/api/orders/{submit(buyer).json['id']}/"

    def move(status: str) -> int:
        return app.test_client().patch(url, json={"status": status}, headers=staff).status_code

    assert move("confirmed") == move("processing") == 200
    codes = in_threads([lambda: move("shipped"), lambda: move("cancelled")] * 3)
    assert Counter(codes) == {200: 1, 409: 5}
    assert ask("SELECT on_hand FROM catalog_stock") in (2, 5)
    assert ask("SELECT reserved FROM catalog_stock") == 0


@pytest.mark.parametrize("lines", [1, 50])
def test_placing_takes_eight_statements_whatever_the_number_of_lines(app, product, put, submit, lines):
    buyer = auth_headers(app)
    for number in range(lines):
        put(buyer, product(stock=5, title=f"Lamp {number}"))
    with count_queries(app) as queries:
        assert submit(buyer).status_code == 201
    assert len(queries) == 8, str(queries)
    assert (queries.statements[0], queries.statements[-1]) == ("BEGIN", "COMMIT")


@pytest.mark.parametrize("lines", [1, 30])
def test_the_cart_takes_two_statements_whatever_the_number_of_lines(app, product, put, lines):
    buyer, client = auth_headers(app), app.test_client()
    products = [product(stock=5, title=f"Lamp {number}") for number in range(lines + 1)]
    for item in products[1:]:
        put(buyer, item)
    with count_queries(app) as reading:
        items = client.get("/api/cart/cart/", headers=buyer).json["items"]
    with count_queries(app) as adding:
        put(buyer, products[0])
    with count_queries(app) as changing:
        client.patch(f"/api/cart/cart/items/{items[0]['id']}/", json={"quantity": 2}, headers=buyer)
    assert (len(reading), len(adding), len(changing)) == (2, 2, 4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 99)), min_size=1, max_size=5),
)
def test_the_lines_of_an_order_sum_to_its_total(app, product, put, submit, lines):
    buyer = auth_headers(app)
    for minor, quantity in lines:
        put(buyer, product(stock=99, price=f"{minor // 100}.{minor % 100:02}"), quantity)
    cart = app.test_client().get("/api/cart/cart/", headers=buyer).json
    placed = submit(buyer, expected_total=cart["total"])
    assert placed.status_code == 201, placed.json
    expected = sum(minor * quantity for minor, quantity in lines)
    assert _minor(placed.json["total"]) == expected
    assert sum(_minor(item["line_total"]) for item in placed.json["items"]) == expected


def _minor(amount: str) -> int:
    whole, _, decimals = amount.partition(".")
    return int(whole) * 100 + int(decimals)


def test_the_outbox_delivers_what_the_races_published(app, product, put, submit, ask):
    buyer = auth_headers(app)
    put(buyer, product(stock=1))
    in_threads([lambda: submit(buyer)] * 4)
    drain(app)
    assert ask("SELECT count(*) FROM nexus_outbox WHERE name = 'orders.placed'") == 1
