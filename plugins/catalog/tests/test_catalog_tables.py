"""What the database itself holds on to."""

import pytest
from nexus_catalog.models import Category, Product, Variant
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from nexus_kernel import StartupError, migrations, reading, transaction
from nexus_kernel.testing.fixtures import make_app


def test_the_models_are_the_tables(app):
    assert migrations.check(app) == []


def test_the_branch_goes_down_and_up_again(app):
    migrations.downgrade(app, "catalog")
    with app.app_context(), reading() as session:
        left = session.scalars(
            text(
                "SELECT relname::text FROM pg_class WHERE relname LIKE 'catalog%' "
                "UNION ALL SELECT proname::text FROM pg_proc WHERE proname LIKE 'catalog%'"
            )
        ).all()
    assert left == []
    migrations.upgrade(app)
    assert migrations.check(app) == []


def test_the_branch_goes_down_with_prices_and_adjustments_in_it(app, client, sell, staff):
    lantern = sell()
    client.patch("/api/catalog/products/lantern/", json={"price": "1.00"}, headers=staff)
    adjustment = {"delta": 1, "reason": "received", "note": "A box"}
    url = f"/api/catalog/variants/{lantern.id}/stock/adjustments/"
    assert client.post(url, json=adjustment, headers=staff).status_code == 201
    migrations.downgrade(app, "catalog", "catalog_0002")
    with app.app_context(), reading() as session:
        reasons = text("SELECT reason FROM catalog_stock_movement ORDER BY id")
        assert session.scalars(reasons).all() == ["initial", "correction"]
    migrations.upgrade(app)
    assert migrations.check(app) == []
    assert client.get("/api/catalog/products/lantern/").json["price"] == "1.00"


def test_a_currency_that_does_not_exist_stops_the_start(nexus_engines, database_url, nexus_plugins):
    with pytest.raises(StartupError, match="NEXUS_CATALOG__CURRENCY"):
        make_app(nexus_engines, database_url, nexus_plugins, {"catalog": {"currency": "BIR"}})


def product(**values):
    return Product(**({"title": "Lantern", "slug": "lantern"} | values))


def variant(owner, **values):
    return Variant(
        **(
            {"product_id": owner.id, "sku": "B", "price_minor": 1, "currency": "ETB", "is_default": False}
            | values
        )
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda p: product(),
        lambda p: product(slug="b", title=""),
        lambda p: variant(p, sku="A"),
        lambda p: variant(p, is_default=True),
        lambda p: variant(p, price_minor=-1),
        lambda p: variant(p, price_minor=10**15 + 1),
        lambda p: variant(p, currency="etb"),
        lambda p: variant(p, sku=""),
        lambda p: variant(p, option_values=["red"]),
    ],
)
def test_rows_that_break_a_rule_are_refused(app, broken):
    with app.app_context(), transaction() as session:
        owner = product()
        session.add(owner)
        session.flush()
        session.add(variant(owner, sku="A", is_default=True))
    with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
        session.add(broken(owner))


def test_equal_slugs_of_roots_are_refused_too(app):
    with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
        session.add_all([Category(name="A", slug="a"), Category(name="B", slug="a")])
