"""The tables of the orders, as their migrations make them."""

from nexus_kernel import migrations


def test_models_and_migrations_agree_and_come_back_after_a_downgrade(app):
    assert migrations.check(app) == []
    migrations.downgrade(app, "orders", "orders_0002")
    migrations.upgrade(app)
    assert migrations.check(app) == []
