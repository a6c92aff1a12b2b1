"""Coupons in quotes and orders: amounts, refusals, uses that come back, and what it costs in queries."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nexus_promotions.checkout import CouponExtension
from nexus_promotions.handlers import on_order_status_changed
from sqlalchemy import text

from nexus_kernel import Manifest, Money, hookimpl, new_id, publish, transaction
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.orders import Adjustment, OrderStatusChanged, PricePhase
from nexus_kernel.contracts.payments import PaymentSucceeded
from nexus_kernel.testing import (
    StandInCart,
    StandInCatalog,
    StandInPayments,
    auth_headers,
    count_queries,
    drain,
    rounds,
)

ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
COUPONS = "/api/promotions/coupons/"
_CATALOG, _CART = StandInCatalog(), StandInCart()


class Parcels:
    """Asks 30.00 for every parcel, and a tax of 10 % on top of what is left."""

    MANIFEST = Manifest(name="parcels", summary="A fee and a tax")

    class Fee:
        code, phase = "parcels.fee", PricePhase.SHIPPING

        def apply(self, quote):
            return [Adjustment(label="Parcel", amount=Money(3000, quote.currency))]

    class Tax:
        code, phase = "parcels.tax", PricePhase.TAX

        def apply(self, quote):
            taxed = quote.subtotal - quote.discount + quote.shipping
            return [Adjustment(label="Tax", amount=Money(taxed.minor // 10, quote.currency))]

    @hookimpl
    def nexus_price_rules(self):
        return [self.Fee(), self.Tax()]


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["orders", "promotions", _CATALOG, _CART, StandInPayments(), Parcels()]


@pytest.fixture
def staff(app: Flask):
    return auth_headers(app, "staff")


@pytest.fixture
def person():
    return new_id()


@pytest.fixture
def buyer(app: Flask, person):
    return auth_headers(app, person_id=person)


@pytest.fixture
def coupon(client, staff):
    def create(code: str = "SAVE10", **fields):
        body = {"code": code, "kind": "percentage", **fields}
        if body["kind"] == "percentage":
            body.setdefault("percentage", "10")
        answer = client.post(COUPONS, json=body, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create


@pytest.fixture
def send(client, person, buyer):
    """Asks for a quote of, or orders, two lamps for 100.00 with these codes."""
    lamp = _CATALOG.add(Money(5000, "ETB"), available=10**6)

    def post(*codes: str, to: str = "/api/orders/", variants=(), **body):
        _CART.fill(person, {variant.id: 1 for variant in variants} or {lamp.id: 2})
        body = {"shipping_address": ADDRESS, "payment_method": "card", **body}
        if codes:
            body["extensions"] = {"promotions": {"coupons": list(codes)}}
        return client.post(to, json=body, headers=buyer)

    return post


@pytest.fixture
def uses(client, staff):
    def count(coupon) -> int:
        return client.get(f"{COUPONS}{coupon['id']}/", headers=staff).json["uses"]

    return count


def problems(answer):
    found = answer.json.get("problems", answer.json.get("errors"))
    return [p["code"].removeprefix("promotions.") for p in found]


def test_coupons_take_off_the_lines_and_the_fee_before_the_tax(client, buyer, staff, coupon, send):
    coupon("TENOFF", title="Ten off", is_combinable=True)
    coupon("FIVER", kind="fixed", amount="5.00", currency="ETB", is_combinable=True)
    free = coupon("PARCEL", kind="free_shipping", is_combinable=True)
    codes = ("parcel", " fiver ", "TenOff", "TENOFF")
    quote = send(*codes, to="/api/orders/quote/").json
    assert quote["problems"] == []
    placed = send(*codes, expected_total=quote["total"])
    assert placed.status_code == 201, placed.json
    order = placed.json
    amounts = {name: order[name] for name in ("subtotal", "discount", "shipping", "tax", "total")}
    assert amounts == {
        "subtotal": "100.00",
        "discount": "15.00",
        "shipping": "0.00",
        "tax": "8.50",
        "total": "93.50",
    }
    assert order["adjustments"] == quote["adjustments"]
    assert [(a["phase"], a["label"], a["amount"], a["rate"]) for a in order["adjustments"]] == [
        ("discount", "Ten off (TENOFF)", "10.00", "0.1"),
        ("discount", "FIVER", "5.00", None),
        ("shipping", "Parcel", "30.00", None),
        ("shipping_discount", "PARCEL", "30.00", None),
        ("tax", "Tax", "8.50", None),
    ]
    assert order["extensions"] == {
        "promotions": {
            "coupons": [
                {"code": "TENOFF", "title": "Ten off", "kind": "percentage", "amount": "10.00"},
                {"code": "FIVER", "title": "", "kind": "fixed", "amount": "5.00"},
                {"code": "PARCEL", "title": "", "kind": "free_shipping", "amount": "30.00"},
            ]
        }
    }
    assert client.get(f"/api/orders/{order['id']}/", headers=buyer).json == order
    taken = client.get(f"{COUPONS}{free['id']}/redemptions/", headers=staff).json
    (redemption,) = taken["results"]
    assert (redemption["order_id"], redemption["user_id"]) == (order["id"], order["user_id"])
    assert (redemption["amount"], redemption["currency"], redemption["state"]) == ("30.00", "ETB", "taken")


def test_an_order_without_codes_shows_none(send):
    assert send().json["extensions"] == {}
    assert send(to="/api/orders/quote/").json["discount"] == "0.00"


def test_an_order_of_nothing_is_paid_at_once(coupon, send):
    coupon("EVERYTHING", percentage="100", is_combinable=True)
    coupon("PARCEL", kind="free_shipping", is_combinable=True)
    order = send("EVERYTHING", "PARCEL").json
    assert (order["total"], order["status"], order["payment_status"]) == ("0.00", "confirmed", "paid")


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        ("unknown_code", {"is_active": False}),
        ("not_started", {"starts_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}),
        ("ended", {"ends_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}),
        ("minimum_not_reached", {"minimum_spend": "100.01", "currency": "ETB"}),
        ("other_currency", {"minimum_spend": "1.00", "currency": "USD"}),
        ("not_for_these_products", {"product_ids": [str(new_id())]}),
        ("not_for_these_products", {"variant_ids": [str(new_id())]}),
    ],
)
def test_a_code_that_does_not_count_refuses_the_order_and_is_a_problem_of_the_quote(
    client, buyer, coupon, send, uses, expected, fields
):
    made = coupon("SAVE10", **fields)
    quote = send("save10", to="/api/orders/quote/")
    assert quote.status_code == 200 and problems(quote) == [expected]
    assert (quote.json["discount"], quote.json["problems"][0]["field"]) == (
        "0.00",
        "extensions.promotions.coupons",
    )
    refused = send("save10")
    assert refused.status_code == 422 and refused.json["code"] == "orders.checkout_refused"
    assert problems(refused) == [expected] and uses(made) == 0
    assert client.get("/api/orders/", headers=buyer).json["count"] == 0


def test_nobody_can_tell_an_inactive_code_from_one_that_there_is_not(coupon, send):
    coupon("SECRET", is_active=False)
    draft, unknown = (send(code, to="/api/orders/quote/").json for code in ("SECRET", "NOTHING"))
    assert str(draft).replace("SECRET", "NOTHING") == str(unknown)


def test_a_line_that_it_is_for_bears_it_alone(client, coupon, send):
    lamp, soap = _CATALOG.add(Money(10_000, "ETB")), _CATALOG.add(Money(333, "ETB"))
    coupon("SOAP", percentage="50", product_ids=[str(soap.product_id)])
    order = send("SOAP", variants=(lamp, soap)).json
    assert [item["discount"] for item in order["items"]] == ["0.00", "1.67"]


@pytest.mark.parametrize(
    "body",
    [
        {"coupons": "SAVE10"},
        {"coupons": [5]},
        {"coupons": [""]},
        {"coupons": ["A" * 41]},
        {"coupons": ["A\x00B"]},
        {"coupons": [None]},
        {"coupons": [f"CODE{n}" for n in range(6)]},
        {"coupon": "SAVE10"},
        [],
    ],
)
def test_a_wrong_body_is_refused_and_names_the_field(client, buyer, person, body):
    _CART.fill(person, {_CATALOG.add().id: 1})
    given = {
        "shipping_address": ADDRESS,
        "payment_method": "cash",
        "extensions": {"promotions": body},
    }
    refused = client.post("/api/orders/", json=given, headers=buyer)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["path"].startswith("extensions.promotions")


def test_a_limit_is_a_limit(client, staff, coupon, send, uses):
    made = coupon("ONCE", usage_limit=1)
    assert send("ONCE").status_code == 201 and uses(made) == 1
    assert problems(send("ONCE")) == ["used_up"]
    client.patch(f"{COUPONS}{made['id']}/", json={"usage_limit": 2}, headers=staff)
    assert send("ONCE").status_code == 201
    assert problems(send("ONCE", to="/api/orders/quote/")) == ["used_up"]


def test_a_person_has_a_limit_of_their_own(app, client, coupon, send, uses):
    made = coupon("WELCOME", usage_limit_per_person=1)
    assert send("WELCOME").status_code == 201 and problems(send("WELCOME")) == ["used_by_person"]
    other = new_id()
    _CART.fill(other, {_CATALOG.add().id: 1})
    body = {
        "shipping_address": ADDRESS,
        "payment_method": "cash",
        "extensions": {"promotions": {"coupons": ["WELCOME"]}},
    }
    headers = auth_headers(app, person_id=other)
    assert client.post("/api/orders/", json=body, headers=headers).status_code == 201
    assert uses(made) == 2


def test_a_coupon_that_takes_nothing_is_not_used(coupon, send, uses):
    coupon("EVERYTHING", percentage="100", is_combinable=True)
    made = coupon("MORE", kind="fixed", amount="5", currency="ETB", usage_limit=1, is_combinable=True)
    order = send("EVERYTHING", "MORE").json
    assert order["extensions"]["promotions"]["coupons"][1]["amount"] == "0.00" and uses(made) == 0


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        ("UPDATE promotions_coupon SET percentage = 1, updated_at = now()", "changed"),
        ("DELETE FROM promotions_coupon", "changed"),
        ("UPDATE promotions_coupon SET uses = 5", "used_up"),
    ],
)
def test_what_is_gone_between_the_price_and_the_order_is_refused(
    app, client, buyer, coupon, send, monkeypatch, spoil, expected
):
    coupon("SAVE10", usage_limit=5)
    record = CouponExtension.record

    def meanwhile(self, quote, order_id):
        with app.extensions["nexus"].db.engine.begin() as connection:
            connection.execute(text(spoil))
        return record(self, quote, order_id)

    monkeypatch.setattr(CouponExtension, "record", meanwhile)
    refused = send("SAVE10")
    assert refused.status_code == 409 and refused.json["code"] == "orders.checkout_overtaken"
    assert refused.content_type == "application/problem+json" and problems(refused) == [expected]
    assert client.get("/api/orders/", headers=buyer).json["count"] == 0


# -- uses that come back


@pytest.fixture
def happened(app):
    """Hands a change of an order's status to the handler, as a delivery of this event."""

    def tell(order, old: str, new: str, event_id: UUID) -> None:
        event = OrderStatusChanged(
            order_id=UUID(order["id"]),
            number=order["number"],
            user_id=UUID(order["user_id"]),
            old_status=old,
            new_status=new,
            reason="",
        )
        delivery = Delivery(
            event_id=event_id,
            subscription="promotions.order_status_changed",
            attempt=1,
            occurred_at=datetime.now(UTC),
            actor_id=None,
            trace_id=None,
        )
        with app.app_context(), transaction():
            on_order_status_changed(event, delivery)

    return tell


