"""Stock: never below zero, never sold twice, given back once, and every piece in the ledger."""

import threading
import time

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nexus_catalog.errors import ReferenceInUse
from nexus_catalog.models import Stock, StockMovement, StockReservation
from nexus_catalog.services import StockKeeper
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from nexus_kernel import new_id, reading, services, transaction
from nexus_kernel.contracts.catalog import Shortage, StockService
from nexus_kernel.testing import count_queries, in_threads, rounds


@pytest.fixture
def nexus_config():
    """A connection for each of forty buyers."""
    return {"kernel": {"database_pool_size": 45}}


class Sold(Exception):
    """Rolls a caller's transaction back, as a checkout does on a shortage."""


def reserve(app: Flask, quantities, reference: str) -> tuple[Shortage, ...]:
    with app.app_context():
        try:
            with transaction():
                shortages = services.get(StockService).reserve(quantities, reference)
                if shortages:
                    raise Sold
        except Sold:
            pass
    return shortages


def end(app: Flask, how: str, reference: str) -> bool:
    with app.app_context(), transaction():
        return getattr(services.get(StockService), how)(reference)


def ship(app: Flask, reference: str, quantities) -> bool:
    with app.app_context(), transaction():
        return services.get(StockService).ship(reference, quantities)


def figures(app: Flask, variant_id) -> tuple[int, int]:
    with app.app_context(), reading() as session:
        return tuple(
            session.execute(select(Stock.on_hand, Stock.reserved).filter_by(variant_id=variant_id)).one()
        )


def ledger(app: Flask, variant_id) -> tuple[int, int]:
    sums = select(func.sum(StockMovement.delta_on_hand), func.sum(StockMovement.delta_reserved))
    with app.app_context(), reading() as session:
        return tuple(value or 0 for value in session.execute(sums.filter_by(variant_id=variant_id)).one())


def test_what_is_reserved_is_no_longer_available(app, sell):
    lantern = sell(stock_quantity=5)
    assert reserve(app, {lantern.id: 2}, "order:1") == ()
    with app.app_context(), reading():
        assert services.get(StockService).available([lantern.id, new_id()]) == {lantern.id: 3}
    assert figures(app, lantern.id) == (5, 2)


def test_a_shortage_names_every_short_line_and_holds_nothing(app, sell):
    plenty, few, none = sell(stock_quantity=9), sell(stock_quantity=1), sell(stock_quantity=0)
    unknown = new_id()
    shortages = reserve(app, {plenty.id: 1, few.id: 2, none.id: 1, unknown: 1}, "order:1")
    assert {(s.variant_id, s.requested, s.available) for s in shortages} == {
        (few.id, 2, 1),
        (none.id, 1, 0),
        (unknown, 1, 0),
    }
    assert figures(app, plenty.id) == (9, 0) and ledger(app, plenty.id) == (9, 0)


def test_a_shortage_holds_nothing_even_if_the_caller_commits(app, sell):
    plenty, none = sell(stock_quantity=9), sell(stock_quantity=0)
    with app.app_context(), transaction():
        assert services.get(StockService).reserve({plenty.id: 1, none.id: 1}, "order:1")
    assert figures(app, plenty.id) == (9, 0)


def test_reserving_is_one_statement_however_many_lines(app, sell):
    quantities = {sell().id: 1 for _ in range(6)}
    with app.app_context(), transaction() as session:
        keeper = services.get(StockService)
        session.execute(text("SELECT 1"))
        with count_queries(app) as queries:
            assert keeper.reserve(quantities, "order:1") == ()
    assert len(queries) == 1, str(queries)


@pytest.mark.parametrize("quantity", [0, -1])
def test_less_than_one_piece_cannot_be_reserved(app, sell, quantity):
    lantern = sell()
    with pytest.raises(ValueError, match="at least 1"):
        reserve(app, {lantern.id: quantity}, "order:1")


def test_more_pieces_than_a_column_holds_are_a_shortage(app, sell):
    lantern = sell(stock_quantity=5)
    (shortage,) = reserve(app, {lantern.id: 2**62}, "order:1")
    assert (shortage.requested, shortage.available) == (2**62, 5)


