"""The table that products are found in follows every write, whoever makes it and however."""

import threading

import pytest
from nexus_catalog.models import Product, Stock, Variant
from nexus_catalog.services.editing import create_product
from sqlalchemy import text, update

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.testing import in_threads


@pytest.fixture
def listed(app):
    """The listing of a product: its price, currency, category and rating; None when it has none."""

    def listed(product_id):
        with app.app_context(), reading() as session:
            row = session.execute(
                text("SELECT price_minor, currency, category_id, rating_average FROM catalog_listing "
                     "WHERE product_id = :id"), {"id": product_id},
            ).one_or_none()  # fmt: skip
            return row and tuple(row)

    return listed


def run(app, *statements):
    with app.app_context(), transaction() as session:
        for statement in statements:
            session.execute(statement)


def differences(app) -> int:
    """Listings that are not what the products say they should be, and products without theirs."""
    with app.app_context(), reading() as session:
        return session.execute(
            text("""
                WITH due AS (
                    SELECT p.id AS product_id, v.id AS variant_id, p.category_id, p.seller_id, v.price_minor,
                        v.currency, p.rating_average, p.created_at, p.updated_at
                    FROM catalog_product p JOIN catalog_variant v ON v.product_id = p.id AND v.is_default
                    WHERE p.is_active
                ), kept AS (
                    SELECT product_id, variant_id, category_id, seller_id, price_minor, currency,
                        rating_average, created_at, updated_at FROM catalog_listing
                )
                SELECT count(*) FROM ((TABLE due EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE due)) d
            """)
        ).scalar_one()


def test_a_price_changed_by_any_statement_is_the_listings_price(app, sell, listed):
    lantern = sell(price="10")
    run(app, update(Variant).where(Variant.id == lantern.id).values(price_minor=777, currency="USD"))
    assert listed(lantern.product_id)[:2] == (777, "USD")


def test_another_default_variant_gives_the_listing_its_price(app, sell, listed):
    lantern, other = sell(price="10"), new_id()
    run(
        app,
        text("INSERT INTO catalog_variant (id, product_id, sku, price_minor, currency, is_default, "
             "option_values) VALUES (:id, :product, 'B', 5, 'ETB', false, jsonb_build_object('Size', 'L'))"
        ).bindparams(id=other, product=lantern.product_id),
        text("INSERT INTO catalog_stock (variant_id) VALUES (:id)").bindparams(id=other),
    )  # fmt: skip
    assert listed(lantern.product_id)[0] == 1000
    run(app, update(Variant).where(Variant.id == lantern.id).values(is_default=False))
    assert listed(lantern.product_id) is None
    run(app, update(Variant).where(Variant.id == other).values(is_default=True))
    assert listed(lantern.product_id)[0] == 5


def test_retired_products_leave_and_those_that_return_come_back(app, sell, listed):
    lantern = sell()
    mine = update(Product).where(Product.id == lantern.product_id)
    run(app, mine.values(is_active=False))
    assert listed(lantern.product_id) is None
    run(app, mine.values(is_active=True))
    assert listed(lantern.product_id) is not None


def test_category_and_rating_follow(app, sell, category, listed):
    lantern, garden = sell(), category("Garden")
    values = {"category_id": garden, "rating_count": 2, "rating_sum": 9}
    run(app, update(Product).where(Product.id == lantern.product_id).values(values))
    assert listed(lantern.product_id)[2:] == (garden, pytest.approx(4.5))


def test_a_deleted_product_takes_its_listing_along(app, sell, listed):
    lantern = sell()
    with app.app_context(), transaction() as session:
        session.execute(text("ALTER TABLE catalog_stock_movement DISABLE TRIGGER USER"))
        for table, column, key in (
            ("catalog_stock_movement", "variant_id", lantern.id),
            ("catalog_stock", "variant_id", lantern.id),
            ("catalog_variant", "id", lantern.id),
        ):
            session.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": key})
        session.execute(text("ALTER TABLE catalog_stock_movement ENABLE TRIGGER USER"))
    assert listed(lantern.product_id) is None
    run(app, text("DELETE FROM catalog_product WHERE id = :id").bindparams(id=lantern.product_id))
    assert differences(app) == 0


def test_writers_of_one_product_at_once_leave_an_exact_listing(app, sell, category):
    """Each locks the product first, as the services do; whoever comes last is what is listed."""
    lantern, garden = sell(), category("Garden")
    product = Product.id == lantern.product_id

    def write(number: int) -> None:
        changes = (
            update(Product).where(product).values(category_id=garden if number % 2 else None),
            update(Product).where(product).values(is_active=number % 3 > 0),
            update(Variant).where(Variant.id == lantern.id).values(price_minor=number),
        )
        lock = text("SELECT FROM catalog_product WHERE id = :id FOR NO KEY UPDATE")
        run(app, lock.bindparams(id=lantern.product_id), *changes)

    in_threads([lambda n=n: write(n) for n in range(12)])
    assert differences(app) == 0


def test_a_retirement_and_a_new_price_that_meet_leave_an_exact_listing(app, sell):
    lantern, held = sell(), threading.Barrier(2)

    def retire() -> None:
        with app.app_context(), transaction() as session:
            session.execute(update(Product).where(Product.id == lantern.product_id).values(is_active=False))
            held.wait()

    def reprice() -> None:
        held.wait()
        run(app, update(Variant).where(Variant.id == lantern.id).values(price_minor=1))

    in_threads([retire, reprice])
    assert differences(app) == 0


def test_two_imports_of_the_same_new_words_wait_for_nobody(app, sell):
    """Both are open at once: words that are not stored yet are no lock."""
    met = threading.Barrier(2, timeout=10)

    def create(first: str, second: str) -> None:
        with app.app_context(), transaction() as session:
            create_product(session, {"title": f"{first} a{first}", "price": "1"}, "ETB")
            met.wait()
            create_product(session, {"title": f"{second} b{second}", "price": "1"}, "ETB")

    in_threads([lambda: create("zumbra", "kalinko"), lambda: create("kalinko", "zumbra")])
    assert differences(app) == 0


def test_stock_is_none_of_the_listings_business(app, sell, listed):
    lantern = sell(stock_quantity=5)
    with app.app_context(), reading() as session:
        before = session.scalar(text("SELECT xmin::text FROM catalog_listing"))
    run(app, update(Stock).where(Stock.variant_id == lantern.id).values(reserved=5))
    with app.app_context(), reading() as session:
        assert session.scalar(text("SELECT xmin::text FROM catalog_listing")) == before