def test_a_cancelled_order_gives_its_use_back_and_late_money_takes_it_again(
    app, client, buyer, staff, person, coupon, send, uses
):
    made = coupon("ONCE", usage_limit=1, usage_limit_per_person=1)
    first = send("ONCE").json
    assert client.post(f"/api/orders/{first['id']}/cancel/", json={}, headers=buyer).status_code in (200, 201)
    assert uses(made) == 1
    drain(app)
    assert uses(made) == 0
    assert send("ONCE").status_code == 201 and uses(made) == 1
    with app.app_context(), transaction():
        publish(
            PaymentSucceeded(
                payment_id=new_id(),
                payable_kind="order",
                payable_id=UUID(first["id"]),
                owner_id=person,
                number=first["number"],
                succeeded_at=datetime.now(UTC),
                amount=Money.parse(first["total"], "ETB"),
                provider="card",
                reference="ref",
            )
        )
    drain(app)
    back = client.get(f"/api/orders/{first['id']}/", headers=buyer).json
    assert (back["status"], back["payment_status"], back["discount"]) == ("confirmed", "paid", "10.00")
    assert uses(made) == 2
    path = f"{COUPONS}{made['id']}/redemptions/"
    taken = client.get(path, query_string={"state": "taken"}, headers=staff).json
    assert taken["count"] == 2