def test_reserving_twice_for_one_reference_holds_once(app, sell):
    lantern = sell(stock_quantity=2)
    assert reserve(app, {lantern.id: 2}, "order:1") == ()
    assert reserve(app, {lantern.id: 2}, "order:1") == ()
    assert figures(app, lantern.id) == (2, 2)


def test_reserving_at_once_for_one_reference_holds_once(app, sell):
    first, second = sell(stock_quantity=50), sell(stock_quantity=50)
    carts = [{first.id: 3, second.id: 1}, {second.id: 1, first.id: 3}] * 4
    answers = in_threads([lambda cart=cart: reserve(app, cart, "order:1") for cart in carts])
    assert answers == [()] * 8
    assert figures(app, first.id) == (50, 3) and figures(app, second.id) == (50, 1)


def test_a_reference_cannot_hold_something_else_meanwhile(app, sell):
    first, second = sell(), sell()
    reserve(app, {first.id: 1}, "order:1")
    for other in ({first.id: 2}, {second.id: 1}, {first.id: 1, second.id: 1}):
        with pytest.raises(ReferenceInUse):
            reserve(app, other, "order:1")
    assert figures(app, first.id) == (10, 1) and figures(app, second.id) == (10, 0)


def test_release_gives_back_and_ship_takes_out_each_once(app, sell):
    lantern = sell(stock_quantity=10)
    reserve(app, {lantern.id: 3}, "order:1")
    reserve(app, {lantern.id: 4}, "order:2")
    assert [end(app, "release", "order:1"), end(app, "release", "order:1")] == [True, False]
    assert figures(app, lantern.id) == (10, 4)
    assert [end(app, "ship", "order:2"), end(app, "ship", "order:2")] == [True, False]
    assert figures(app, lantern.id) == (6, 0) == ledger(app, lantern.id)
    assert end(app, "release", "order:2") is False
    assert end(app, "release", "order:unknown") is False


@pytest.mark.parametrize("how", ["release", "ship"])
def test_ending_at_once_from_many_connections_happens_once(app, sell, how):
    variants = [sell(stock_quantity=5) for _ in range(3)]
    reserve(app, {variant.id: 2 for variant in variants}, "order:1")
    answers = in_threads([lambda: end(app, how, "order:1")] * 8)
    assert sorted(answers) == [False] * 7 + [True]
    on_hand = 5 if how == "release" else 3
    assert [figures(app, variant.id) for variant in variants] == [(on_hand, 0)] * 3
    assert [ledger(app, variant.id) for variant in variants] == [(on_hand, 0)] * 3


def test_releasing_and_shipping_at_once_does_one_of_them(app, sell):
    lantern = sell(stock_quantity=5)
    for number in range(10):
        reference = f"order:{number}"
        with app.app_context(), transaction() as session:
            StockKeeper(session).set_available({lantern.id: 5}, "correction")
        reserve(app, {lantern.id: 1}, reference)
        answers = in_threads([lambda how=how: end(app, how, reference) for how in ("release", "ship")])  # noqa: B023
        assert sorted(answers) == [False, True]
        assert figures(app, lantern.id)[1] == 0


def test_some_of_what_is_held_is_shipped_and_the_rest_stays_held(app, sell):
    lantern, wick = sell(stock_quantity=10), sell(stock_quantity=10)
    reserve(app, {lantern.id: 5, wick.id: 2}, "order:1")
    assert ship(app, "order:1", {lantern.id: 2, wick.id: 2}) is True
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (8, 3)
    assert figures(app, wick.id) == ledger(app, wick.id) == (8, 0)
    with app.app_context(), reading() as session:
        held = session.execute(select(StockReservation.variant_id, StockReservation.quantity)).all()
    assert held == [(lantern.id, 3)]
    assert end(app, "ship", "order:1") is True
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (5, 0)
    assert ship(app, "order:1", {lantern.id: 1}) is False


def test_what_is_left_after_a_part_was_shipped_is_given_back(app, sell):
    lantern = sell(stock_quantity=10)
    reserve(app, {lantern.id: 5}, "order:1")
    assert ship(app, "order:1", {lantern.id: 2}) and end(app, "release", "order:1")
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (8, 0)


