"""A page of reviews reads an index, however many reviews there are."""

import pytest
from nexus_catalog.schemas.reviews import ModerationQuery, ReviewQuery
from nexus_catalog.services.moderation import moderation_page
from nexus_catalog.services.reviews import review_page
from sqlalchemy import event, text

from nexus_kernel import reading, transaction

MANY = """
    INSERT INTO catalog_review (id, product_id, author_id, rating, state, is_verified_purchase, created_at)
    SELECT gen_random_uuid(), p.id, gen_random_uuid(), 1 + n % 5,
           CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'published' END, n % 20 = 0,
           now() - n * interval '1 hour'
    FROM catalog_product p, generate_series(1, 1500) n
"""


@pytest.fixture
def large(app, sell):
    """12,000 reviews of eight products."""
    for number in range(8):
        sell(f"Lantern {number}")
    with app.app_context(), transaction() as session:
        session.execute(text(MANY))
    with app.app_context(), reading() as session:
        session.execute(text("VACUUM ANALYZE catalog_review"))
    return app


def plans_of(app, read) -> list[str]:
    """The plans of the statements about reviews: a page counts in the same one."""
    statements = []

    def note(conn, cursor, statement, parameters, context, executemany):
        if "FROM catalog_review" in statement:
            statements.append((statement, parameters))

    engine = app.extensions["nexus"].db.base_engine
    event.listen(engine, "before_cursor_execute", note)
    with app.test_request_context("/api/catalog/"), reading() as session:
        read(session)
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        explained = [connection.exec_driver_sql(f"EXPLAIN {s}", p) for s, p in statements]
        return ["\n".join(row[0] for row in rows) for rows in explained]


@pytest.mark.parametrize(
    ("args", "index"),
    [
        ({}, "newest"),
        ({"page": "3"}, "newest"),
        ({"sort": "rating"}, "rating"),
        ({"sort": "-rating"}, "rating"),
        ({"rating": "4"}, "rating"),
        ({"verified": "1"}, "verified"),
    ],
)
def test_a_page_of_a_product_reads_its_index_in_order(large, args, index):
    loaded = ReviewQuery().load(args)
    (page,) = plans_of(large, lambda session: review_page(session, "lantern-7", loaded, None))
    assert f"ix_catalog_review_{index}" in page and "Sort" not in page, page
    assert "Seq Scan" not in page, page


@pytest.mark.parametrize(("args", "index"), [({}, "all"), ({"state": "pending"}, "state")])
def test_the_newest_of_everybodys_reviews_are_read_in_order(large, args, index):
    loaded = ModerationQuery().load(args)
    (page,) = plans_of(large, lambda session: moderation_page(session, loaded))
    assert f"ix_catalog_review_{index}" in page and "Sort" not in page, page
