"""`nexus tax demo`: the tax of a shop to try things out in."""

import json

from click.testing import CliRunner
from nexus_tax.commands import tax
from nexus_tax.plugin import nexus_seeds

URL = "/api/tax/rates/"


def demo(app) -> int:
    """How many rates it made."""
    with app.app_context():
        result = CliRunner().invoke(tax, ["demo"], catch_exceptions=False)
    return json.loads(result.stdout)["tax"]["created"]


def test_prices_of_a_new_shop_contain_ethiopias_vat(app, client, staff):
    assert (demo(app), demo(app)) == (1, 0)
    (rate,) = client.get(URL, headers=staff).json["results"]
    assert (rate["country"], rate["rate"], rate["included"]) == ("ET", "0.15", True)


def test_a_shop_that_has_rates_is_left_alone(app, client, rate, staff):
    made = rate(country="KE", is_active=False)
    assert demo(app) == 0 and client.get(URL, headers=staff).json["results"] == [made]


def test_it_is_a_seed_that_comes_after_the_products():
    (seed,) = nexus_seeds()
    assert seed.command == ("tax", "demo") and seed.order > 10