def test_pieces_that_are_not_held_are_not_shipped_and_neither_are_the_others(app, sell):
    lantern, wick = sell(stock_quantity=10), sell(stock_quantity=10)
    reserve(app, {lantern.id: 5}, "order:1")
    reserve(app, {wick.id: 5}, "order:2")
    for quantities in ({lantern.id: 6}, {lantern.id: 1, wick.id: 1}, {lantern.id: 1, new_id(): 1}, {}):
        assert ship(app, "order:1", quantities) is False
    assert ship(app, "order:1", {lantern.id: 2**62}) is False
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (10, 5)


@pytest.mark.parametrize("quantity", [0, -1])
def test_less_than_one_piece_cannot_be_shipped(app, sell, quantity):
    lantern = sell()
    reserve(app, {lantern.id: 1}, "order:1")
    with pytest.raises(ValueError, match="at least 1"):
        ship(app, "order:1", {lantern.id: quantity})


def test_shipping_some_is_one_statement_however_many_lines(app, sell):
    quantities = {sell().id: 2 for _ in range(6)}
    reserve(app, quantities, "order:1")
    with app.app_context(), transaction() as session:
        keeper = services.get(StockService)
        session.execute(text("SELECT 1"))
        with count_queries(app) as queries:
            assert keeper.ship("order:1", dict.fromkeys(quantities, 1)) is True
    assert len(queries) == 1, str(queries)


def test_the_same_pieces_at_once_are_shipped_once(app, sell):
    lantern, wick = sell(stock_quantity=10), sell(stock_quantity=10)
    reserve(app, {lantern.id: 3, wick.id: 3}, "order:1")
    orders = [{lantern.id: 2, wick.id: 3}, {wick.id: 3, lantern.id: 2}] * 4
    answers = in_threads([lambda lines=lines: ship(app, "order:1", lines) for lines in orders])
    assert sorted(answers) == [False] * 7 + [True]
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (8, 1)
    assert figures(app, wick.id) == ledger(app, wick.id) == (7, 0)


@pytest.mark.proof
def test_parts_and_the_rest_at_once_never_take_more_than_is_held(app, sell):
    first, second = sell(stock_quantity=100), sell(stock_quantity=100)
    for number in range(rounds(8, 200)):
        reference = f"order:{number}"
        with app.app_context(), transaction() as session:
            StockKeeper(session).set_available({first.id: 100, second.id: 100}, "correction")
        reserve(app, {first.id: 3, second.id: 3}, reference)
        parts = [{first.id: 1, second.id: 2}, {second.id: 2, first.id: 1}, {first.id: 2}]
        calls = [lambda part=part: ship(app, reference, part) for part in parts]  # noqa: B023
        calls += [lambda how=how: end(app, how, reference) for how in ("ship", "release")]  # noqa: B023
        in_threads(calls)
        for variant in (first, second):
            assert figures(app, variant.id) == ledger(app, variant.id)
            assert figures(app, variant.id)[1] == 0, "the rest was shipped or given back"


@pytest.mark.parametrize(("stock", "buyers"), [(1, 20), (20, 40)])
def test_buyers_at_once_get_what_there_is_and_no_more(app, sell, stock, buyers):
    lantern = sell(stock_quantity=stock)
    calls = [lambda n=n: reserve(app, {lantern.id: 1}, f"order:{n}") for n in range(buyers)]
    answers = in_threads(calls)
    assert answers.count(()) == stock
    assert figures(app, lantern.id) == (stock, stock) == ledger(app, lantern.id)


def test_carts_in_opposite_order_never_deadlock(app, sell):
    variants = [sell(stock_quantity=1000).id for _ in range(6)]

    def buyer(name: str, order) -> list[tuple[Shortage, ...]]:
        return [reserve(app, dict.fromkeys(order, 1), f"order:{name}:{n}") for n in range(100)]

    answers = in_threads(
        [
            lambda: buyer("a", variants),
            lambda: buyer("b", variants[::-1]),
            lambda: buyer("c", variants[3:] + variants[:3]),
        ]
    )
    assert answers == [[()] * 100] * 3
    assert {figures(app, variant_id) for variant_id in variants} == {(1000, 300)}


def test_reserving_releasing_and_shipping_at_once_never_deadlock(app, sell):
    variants = [sell(stock_quantity=1000).id for _ in range(4)]

    def work(name: str, order, how: str) -> None:
        for number in range(40):
            reference = f"order:{name}:{number}"
            assert reserve(app, dict.fromkeys(order, 1), reference) == ()
            assert end(app, how, reference) is True

    in_threads(
        [
            lambda: work("a", variants, "release"),
            lambda: work("b", variants[::-1], "ship"),
            lambda: work("c", variants[::-1], "release"),
        ]
    )
    for variant_id in variants:
        assert figures(app, variant_id) == (960, 0) == ledger(app, variant_id)


