"""The plugin fills a shop with its products, once however often it is asked."""

import json

import click
import pytest
from click.testing import CliRunner
from flask import Flask


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["catalog", "gift_shop"]


def sow(app: Flask) -> dict[str, int]:
    """Run the seed as `nexus up` does; the figures that it reports."""
    hooks = app.extensions["nexus"].hooks
    (seed,) = hooks.seeds()
    nexus = click.Group("nexus", commands={owned.owner: owned.value for owned in hooks.commands()})
    with app.app_context():
        result = CliRunner().invoke(nexus, seed.command, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["catalog"]


def test_the_seed_loads_every_row_and_again_doubles_nothing(app, client):
    assert sow(app) == {"created": 3518, "updated": 0, "unchanged": 0, "refused": 0, "dry_run": False}
    assert sow(app) == {"created": 0, "updated": 0, "unchanged": 3518, "refused": 0, "dry_run": False}
    assert client.get("/api/catalog/products/").json["count"] == 3518
    tree = client.get("/api/catalog/categories/?include_children=1&page_size=100").json
    assert tree["count"] == 12
    assert sum(len(root["children"]) for root in tree["results"]) == 45


def test_the_products_are_in_the_shops_currency_with_price_and_stock(app, client):
    sow(app)
    (globe,) = client.get("/api/catalog/products/?q=inflatable political globe").json["results"]
    assert (globe["sku"], globe["price"], globe["currency"], globe["stock_quantity"]) == (
        "10002",
        "0.85",
        "ETB",
        88,
    )
    assert globe["category"]["name"] == "Games & Puzzles"
