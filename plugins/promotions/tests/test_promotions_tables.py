"""The tables of the promotions, as their migrations make them."""

from nexus_promotions.models import Coupon, Redemption
from sqlalchemy import CheckConstraint, text

from nexus_kernel import migrations

CHECKS = text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(:name AS regclass)")


def test_models_and_migrations_agree_and_come_back_after_a_downgrade(app):
    assert migrations.check(app) == []
    migrations.downgrade(app, "promotions", "base")
    migrations.upgrade(app)
    assert migrations.check(app) == []


def test_every_check_of_the_models_is_in_the_database(app):
    with app.extensions["nexus"].db.engine.connect() as connection:
        for model in (Coupon, Redemption):
            made = set(connection.execute(CHECKS, {"name": model.__tablename__}).scalars())
            said = [c for c in model.__table__.constraints if isinstance(c, CheckConstraint)]
            assert made == {str(check.name) for check in said}