def test_a_row_that_stays_locked_is_given_up_after_the_lock_timeout(app, sell):
    lantern = sell()
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), transaction() as session:
            session.execute(select(Stock).filter_by(variant_id=lantern.id).with_for_update())
            locked.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(10)
    started = time.monotonic()
    with pytest.raises(DBAPIError) as caught:
        reserve(app, {lantern.id: 1}, "order:1")
    waited = time.monotonic() - started
    done.set()
    holder.join()
    assert caught.value.orig.sqlstate == "55P03" and 1 < waited < 10
    assert figures(app, lantern.id) == (10, 0)


def test_a_locked_row_answers_409_and_says_when_to_come_back(app, client, sell, staff):
    lantern = sell()
    with app.app_context(), transaction() as session:
        session.execute(select(Stock).filter_by(variant_id=lantern.id).with_for_update())
        (response,) = in_threads(
            [
                lambda: app.test_client().patch(
                    f"/api/catalog/products/{lantern.product_id}/", json={"stock_quantity": 1}, headers=staff
                )
            ]
        )
    assert (response.status_code, response.json["code"]) == (409, "kernel.lock_busy")
    assert response.headers["Retry-After"]


def test_setting_the_available_pieces_counts_on_top_of_those_held(app, sell):
    lantern = sell(stock_quantity=5)
    reserve(app, {lantern.id: 3}, "order:1")
    with app.app_context(), transaction() as session:
        assert StockKeeper(session).set_available({lantern.id: 10}, "correction") == {lantern.id}
        assert StockKeeper(session).set_available({lantern.id: 10}, "correction") == set()
    assert figures(app, lantern.id) == (13, 3) == ledger(app, lantern.id)


def test_corrections_and_purchases_at_once_agree_with_the_ledger(app, sell):
    lantern = sell(stock_quantity=100)

    def correct() -> None:
        for _ in range(20):
            with app.app_context(), transaction() as session:
                StockKeeper(session).set_available({lantern.id: 50}, "correction")

    def buy(name: str) -> None:
        for number in range(20):
            assert reserve(app, {lantern.id: 1}, f"order:{name}:{number}") == ()

    in_threads([correct, lambda: buy("a"), lambda: buy("b")])
    assert figures(app, lantern.id)[1] == 40
    assert figures(app, lantern.id) == ledger(app, lantern.id)


def test_the_database_itself_refuses_to_hold_more_than_there_is(app, sell):
    lantern = sell(stock_quantity=1)
    for values in ({"reserved": 2}, {"reserved": -1}, {"on_hand": -1}):
        with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
            session.execute(update(Stock).filter_by(variant_id=lantern.id).values(**values))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE catalog_stock_movement SET delta_on_hand = 99",
        "DELETE FROM catalog_stock_movement",
        "TRUNCATE catalog_stock_movement",
    ],
)
def test_the_ledger_is_append_only(app, sell, statement):
    lantern = sell(stock_quantity=1)
    with pytest.raises(DBAPIError, match="append-only"), app.app_context(), transaction() as session:
        session.execute(text(statement))
    assert ledger(app, lantern.id) == (1, 0)


REFERENCES = st.sampled_from(["order:1", "order:2", "order:3"])
STEPS = st.one_of(
    st.tuples(
        st.just("reserve"),
        REFERENCES,
        st.dictionaries(st.integers(0, 1), st.integers(1, 6), min_size=1, max_size=2),
    ),
    st.tuples(st.just("release"), REFERENCES),
    st.tuples(st.just("ship"), REFERENCES),
    st.tuples(
        st.just("ship some"),
        REFERENCES,
        st.dictionaries(st.integers(0, 1), st.integers(1, 4), min_size=1, max_size=2),
    ),
    st.tuples(st.just("set"), st.integers(0, 1), st.integers(0, 12)),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=st.lists(STEPS, max_size=12))
