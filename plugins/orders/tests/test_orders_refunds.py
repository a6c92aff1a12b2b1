"""Giving money back: never more than came, and shown only once it went."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_kernel import Money, new_id
from nexus_kernel.contracts.orders import Adjustment
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

from .money_events import refunded, rejected, succeeded

ORDERS = "/api/orders/"
QUEUE = f"{ORDERS}refund-requests/"


@pytest.fixture
def paid(app, order, catalog, tell):
    """Two lamps for 3.00 and a soap for 4.00."""
    lamp, soap = catalog.add(Money(300, "ETB")), catalog.add(Money(400, "ETB"))
    placed = order((lamp, 2), (soap, 1)).json
    tell(succeeded(placed))
    drain(app)
    return placed


@pytest.fixture
def look(client, staff):
    return lambda placed: client.get(f"{ORDERS}{placed['id']}/", headers=staff).json


@pytest.fixture
def give(app, staff):
    def post(placed, headers=None, **body):
        url = f"{ORDERS}{placed['id']}/refunds/"
        return app.test_client().post(url, json={"reason": "Sorry", **body}, headers=headers or staff)

    return post


@pytest.fixture
def ask(app, buyer):
    def post(placed, headers=None, **body):
        url = f"{ORDERS}{placed['id']}/refund-requests/"
        return app.test_client().post(url, json={"reason": "Broken", **body}, headers=headers or buyer)

    return post


@pytest.fixture
def decide(app, staff):
    def post(wish, decision, headers=None, **body):
        url = f"{QUEUE}{wish['id']}/{decision}/"
        return app.test_client().post(url, json=body, headers=headers or staff)

    return post


def line(placed, position, quantity):
    return {"item_id": placed["items"][position]["id"], "quantity": quantity}


def last(payments):
    return list(payments.refunds.values())[-1]


def test_the_status_changes_when_the_money_went_and_not_before(app, paid, give, payments, tell, look):
    answer = give(paid, amount="4.00")
    assert answer.status_code == 201, answer.json
    assert (answer.json["amount"], answer.json["status"]) == ("4.00", "asked")
    assert look(paid)["payment_status"] == "paid" and look(paid)["refunded"] == "0.00"
    tell(refunded(paid, last(payments)))
    drain(app)
    after = look(paid)
    assert (after["status"], after["payment_status"], after["refunded"]) == (
        "confirmed",
        "partially_refunded",
        "4.00",
    )
    give(paid)
    assert last(payments).amount == Money(600, "ETB"), "all that is left"
    tell(refunded(paid, last(payments), refunded=1000))
    drain(app)
    assert (look(paid)["payment_status"], look(paid)["refunded"]) == ("refunded", "10.00")


def vat(quote):
    taxes = {line.variant_id: line.net.times(Decimal("0.15")) for line in quote.lines}
    return Adjustment(label="VAT", amount=sum(taxes.values(), Money.zero(quote.currency)), lines=taxes)


def test_pieces_cost_their_share_of_discount_and_tax_without_the_fee_for_shipping(
    order, catalog, bazaar, app, tell, give, payments
):
    bazaar.discount.adds(100), bazaar.shipping.adds(50)
    bazaar.tax.does = lambda quote: [vat(quote)]
    placed = order((catalog.add(Money(300, "ETB")), 2), (catalog.add(Money(400, "ETB")), 1)).json
    assert placed["total"] == "10.85"
    tell(succeeded(placed, amount=Money(1085, "ETB")))
    drain(app)
    give(placed, lines=[line(placed, 0, 1)])
    assert last(payments).amount == Money(310, "ETB"), "half of 6.00 - 0.60 + 0.81, rounded down"
    give(placed, lines=[line(placed, 0, 1), line(placed, 1, 1)])
    assert last(payments).amount == Money(724, "ETB")


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "0.001"},
        {"amount": 1},
        {"amount": "1.00", "lines": [{"item_id": str(uuid4()), "quantity": 1}]},
        {"lines": []},
        {"lines": [{"item_id": str(uuid4()), "quantity": 1}]},
        {"reason": ""},
        {"reason": None},
        {"currency": "USD"},
    ],
)
def test_a_bad_refund_is_refused(paid, give, ask, payments, body):
    assert give(paid, **body).status_code == ask(paid, **body).status_code == 422
    assert not payments.refunds


def test_more_pieces_than_were_ordered_are_refused(paid, give):
    refused = give(paid, lines=[line(paid, 0, 3)])
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "lines[0].quantity"


def test_more_than_is_left_is_refused_and_says_how_much_that_is(paid, give, ask, payments):
    give(paid, amount="7.00")
    for refused in (give(paid, amount="3.01"), ask(paid, amount="3.01")):
        assert refused.status_code == 409 and refused.json["code"] == "orders.refund_too_large"
        assert (refused.json["left"], refused.json["currency"]) == ("3.00", "ETB")
    assert len(payments.refunds) == 1


def test_refunds_at_once_never_pass_the_total(paid, give, payments):
    answers = in_threads([lambda: give(paid, amount="3.00")] * 6)
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 3}
    assert sum(asked.amount.minor for asked in payments.refunds.values()) == 900


def test_a_rejected_refund_frees_its_money(app, paid, give, payments, tell, look, client, buyer):
    give(paid)
    assert give(paid, amount="0.01").status_code == 409
    tell(rejected(paid, last(payments)))
    drain(app)
    assert look(paid)["payment_status"] == "paid"
    (shown,) = client.get(f"{ORDERS}{paid['id']}/refunds/", headers=buyer).json["results"]
    assert (shown["status"], shown["failure"]) == ("rejected", "no funds")
    assert give(paid).status_code == 201


def test_money_that_came_back_to_the_shop_is_looked_at(app, paid, give, payments, tell, look):
    give(paid, amount="4.00")
    part = last(payments)
    tell(refunded(paid, part))
    drain(app)
    tell(rejected(paid, part), refunded(paid, part))
    drain(app)
    assert (look(paid)["payment_status"], look(paid)["refunded"]) == ("paid", "0.00")
    give(paid)
    tell(refunded(paid, last(payments)))
    drain(app)
    tell(rejected(paid, last(payments)))
    drain(app)
    assert (look(paid)["payment_status"], look(paid)["refunded"]) == ("needs_review", "0.00")


def test_one_key_asks_the_payments_once(paid, give, ask, payments, staff, buyer):
    keyed = {**staff, "Idempotency-Key": str(uuid4())}
    first, again = (give(paid, headers=keyed, amount="1.00") for _ in range(2))
    assert first.json == again.json and len(payments.refunds) == 1
    keyed = {**buyer, "Idempotency-Key": str(uuid4())}
    first, again = (ask(paid, headers=keyed, amount="1.00") for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.json == again.json


@pytest.mark.parametrize("method", ["card", "cash"])
def test_nothing_is_given_back_of_an_order_that_is_not_paid(order, catalog, give, ask, method):
    placed = order((catalog.add(), 1), payment_method=method).json
    for refused in (give(placed), ask(placed)):
        assert refused.status_code == 409 and refused.json["code"] == "orders.nothing_paid"
        assert placed["number"] in refused.json["detail"]


def test_money_that_the_payments_gave_back_by_themselves_counts(app, paid, tell, look, give, payments):
    own = replace(_asked(), amount=Money(600, "ETB"))
    tell(refunded(paid, own))
    drain(app)
    assert look(paid)["payment_status"] == "partially_refunded"
    assert give(paid).json["amount"] == "4.00"


def _asked():
    from nexus_kernel.testing.stand_ins import AskedRefund

    return AskedRefund(
        id=new_id(),
        payable_kind="order",
        payable_id=new_id(),
        amount=Money(1, "ETB"),
        reason="",
        actor_id=None,
    )


def test_a_second_payment_that_went_back_leaves_the_order_paid(app, paid, tell, look, give):
    second = replace(_asked(), amount=Money(1000, "ETB"))
    tell(refunded(paid, second, refunded=1000, captured=2000))
    drain(app)
    assert look(paid)["payment_status"] == "paid"
    assert give(paid).json["amount"] == "10.00", "what paid the order can still go back"


def test_a_refund_that_is_told_before_its_payment_confirms_nothing(app, order, catalog, tell, look):
    placed = order((catalog.add(Money(1000, "ETB")), 1)).json
    tell(refunded(placed, replace(_asked(), amount=Money(1000, "ETB"))))
    drain(app)
    assert look(placed)["payment_status"] == "pending"
    tell(succeeded(placed))
    drain(app)
    assert (look(placed)["status"], look(placed)["payment_status"]) == ("pending", "refunded")


def test_money_that_comes_after_all_went_back_is_looked_at(app, paid, give, payments, tell, look):
    give(paid)
    tell(refunded(paid, last(payments)))
    drain(app)
    tell(succeeded(paid))
    drain(app)
    assert (look(paid)["status"], look(paid)["payment_status"]) == ("confirmed", "needs_review")
    tell(succeeded(paid))
    drain(app)
    assert look(paid)["payment_status"] == "needs_review", "one more is no refund, and pays nothing"


def test_events_about_other_payables_and_unknown_orders_are_ignored(app, paid, tell, look):
    event = refunded(paid, replace(_asked(), amount=Money(1000, "ETB")))
    tell(replace(event, payable_kind="gift_card"), replace(event, payable_id=new_id()))
    drain(app)
    assert look(paid)["payment_status"] == "paid"


# -- what buyers ask for


def test_a_buyer_asks_once_and_staff_give_it(
    app, client, buyer, staff, paid, ask, decide, payments, tell, look
):
    wish = ask(paid, lines=[line(paid, 0, 1)])
    assert wish.status_code == 201, wish.json
    assert (wish.json["amount"], wish.json["status"], wish.json["lines"]) == (
        "3.00",
        "requested",
        [line(paid, 0, 1)],
    )
    assert ask(paid, amount="1.00").json["code"] == "orders.refund_request_open"
    assert client.get(QUEUE, headers=staff).json["results"] == [wish.json]
    assert client.get(f"{ORDERS}{paid['id']}/refund-requests/", headers=buyer).json["results"] == [wish.json]
    given = decide(wish.json, "approve", note="Sorry")
    assert (given.json["status"], given.json["approved_amount"]) == ("approved", "3.00")
    assert list(payments.refunds) == [f"refund_request:{wish.json['id']}"]
    tell(refunded(paid, last(payments)))
    drain(app)
    (shown,) = client.get(f"{QUEUE}?status=refunded", headers=staff).json["results"]
    assert shown["id"] == wish.json["id"] and look(paid)["payment_status"] == "partially_refunded"
    assert ask(paid, amount="1.00").status_code == 201, "the first one is over"


def test_staff_give_another_amount_up_to_what_is_left(paid, ask, give, decide, payments):
    wish = ask(paid).json
    assert wish["amount"] == "10.00"
    give(paid, amount="4.00")
    refused = decide(wish, "approve")
    assert refused.json["code"] == "orders.refund_too_large" and refused.json["left"] == "6.00"
    assert decide(wish, "approve", amount="0").status_code == 422
    assert decide(wish, "approve", amount="6.00").json["approved_amount"] == "6.00"
    assert last(payments).amount == Money(600, "ETB")


@pytest.mark.parametrize("first_part_first", [True, False])
def test_what_the_payments_give_in_parts_is_counted_once(
    app, client, staff, paid, ask, decide, payments, tell, look, first_part_first
):
    wish = ask(paid, amount="8.00").json
    decide(wish, "approve")
    (reference,) = payments.refunds
    whole = payments.refunds[reference]
    parts = [replace(whole, amount=Money(300, "ETB")), replace(_asked(), amount=Money(500, "ETB"))]
    if not first_part_first:
        parts.reverse()
    for part, sum_ in zip(parts, (parts[0].amount.minor, 800), strict=True):
        assert client.get(f"{QUEUE}?status=approved", headers=staff).json["count"] == 1
        event = refunded(paid, part, refunded=sum_, reference=reference)
        tell(event, event)
        drain(app)
        assert look(paid)["refunded"] == str(Money(sum_, "ETB"))
    assert client.get(f"{QUEUE}?status=refunded", headers=staff).json["count"] == 1
    assert look(paid)["payment_status"] == "partially_refunded"
    shown = client.get(f"{ORDERS}{paid['id']}/refunds/", headers=staff).json["results"]
    assert sorted(row["amount"] for row in shown) == ["3.00", "5.00"]


def test_a_decline_says_why(paid, ask, decide, payments):
    wish = ask(paid).json
    assert decide(wish, "decline").status_code == 422
    assert decide(wish, "decline", note="It was used.").json["note"] == "It was used."
    again = decide(wish, "approve")
    assert again.status_code == 409 and again.json["state"] == "declined" and not payments.refunds


def test_a_rejected_refund_is_decided_once_more(app, paid, ask, decide, payments, tell):
    wish = ask(paid).json
    decide(wish, "approve")
    tell(rejected(paid, last(payments)))
    drain(app)
    assert decide(wish, "approve").json["status"] == "approved"
    assert list(payments.refunds) == [f"refund_request:{wish['id']}", f"refund_request:{wish['id']}:2"]


def test_of_wishes_and_decisions_at_once_one_counts(paid, ask, decide, payments):
    answers = in_threads([lambda: ask(paid)] * 5)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
    (wish,) = (answer.json for answer in answers if answer.status_code == 201)
    calls = [lambda: decide(wish, "approve"), lambda: decide(wish, "decline", note="No")] * 3
    assert Counter(answer.status_code for answer in in_threads(calls)) == {200: 1, 409: 5}
    assert len(payments.refunds) <= 1


def test_a_request_that_has_become_needless_is_closed(app, client, staff, paid, ask, give, payments, tell):
    ask(paid)
    give(paid)
    tell(refunded(paid, last(payments)))
    drain(app)
    (wish,) = client.get(QUEUE, headers=staff).json["results"]
    assert (wish["status"], wish["note"]) == ("declined", "All of the money was given back.")


def test_who_may_do_what(app, client, buyer, paid, ask, give, decide):
    wish = ask(paid).json
    stranger = auth_headers(app)
    assert ask(paid, headers=stranger).status_code == 404
    for path in ("refunds/", "refund-requests/"):
        assert client.get(f"{ORDERS}{paid['id']}/{path}", headers=stranger).status_code == 404
        assert client.get(f"{ORDERS}{paid['id']}/{path}").status_code == 401
    assert give(paid, headers=buyer).status_code == client.get(QUEUE, headers=buyer).status_code == 403
    for decision in ("approve", "decline"):
        assert decide(wish, decision, headers=buyer, note="x").status_code == 403
        assert decide({"id": new_id()}, decision, note="x").json["code"] == "orders.request_not_found"


def test_lists_take_the_same_number_of_queries_however_long(app, client, staff, paid, give):
    for _ in range(2):
        for path, number in [(f"{ORDERS}{paid['id']}/refunds/", 2), (QUEUE, 1)]:
            with count_queries(app) as queries:
                assert client.get(path, headers=staff).status_code == 200
            assert len(queries) == number, str(queries)
        give(paid, amount="1.00"), give(paid, amount="1.00")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 9)), min_size=1, max_size=4),
    discount=st.integers(0, 10**6),
    tax=st.integers(0, 10**6),
)
def test_every_piece_by_itself_costs_no_more_than_the_goods(
    app, order, catalog, bazaar, tell, give, payments, lines, discount, tax
):
    bazaar.discount.adds(discount), bazaar.tax.adds(tax), bazaar.shipping.adds(700)
    placed = order(*((catalog.add(Money(price, "ETB")), n) for price, n in lines)).json
    total = int(placed["total"].replace(".", ""))
    tell(succeeded(placed, amount=Money(total, "ETB")))
    drain(app)
    payments.refunds.clear()
    for position, item in enumerate(placed["items"]):
        for _ in range(item["quantity"]):
            answer = give(placed, lines=[line(placed, position, 1)])
            assert answer.status_code == 201 or answer.json["errors"][0]["code"] == "nothing_to_refund"
    given_back = sum(asked.amount.minor for asked in payments.refunds.values())
    pieces = sum(item["quantity"] for item in placed["items"])
    goods = sum(int(item["total"].replace(".", "")) for item in placed["items"])
    assert goods - pieces < given_back <= goods or given_back == 0
