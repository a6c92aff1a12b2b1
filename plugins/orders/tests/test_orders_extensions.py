"""Extensions: a plugin's part of the request, of the transaction and of the answer."""

import logging

import pytest
from nexus_orders import plugin
from sqlalchemy import text

from nexus_kernel import create_app, current_session, new_id
from nexus_kernel.contracts.orders import Adjustment, CheckoutProblem
from nexus_kernel.money import Money
from nexus_kernel.testing import StandInCart, StandInCatalog, StandInPayments, count_queries

ORDERS, RECIPIENT = "/api/orders/", new_id()


@pytest.fixture
def wrapping(bazaar):
    return bazaar.wrapping


@pytest.fixture
def wrapped(wrapping, bazaar):
    """A wrapping that costs what was asked for."""
    fee = {"red": 500, "gold": 900}
    asked = lambda quote: quote.requested["bazaar"].get("paper")  # noqa: E731
    wrapping.does = {
        "prepare": lambda quote: Money(fee.get(asked(quote), 0), quote.currency),
        "snapshot": lambda quote: (
            {"paper": asked(quote), "fee": str(quote.facts["bazaar"]), "recipient_id": RECIPIENT}
            if asked(quote)
            else None
        ),
    }
    bazaar.shipping.does = lambda quote: [Adjustment(label="Wrap", amount=quote.facts["bazaar"])]
    return wrapping


def stored(app, table="orders_order") -> int:
    with app.extensions["nexus"].db.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_a_part_of_the_body_reaches_rules_and_comes_back_in_the_order(client, buyer, order, catalog, wrapped):
    placed = order((catalog.add(Money(1000, "ETB")), 1), extensions={"bazaar": {"paper": "gold"}})
    assert placed.status_code == 201, placed.json
    assert (placed.json["shipping"], placed.json["total"]) == ("9.00", "19.00")
    shown = {"bazaar": {"paper": "gold", "fee": "9.00", "recipient_id": str(RECIPIENT)}}
    assert placed.json["extensions"] == shown
    assert client.get(f"{ORDERS}{placed.json['id']}/", headers=buyer).json == placed.json
    assert client.get(ORDERS, headers=buyer).json["results"] == [placed.json]


@pytest.mark.parametrize("body", [{}, {"extensions": {}}])
def test_who_asks_for_nothing_gets_nothing(order, catalog, wrapped, body):
    placed = order((catalog.add(), 1), **body)
    assert placed.status_code == 201 and placed.json["extensions"] == {}
    assert wrapped.calls[0][1].requested == {"bazaar": {}}


@pytest.mark.parametrize(
    ("extensions", "path"),
    [
        ({"foo": {}}, "extensions.foo"),
        ({"bazaar": {}}, "extensions.bazaar.paper"),
        ({"bazaar": {"paper": "blue"}}, "extensions.bazaar.paper"),
        ({"bazaar": {"paper": "red", "ribbon": 1}}, "extensions.bazaar.ribbon"),
        ({"bazaar": {"paper": "red", "cards": ["a", 7]}}, "extensions.bazaar.cards[1]"),
        ({"bazaar": None}, "extensions.bazaar"),
        ({"bazaar": []}, "extensions.bazaar"),
        (None, "extensions"),
        ([], "extensions"),
        ("bazaar", "extensions"),
    ],
)
def test_a_bad_part_names_its_field_and_stores_nothing(app, order, catalog, wrapping, extensions, path):
    refused = order((catalog.add(), 1), extensions=extensions)
    assert refused.status_code == 422
    assert path in [error["path"] for error in refused.json["errors"]]
    assert stored(app) == 0 and wrapping.calls == []