def test_after_any_sequence_the_ledger_sums_to_the_stock(app, sell, steps):
    variants = [sell(stock_quantity=8).id, sell(stock_quantity=3).id]
    prefix = f"{variants[0]}:"
    on_hand, held = [8, 3], {}

    def reserved(i: int) -> int:
        return sum(lines.get(i, 0) for lines in held.values())

    for step in steps:
        if step[0] == "reserve":
            _, reference, lines = step
            quantities = {variants[i]: quantity for i, quantity in lines.items()}
            if reference in held and held[reference] != lines:
                with pytest.raises(ReferenceInUse):
                    reserve(app, quantities, prefix + reference)
                continue
            fits = all(on_hand[i] - reserved(i) >= quantity for i, quantity in lines.items())
            succeeded = reserve(app, quantities, prefix + reference) == ()
            assert succeeded == (fits or reference in held)
            if succeeded:
                held[reference] = lines
        elif step[0] == "set":
            _, i, quantity = step
            with app.app_context(), transaction() as session:
                StockKeeper(session).set_available({variants[i]: quantity}, "correction")
            on_hand[i] = reserved(i) + quantity
        elif step[0] == "ship some":
            _, reference, lines = step
            there = held.get(reference, {})
            fits = all(there.get(i, 0) >= quantity for i, quantity in lines.items())
            quantities = {variants[i]: quantity for i, quantity in lines.items()}
            assert ship(app, prefix + reference, quantities) == fits
            for i, quantity in lines.items() if fits else ():
                on_hand[i] -= quantity
                there = {**there, i: there[i] - quantity}
            held[reference] = {i: quantity for i, quantity in there.items() if quantity}
            if not held[reference]:
                del held[reference]
        else:
            how, reference = step
            lines = held.pop(reference, None)
            assert end(app, how, prefix + reference) == (lines is not None)
            for i, quantity in (lines or {}).items() if how == "ship" else ():
                on_hand[i] -= quantity
    for i, variant_id in enumerate(variants):
        assert figures(app, variant_id) == (on_hand[i], reserved(i)) == ledger(app, variant_id)
    with app.app_context(), reading() as session:
        rows = session.execute(
            select(func.sum(StockReservation.quantity)).where(StockReservation.variant_id.in_(variants))
        ).scalar()
    assert (rows or 0) == reserved(0) + reserved(1)


def waits(app: Flask) -> bool:
    """True when somebody waits for a lock; asked on a connection of its own, where the answer is fresh."""
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    with app.extensions["nexus"].db.engine.connect() as connection:
        return bool(connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")))


def while_set_to(app: Flask, variant_id, quantity: int, act):
    """What `act` gives when it waits for a row whose available pieces are being set to `quantity`."""
    found = []
    with app.app_context(), transaction() as session:
        StockKeeper(session).set_available({variant_id: quantity}, "correction")
        thread = threading.Thread(target=lambda: found.append(act()))
        thread.start()
        deadline = time.monotonic() + 1.5
        while not waits(app):
            assert time.monotonic() < deadline and thread.is_alive()
            time.sleep(0.01)
    thread.join(10)
    return found


def test_pieces_that_come_in_while_a_buyer_waits_for_the_row_are_sold(app, sell):
    lantern = sell(stock_quantity=2)
    reserve(app, {lantern.id: 2}, "order:1")
    assert while_set_to(app, lantern.id, 3, lambda: reserve(app, {lantern.id: 1}, "order:2")) == [()]
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (5, 3)


def test_pieces_that_went_while_a_buyer_waits_for_the_row_are_not_sold(app, sell):
    lantern = sell(stock_quantity=2)
    (shortages,) = while_set_to(app, lantern.id, 0, lambda: reserve(app, {lantern.id: 1}, "order:1"))
    assert [shortage.available for shortage in shortages] == [0]
    assert figures(app, lantern.id) == ledger(app, lantern.id) == (0, 0)


@pytest.mark.parametrize(("how", "left"), [("release", (9, 0)), ("ship", (7, 0))])
def test_what_is_held_ends_while_the_stock_is_being_set(app, sell, how, left):
    lantern = sell(stock_quantity=2)
    reserve(app, {lantern.id: 2}, "order:1")
    assert while_set_to(app, lantern.id, 7, lambda: end(app, how, "order:1")) == [True]
    assert figures(app, lantern.id) == ledger(app, lantern.id) == left
