"""Counting stock: what is held stays held, each piece is in the ledger, a fall to the low mark is told."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from nexus_catalog.models import ADJUSTMENT_REASONS, LARGEST_QUANTITY, Stock, StockMovement
from nexus_catalog.services import StockKeeper
from sqlalchemy import func, select

from nexus_kernel import new_id, reading, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, in_threads, rounds

URL = "/api/catalog/variants/"
STEPS = rounds(400, 10_000)
"""Steps of the state machine in all; more for a longer search."""


@pytest.fixture
def adjust(app: Flask, staff) -> Callable[..., Any]:
    """Adjusts the stock of a variant over HTTP, with a client of its own, so that threads can."""

    def adjust(variant, headers=staff, **body: Any):
        body.setdefault("reason", "counted")
        return app.test_client().post(f"{URL}{variant.id}/stock/adjustments/", json=body, headers=headers)

    return adjust


def hold(app: Flask, variant, quantity: int, reference: str = "order:1") -> bool:
    with app.app_context(), transaction():
        return services.get(StockService).reserve({variant.id: quantity}, reference) == ()


def end(app: Flask, how: str, reference: str) -> bool:
    with app.app_context(), transaction():
        return getattr(services.get(StockService), how)(reference)


def figures(app: Flask, variant) -> tuple[tuple[int, int], tuple[int, int]]:
    """On hand and reserved, as they stand and as the ledger sums them."""
    stands = select(Stock.on_hand, Stock.reserved).filter_by(variant_id=variant.id)
    sums = select(func.sum(StockMovement.delta_on_hand), func.sum(StockMovement.delta_reserved))
    with app.app_context(), reading() as session:
        stock = session.execute(stands).one()
        return tuple(stock), tuple(
            n or 0 for n in session.execute(sums.filter_by(variant_id=variant.id)).one()
        )


def lows(app: Flask) -> list[dict[str, Any]]:
    with app.app_context(), reading() as session:
        rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.created_at, OutboxEvent.id))
        return [row.payload for row in rows if row.name == "catalog.stock_low"]


def test_pieces_come_and_go_with_their_reason_note_and_actor(app, client, sell, adjust):
    lantern, person_id = sell(stock_quantity=10), new_id()
    keeper = auth_headers(app, "staff", person_id=person_id)
    answer = adjust(lantern, keeper, delta=5, reason="received", note="Two boxes\nof ፋኖስ", reference="PO-7")
    assert answer.status_code == 201
    assert (answer.json["on_hand"], answer.json["reserved"], answer.json["available"]) == (15, 0, 15)
    movement = answer.json["movement"]
    assert movement["delta_on_hand"] == 5 and movement["reference"] == "PO-7"
    assert (movement["note"], movement["actor_id"]) == ("Two boxes\nof ፋኖስ", str(person_id))
    assert adjust(lantern, delta=-4, reason="damaged").json["on_hand"] == 11
    assert adjust(lantern, count=3).json["on_hand"] == 3
    page = client.get(f"{URL}{lantern.id}/stock/movements/", headers=keeper).json
    assert [(m["delta_on_hand"], m["reason"]) for m in page["results"]] == [
        (-8, "counted"), (-4, "damaged"), (5, "received"), (10, "initial")
    ]  # fmt: skip
    assert page["results"][2] == movement
    assert figures(app, lantern) == ((3, 0), (3, 0))


def test_a_count_that_was_right_is_no_movement(app, sell, adjust):
    lantern = sell(stock_quantity=3)
    answer = adjust(lantern, count=3)
    assert (answer.status_code, answer.json["movement"]) == (201, None)
    assert figures(app, lantern) == ((3, 0), (3, 0))


@pytest.mark.parametrize("body", [{"delta": -6}, {"count": 4}, {"delta": -11}, {"count": 0}])
def test_an_adjustment_below_what_is_held_is_409_and_names_the_numbers(app, sell, adjust, body):
    lantern = sell(stock_quantity=10)
    hold(app, lantern, 5)
    answer = adjust(lantern, **body)
    assert (answer.status_code, answer.json["code"]) == (409, "catalog.stock_below_reserved")
    assert [answer.json[name] for name in ("on_hand", "reserved", "available")] == [10, 5, 5]
    assert figures(app, lantern) == ((10, 5), (10, 5))
    assert adjust(lantern, count=5).json["available"] == 0


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "delta"),
        ({"delta": 1, "count": 1}, "delta"),
        ({"delta": 0}, "delta"),
        ({"delta": 1.5}, "delta"),
        ({"delta": "1"}, "delta"),
        ({"delta": None}, "delta"),
        ({"delta": 2**31}, "delta"),
        ({"delta": -(2**63)}, "delta"),
        ({"delta": LARGEST_QUANTITY}, "delta"),
        ({"count": -1}, "count"),
        ({"count": 2**31}, "count"),
        ({"delta": 1, "reason": "because"}, "reason"),
        ({"delta": 1, "reason": "reserve"}, "reason"),
        ({"delta": 1, "reason": ""}, "reason"),
        ({"delta": 1, "reason": None}, "reason"),
        ({"delta": 1, "note": "x" * 501}, "note"),
        ({"delta": 1, "note": "a\x00b"}, "note"),
        ({"delta": 1, "reference": "x" * 201}, "reference"),
        ({"delta": 1, "reserved": 1}, "reserved"),
    ],
)
def test_bad_input_is_422_names_the_field_and_stores_nothing(app, sell, adjust, body, path):
    lantern = sell(stock_quantity=1)
    answer = adjust(lantern, **body)
    assert answer.status_code in (400, 422), answer.json
    assert answer.json["errors"][0]["path"] == path
    assert figures(app, lantern) == ((1, 0), (1, 0))


def test_a_reason_is_required(client, sell, staff):
    answer = client.post(f"{URL}{sell().id}/stock/adjustments/", json={"delta": 1}, headers=staff)
    assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "reason"


@pytest.mark.parametrize("reason", ["correction", *ADJUSTMENT_REASONS])
def test_every_reason_is_stored(sell, adjust, reason):
    assert adjust(sell(), delta=1, reason=reason).json["movement"]["reason"] == reason


def test_an_adjustment_sent_again_with_its_key_happens_once(app, sell, adjust, staff):
    lantern = sell(stock_quantity=10)
    headers = staff | {"Idempotency-Key": "count-1"}
    first, again = (adjust(lantern, headers, delta=5) for _ in range(2))
    assert first.json == again.json and again.headers["Idempotent-Replayed"] == "true"
    assert adjust(lantern, headers, delta=6).status_code == 422
    assert figures(app, lantern) == ((15, 0), (15, 0))


def test_only_staff_and_the_seller_see_and_count_the_stock(app, client, sell, adjust):
    seller_id = new_id()
    lantern = sell(stock_quantity=10, seller_id=seller_id)
    own, other = auth_headers(app, "seller", person_id=seller_id), auth_headers(app, "seller")
    paths = (
        f"{URL}{lantern.id}/stock/",
        f"{URL}{lantern.id}/stock/movements/",
        "/api/catalog/products/lantern/stock/",
    )
    for headers, status in ((own, 200), (other, 404), (auth_headers(app), 403), ({}, 401)):
        assert [client.get(path, headers=headers).status_code for path in paths] == [status] * 3
        assert adjust(lantern, headers, delta=1).status_code == (201 if status == 200 else status)
        mark = client.patch(paths[0], json={"low_stock_threshold": 7}, headers=headers)
        assert mark.status_code == status
    assert figures(app, lantern) == ((11, 0), (11, 0))


def test_the_stock_of_a_product_shows_every_variant_in_two_queries(app, client, sell, staff):
    lantern = sell(stock_quantity=10)
    hold(app, lantern, 4)
    with count_queries(app) as queries:
        page = client.get(f"/api/catalog/products/{lantern.product_id}/stock/", headers=staff).json
    assert len(queries) == 2, str(queries)
    assert page["results"] == [
        {
            "variant_id": str(lantern.id),
            "product_id": str(lantern.product_id),
            "sku": lantern.sku,
            "is_active": True,
            "option_values": {},
            "on_hand": 10,
            "reserved": 4,
            "available": 6,
            "low_stock_threshold": 2,
        }
    ]


def test_adjusting_is_two_statements(app, sell, adjust):
    lantern = sell()
    with count_queries(app) as queries:
        adjust(lantern, delta=1)
    assert [s.split()[0] for s in queries.statements] == ["BEGIN", "SELECT", "WITH", "COMMIT"], str(queries)


def test_the_ledger_is_read_by_cursor_at_any_depth(client, sell, adjust, staff):
    lantern = sell(stock_quantity=0)
    for _ in range(7):
        adjust(lantern, delta=1)
    link, seen = f"{URL}{lantern.id}/stock/movements/?page_size=3", []
    while link:
        page = client.get(link, headers=staff).json
        seen += [movement["id"] for movement in page["results"]]
        link = page["next"]
    assert len(seen) == 7 and seen == sorted(seen, reverse=True)


def test_the_stock_of_a_retired_product_can_still_be_counted(app, client, sell, adjust, staff):
    lantern = sell(stock_quantity=10)
    hold(app, lantern, 3)
    client.delete(f"/api/catalog/products/{lantern.product_id}/", headers=staff)
    assert adjust(lantern, count=3).json["available"] == 0
    assert end(app, "release", "order:1") and figures(app, lantern) == ((3, 0), (3, 0))


def test_adjusting_reserving_releasing_and_shipping_at_once_agree_with_the_ledger(app, sell, adjust):
    lantern = sell(stock_quantity=500)

    def count(delta: int) -> list[int]:
        return [adjust(lantern, delta=delta, reason="found").status_code for _ in range(15)]

    def trade(name: str, how: str) -> None:
        for number in range(15):
            reference = f"order:{name}:{number}"
            assert hold(app, lantern, 2, reference) and end(app, how, reference)

    done = in_threads(
        [lambda: count(3), lambda: count(-2), lambda: trade("a", "ship"), lambda: trade("b", "release")]
    )
    assert done[0] == done[1] == [201] * 15
    stands, sums = figures(app, lantern)
    assert stands == sums == (500 + 45 - 30 - 30, 0)


def test_the_fall_to_the_low_mark_is_told_once_a_fall(app, client, sell, adjust, staff):
    seller_id = new_id()
    lantern = sell(stock_quantity=10, seller_id=seller_id, sku="L-1")
    client.patch(f"{URL}{lantern.id}/stock/", json={"low_stock_threshold": 5}, headers=staff)
    hold(app, lantern, 4, "order:1")
    assert lows(app) == []
    hold(app, lantern, 1, "order:2")
    assert lows(app) == [
        {
            "product_id": str(lantern.product_id),
            "variant_id": str(lantern.id),
            "seller_id": str(seller_id),
            "title": "Lantern",
            "sku": "L-1",
            "available": 5,
            "threshold": 5,
        }
    ]
    hold(app, lantern, 2, "order:3")
    end(app, "ship", "order:1")
    assert len(lows(app)) == 1
    end(app, "release", "order:3")
    adjust(lantern, delta=1, reason="received")
    assert len(lows(app)) == 1
    adjust(lantern, delta=-2, reason="lost")
    assert [low["available"] for low in lows(app)] == [5, 4]


def test_every_path_that_lowers_the_stock_tells(app, client, sell, adjust, staff):
    lantern = sell(stock_quantity=10)
    with app.app_context(), transaction() as session:
        StockKeeper(session).set_available({lantern.id: 2}, "import")
    adjust(lantern, count=10)
    client.patch("/api/catalog/products/lantern/", json={"stock_quantity": 1}, headers=staff)
    adjust(lantern, count=10)
    adjust(lantern, count=0)
    adjust(lantern, count=10)
    hold(app, lantern, 9)
    assert [low["available"] for low in lows(app)] == [2, 1, 0, 1]


def test_without_a_low_mark_nothing_is_told_and_a_rolled_back_fall_neither(app, client, sell, adjust, staff):
    lantern = sell(stock_quantity=10)
    with pytest.raises(ZeroDivisionError), app.app_context(), transaction():
        services.get(StockService).reserve({lantern.id: 10}, "order:1")
        _ = 1 / 0
    client.patch(f"{URL}{lantern.id}/stock/", json={"low_stock_threshold": None}, headers=staff)
    adjust(lantern, count=0)
    assert lows(app) == []


@pytest.mark.parametrize("value", [-1, 2**31, "3", 1.5, True, []])
def test_a_low_mark_out_of_its_range_is_422(client, sell, staff, value):
    answer = client.patch(f"{URL}{sell().id}/stock/", json={"low_stock_threshold": value}, headers=staff)
    assert answer.status_code == 422 and answer.json["errors"][0]["path"].startswith("low_stock_threshold")


def test_buyers_at_once_make_the_stock_fall_once(app, sell):
    lantern = sell(stock_quantity=12)
    held = in_threads([lambda n=n: hold(app, lantern, 1, f"order:{n}") for n in range(16)])
    assert held.count(True) == 12
    assert [low["available"] for low in lows(app)] == [2]


class Shelf(RuleBasedStateMachine):
    """One variant, and a plain model of what must be true of it."""

    def __init__(self, app: Flask, variant, adjust) -> None:
        super().__init__()
        self.app, self.variant, self.adjust = app, variant, adjust
        self.on_hand, self.held, self.told = 10, {}, len(lows(app))
        self.prefix = f"{variant.id}:"

    @property
    def available(self) -> int:
        return self.on_hand - sum(self.held.values())

    def moved(self, before: int) -> None:
        self.told += before > 2 >= self.available

    @rule(reference=st.sampled_from("abc"), quantity=st.integers(1, 8))
    def reserve(self, reference: str, quantity: int) -> None:
        if reference in self.held:
            return
        before, fits = self.available, quantity <= self.available
        assert hold(self.app, self.variant, quantity, self.prefix + reference) == fits
        if fits:
            self.held[reference] = quantity
            self.moved(before)

    @rule(reference=st.sampled_from("abc"), how=st.sampled_from(["release", "ship"]))
    def finish(self, reference: str, how: str) -> None:
        quantity = self.held.pop(reference, 0)
        assert end(self.app, how, self.prefix + reference) == bool(quantity)
        self.on_hand -= quantity if how == "ship" else 0

    @rule(delta=st.integers(-12, 12).filter(bool))
    def move(self, delta: int) -> None:
        self.count(self.on_hand + delta, {"delta": delta})

    @rule(count=st.integers(0, 15))
    def recount(self, count: int) -> None:
        self.count(count, {"count": count})

    @rule(quantity=st.integers(0, 15))
    def set_available(self, quantity: int) -> None:
        before = self.available
        with self.app.app_context(), transaction() as session:
            StockKeeper(session).set_available({self.variant.id: quantity}, "correction")
        self.on_hand += quantity - before
        self.moved(before)

    def count(self, wanted: int, body: dict[str, int]) -> None:
        before, fits = self.available, wanted >= sum(self.held.values())
        assert self.adjust(self.variant, **body).status_code == (201 if fits else 409)
        if fits:
            self.on_hand = wanted
            self.moved(before)

    @invariant()
    def the_ledger_sums_to_the_stock_and_each_fall_was_told(self) -> None:
        expected = (self.on_hand, sum(self.held.values()))
        assert figures(self.app, self.variant) == (expected, expected)
        assert len(lows(self.app)) == self.told


@pytest.mark.proof
def test_whatever_happens_the_ledger_sums_to_the_stock(app, sell, adjust):
    run_state_machine_as_test(
        lambda: Shelf(app, sell(stock_quantity=10), adjust),
        settings=settings(
            max_examples=max(1, STEPS // 40), stateful_step_count=40, deadline=None, database=None
        ),
    )