def test_events_that_repeat_or_overtake_end_in_the_right_state(coupon, send, uses, happened):
    made = coupon("ONCE", usage_limit=3)
    order, (first, second, third, fourth) = send("ONCE").json, [new_id() for _ in range(4)]
    for _ in range(2):
        happened(order, "pending", "cancelled", first)
        assert uses(made) == 0
    for _ in range(2):
        happened(order, "cancelled", "confirmed", second)
        assert uses(made) == 1
    happened(order, "confirmed", "cancelled", third)
    happened(order, "cancelled", "confirmed", second)
    happened(order, "pending", "cancelled", first)
    assert uses(made) == 0
    happened(order, "cancelled", "confirmed", fourth)
    happened(order, "confirmed", "cancelled", third)
    happened(order, "confirmed", "processing", new_id())
    assert uses(made) == 1


@st.composite
def deliveries(draw) -> list[int]:
    """Which of an order's steps is delivered when: each at least once, in any order."""
    steps = range(draw(st.integers(1, 5)))
    again = draw(st.lists(st.sampled_from(steps), max_size=5))
    return draw(st.permutations([*steps, *again]))


@pytest.mark.proof
@settings(
    max_examples=rounds(20, 500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(delivered=deliveries())
def test_whatever_order_events_come_in_the_newest_decides(coupon, send, uses, happened, delivered):
    made = coupon(f"C-{new_id()}", usage_limit=1)
    order, events = send(made["code"]).json, [new_id() for _ in range(max(delivered) + 1)]
    for step in delivered:
        old, new = ("cancelled", "confirmed") if step % 2 else ("confirmed", "cancelled")
        happened(order, old, new, events[step])
        assert uses(made) in (0, 1)
    assert uses(made) == max(delivered) % 2


def test_a_limit_that_comes_later_knows_the_uses_so_far(client, staff, coupon, send, uses, happened):
    made = coupon("OPEN")
    orders = [send("OPEN").json for _ in range(3)]
    happened(orders[0], "pending", "cancelled", new_id())
    assert uses(made) == 2
    path = f"{COUPONS}{made['id']}/"
    assert client.patch(path, json={"usage_limit": 2}, headers=staff).json["uses"] == 2
    assert problems(send("OPEN")) == ["used_up"]
    happened(orders[1], "pending", "cancelled", new_id())
    assert uses(made) == 1 and send("OPEN").status_code == 201
    assert client.patch(path, json={"usage_limit": None}, headers=staff).json["uses"] == 2


def test_a_used_coupon_stays_for_the_books(client, staff, coupon, send):
    made = coupon("SAVE10")
    send("SAVE10")
    path = f"{COUPONS}{made['id']}/"
    assert client.delete(path, headers=staff).status_code == 204
    assert client.get(path, headers=staff).json["is_active"] is False
    assert problems(send("SAVE10")) == ["unknown_code"]


# -- what it costs


def statements(queries):
    return [s for s in queries.statements if "promotions_" in s or "advisory" in s]


def test_the_number_of_statements(app, coupon, send):
    limits = (
        ("OPEN", 2, {}),
        ("WELCOME", 3, {"usage_limit_per_person": 100}),
        ("FIRST", 3, {"usage_limit": 100}),
        ("BOTH", 3, {"usage_limit": 100, "usage_limit_per_person": 100}),
    )
    with count_queries(app) as bare:
        assert send().status_code == 201
    assert statements(bare) == [] and len(bare) == 4, str(bare)
    for code, expected, fields in limits:
        coupon(code, is_combinable=True, **fields)
        with count_queries(app) as queries:
            assert send(code).status_code == 201
        assert len(statements(queries)) == len(queries) - len(bare) == expected, str(queries)
    with count_queries(app) as queries:
        assert send(*(code for code, _, _ in limits)).status_code == 201
    assert len(queries) - len(bare) == 3, str(queries)
    with count_queries(app) as queries:
        send("OPEN", "NOTHING", to="/api/orders/quote/")
    assert len(statements(queries)) == 1, str(queries)
    with count_queries(app) as queries:
        send(to="/api/orders/quote/")
    assert statements(queries) == []
