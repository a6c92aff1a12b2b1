"""The examples run: one-file plugins are loaded by `create_app(plugins=[module])`."""

import importlib.util
import logging
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from nexus_kernel import Money, StartupError, create_app
from nexus_kernel.contracts.orders import Address, Quote
from nexus_kernel.db import new_id

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(*modules: ModuleType, **sections: dict[str, str]) -> Flask:
    return create_app({"kernel": {"environment": "test"}, **sections}, plugins=modules)


def quote(subtotal: str) -> Quote:
    zero = Money.zero("ETB")
    return Quote(
        user_id=new_id(),
        lines=(),
        currency="ETB",
        shipping_address=Address(
            address_line="Bole Road", city="Addis Ababa", postal_code="1000", country="ET"
        ),
        payment_method="chapa",
        subtotal=Money.parse(subtotal, "ETB"),
        discount=zero,
        shipping=zero,
        tax=zero,
    )


def test_a_single_module_adds_a_route_with_a_documented_answer():
    app = make(load("one_file_plugin"))
    answer = app.test_client().get("/api/flat_shipping/rate/?currency=ETB")
    assert answer.json == {"price": "80.00", "free_from": "2000.00", "currency": "ETB"}
    operation = app.extensions["nexus"].api.document()["paths"]["/api/flat_shipping/rate/"]["get"]
    assert operation["operationId"] == "flat_shipping_get_rate"


@pytest.mark.parametrize(("subtotal", "shipping"), [("1999.99", ["80.00"]), ("2000.00", [])])
def test_its_price_rule_is_found_and_free_from_the_threshold_on(subtotal: str, shipping: list[str]):
    app = make(load("one_file_plugin"))
    rule = app.extensions["nexus"].price_rules["flat_shipping.flat_rate"]
    with app.app_context():
        assert [str(adjustment.amount) for adjustment in rule.apply(quote(subtotal))] == shipping


def test_its_settings_are_checked_with_everybody_elses():
    with pytest.raises(StartupError, match="did you mean NEXUS_FLAT_SHIPPING__PRICE"):
        make(load("one_file_plugin"), flat_shipping={"prize": "1.00"})


def test_the_escape_hatches_reach_the_application():
    app = make(load("server_timing"))
    assert app.test_client().get("/healthz").headers["Server-Timing"].startswith("app;dur=")


def test_the_last_hook_runs_when_everything_is_registered():
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("nexus.server_timing")
    logger.addHandler(handler)
    try:
        make(load("server_timing"), load("one_file_plugin"))
    finally:
        logger.removeHandler(handler)
    assert [r.getMessage() for r in records] == ["ready: 5 routes of 2 plugins"]