def test_the_steps_see_what_they_need_and_come_in_order(app, order, catalog, wrapped, bazaar):
    seen = []
    bazaar.guard.does = lambda quote: seen.append(("guard", stored(app))) or []
    wrapped.does["record"] = lambda quote, order_id: seen.append(
        (
            "record",
            current_session().execute(text("SELECT count(*) FROM orders_item")).scalar(),
            dict(catalog.held),
        )
    )
    placed = order((catalog.add(), 1), extensions={"bazaar": {"paper": "red"}}).json
    assert seen == [("guard", 0), ("record", 1, {})]
    (_, asked), (_, shown), (_, recorded, order_id) = wrapped.calls
    assert (asked.total, asked.facts) == (Money(25000, "ETB"), {})
    assert shown == recorded and shown.total == Money(25500, "ETB") and str(order_id) == placed["id"]


def test_a_problem_while_recording_rolls_everything_back(app, person, order, catalog, carts, wrapping):
    problem = CheckoutProblem(
        code="bazaar.used_up", message="The paper is used up.", field="extensions.bazaar.paper"
    )
    wrapping.does["record"] = lambda quote, order_id: [problem]
    refused = order((catalog.add(), 1))
    assert refused.status_code == 409 and refused.json["code"] == "orders.checkout_overtaken"
    assert refused.json["errors"] == [
        {"path": problem.field, "code": problem.code, "message": problem.message}
    ]
    for table in ("orders_order", "orders_item", "nexus_outbox"):
        assert stored(app, table) == 0
    assert len(carts.carts[person].lines) == 1 and not catalog.held


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("prepare", lambda quote: 1 / 0),
        ("snapshot", lambda quote: 1 / 0),
        ("snapshot", lambda quote: 7),
        ("snapshot", lambda quote: {"paper": object()}),
        ("record", lambda quote, order_id: 1 / 0),
        ("record", lambda quote, order_id: 7),
        ("record", lambda quote, order_id: ["used up"]),
    ],
)
def test_an_extension_that_breaks_refuses_the_checkout(app, order, catalog, wrapping, step, fault, caplog):
    wrapping.does[step] = fault
    logging.getLogger("nexus").propagate = True
    refused = order((catalog.add(), 1))
    logging.getLogger("nexus").propagate = False
    assert refused.status_code == 503 and refused.json["code"] == "orders.extension_failed"
    assert "the order extension bazaar failed" in caplog.text
    assert stored(app) == 0 and not catalog.held


def test_a_row_that_is_busy_is_told_as_busy_and_not_as_a_broken_extension(app, order, catalog, wrapping):
    def wait_too_long(quote, order_id):
        current_session().execute(text("SET LOCAL statement_timeout = 20"))
        current_session().execute(text("SELECT pg_sleep(5)"))

    wrapping.does["record"] = wait_too_long
    refused = order((catalog.add(), 1))
    assert refused.status_code == 409 and refused.json["code"] == "kernel.lock_busy"
    assert stored(app) == 0 and not catalog.held


def test_an_extension_adds_its_own_statements_and_no_others(app, order, catalog, wrapping):
    def read(quote):
        return current_session().execute(text("SELECT 1")).scalar()

    wrapping.does = {"prepare": read, "record": lambda quote, order_id: read(quote) and ()}
    with count_queries(app) as queries:
        assert order((catalog.add(), 1)).status_code == 201
    words = [statement.split()[0] for statement in queries.statements]
    assert words == ["BEGIN", "SELECT", "WITH", "SELECT", "WITH", "COMMIT"], str(queries)


def test_the_document_shows_the_parts_of_each_deployment(app):
    schemas = app.extensions["nexus"].api.document()["components"]["schemas"]
    asked = schemas["OrdersRequestedExtensions"]
    assert list(asked["properties"]) == ["bazaar"] and asked["additionalProperties"] is False
    assert "OrdersExtensions" in schemas["OrdersOrder"]["properties"]["extensions"]["$ref"]
    others = [plugin, StandInCatalog(), StandInCart(), StandInPayments()]
    without = create_app({"kernel": {"environment": "test"}}, plugins=others)
    schemas = without.extensions["nexus"].api.document()["components"]["schemas"]
    assert schemas["OrdersRequestedExtensions"].get("properties", {}) == {}
