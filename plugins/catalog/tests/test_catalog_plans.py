"""What the catalog reads goes along indexes, and pages, counts and searches hold in a crowd of products."""

import pytest
from nexus_catalog.services import facets, search
from nexus_catalog.services.products import _pages
from sqlalchemy import event, text

from nexus_kernel import reading, transaction
from nexus_kernel.api import pagination
from nexus_kernel.testing import count_queries

LIST = "/api/catalog/products/"
FILL = (
    "INSERT INTO catalog_category (id, name, slug, parent_id) "
    "SELECT gen_random_uuid(), 'Category ' || n, 'category-' || n, NULL FROM generate_series(0, 39) n",
    "INSERT INTO catalog_product "
    "(id, title, slug, description, category_id, seller_id, created_at, updated_at) "
    "SELECT gen_random_uuid(), (ARRAY['Red', 'Blue', 'Green'])[n % 3 + 1] || ' lantern ' || md5(n::text), "
    "'lantern-' || n, 'made by hand', (SELECT id FROM catalog_category WHERE slug = 'category-' || n % 40), "
    "('00000000-0000-0000-0000-' || lpad((n % 50)::text, 12, '0'))::uuid, "
    "timestamptz '2026-01-01' - n * interval '1 minute', timestamptz '2026-01-01' - n * interval '1 minute' "
    "FROM generate_series(1, 3000) n",
    "UPDATE catalog_product SET rating_count = 1, rating_sum = 1 + length(title) % 5",
    "INSERT INTO catalog_variant (id, product_id, sku, price_minor, currency, is_default) "
    "SELECT gen_random_uuid(), id, slug, 100 + row_number() OVER (), 'ETB', true FROM catalog_product",
    "INSERT INTO catalog_stock (variant_id, on_hand) SELECT id, 5 FROM catalog_variant",
)


@pytest.fixture
def crowd(app):
    """3,000 products in 40 categories of 50 sellers; every one is made by hand."""
    with app.app_context(), transaction() as session:
        for statement in FILL:
            session.execute(text(statement))
    with app.app_context(), reading() as session:
        session.execute(text("VACUUM ANALYZE"))
    return app


def plans(app, client, path: str) -> list[str]:
    """The plan of each statement of a request."""
    statements = []

    def note(conn, cursor, statement, parameters, context, executemany):
        statements.append((statement, parameters))

    engine = app.extensions["nexus"].db.base_engine
    event.listen(engine, "before_cursor_execute", note)
    response = client.get(path)
    event.remove(engine, "before_cursor_execute", note)
    assert response.status_code == 200, response.text
    with engine.connect() as connection:
        return [
            "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}", parameters))
            for text, parameters in statements
        ]


@pytest.mark.parametrize(
    ("path", "index"),
    [
        (LIST, "ix_catalog_listing_newest"),
        (f"{LIST}?page=3", "ix_catalog_listing_newest"),
        (f"{LIST}?page=149", "ix_catalog_listing_newest"),
        (f"{LIST}?sort=price", "ix_catalog_listing_price"),
        (f"{LIST}?sort=-price&in_stock=1", "ix_catalog_listing_price"),
        (f"{LIST}?sort=-rating", "ix_catalog_listing_rating"),
        (f"{LIST}?sort=title", "ix_catalog_product_title_id"),
        (f"{LIST}?sort=-updated_at", "ix_catalog_listing_updated"),
        (f"{LIST}?seller=00000000-0000-0000-0000-000000000007", "ix_catalog_listing_seller_newest"),
        (f"{LIST}?q=lantern-1234", "ix_catalog_listing_search"),
        (f"{LIST}?q=lantren", "ix_catalog_listing_search"),
        (f"{LIST}?q=made&sort=price", "ix_catalog_listing_search"),
        (f"{LIST}?q=made&sort=price", "ix_catalog_listing_price"),
        (f"{LIST}lantern-7/", "uq_catalog_product_slug"),
        ("/api/catalog/suggestions/?q=red+lan", "ix_catalog_product_title_prefix"),
        ("/api/catalog/suggestions/?q=lantern", "ix_catalog_product_title_words"),
    ],
)
def test_what_is_read_is_read_along_an_index(crowd, client, path, index):
    found = plans(crowd, client, path)
    assert any(index in plan for plan in found), "\n\n".join(found)
    assert not any("Seq Scan on catalog_product " in plan for plan in found), "\n\n".join(found)


@pytest.mark.parametrize(
    "path",
    [
        f"{LIST}?category=category-7",
        f"{LIST}?category=category-7&in_stock=1&sort=price",
        f"{LIST}?min_price=5&max_price=20&min_rating=4&sort=-rating",
        f"{LIST}?q=made+by+hand&category=category-7",
        "/api/catalog/facets/",
        "/api/catalog/facets/?category=category-7&in_stock=1&min_price=2&min_rating=2&q=made",
    ],
)
def test_no_filter_reads_all_products(crowd, client, path):
    found = plans(crowd, client, path)
    assert not any("Seq Scan on catalog_product " in plan for plan in found), "\n\n".join(found)


def test_numbered_pages_from_the_end_are_the_pages_from_the_front(crowd, client, monkeypatch):
    plain = {
        page: client.get(f"{LIST}?page={page}&page_size=97").json for page in (1, 15, 16, 17, 30, 31, 32)
    }
    monkeypatch.setattr(pagination, "NEAR", 0)
    for page, expected in plain.items():
        crowd.extensions["nexus"].cache.client.flushdb()
        read = client.get(f"{LIST}?page={page}&page_size=97").json
        assert read["results"] == expected["results"], page
        assert (read["next"], read["previous"]) == (expected["next"], expected["previous"])
        assert (read["count"], read["count_exact"]) == (3000, True)
    assert plain[32]["results"] == [] and plain[31]["next"] is None


def test_a_deep_page_knows_the_exact_count_beyond_the_bound(crowd, client, monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_BOUND", 1_000)
    assert client.get(LIST).json["count"] == 1_000 and client.get(LIST).json["count_exact"] is False
    last = client.get(f"{LIST}?page=150").json
    assert (last["count"], last["count_exact"], len(last["results"]), last["next"]) == (3000, True, 20, None)


def test_counts_are_kept_for_all_pages_and_orders_of_a_filter_until_something_changes(crowd, client, sell):
    first = client.get(f"{LIST}?seller=00000000-0000-0000-0000-000000000007").json
    for query in ("&sort=price", "&sort=-title&page_size=7", "&page=2"):
        with count_queries(crowd) as queries:
            page = client.get(f"{LIST}?seller=00000000-0000-0000-0000-000000000007{query}").json
        assert len(queries) == 1 and page["count"] == first["count"] == 60
    sell("One more", seller_id="00000000-0000-0000-0000-000000000007")
    assert client.get(f"{LIST}?seller=00000000-0000-0000-0000-000000000007").json["count"] == 61


def walk(client, link: str) -> list[str]:
    seen = []
    while link:
        page = client.get(link).json
        seen += [product["id"] for product in page["results"]]
        link = page["next"]
    return seen


@pytest.mark.parametrize("sort", ["", "&sort=price", "&sort=title", "&sort=-created_at"])
def test_a_walk_through_more_matches_than_are_ranked_meets_each_once(crowd, client, monkeypatch, sort):
    monkeypatch.setattr(search, "MOST", 50)
    _pages.cache_clear()
    try:
        first = client.get(f"{LIST}?q=made&page_size=100{sort}").json
        assert (first["count"], first["count_exact"]) == (50, False)
        assert sorted(walk(client, f"{LIST}?q=made&page_size=100{sort}")) == sorted(
            walk(client, f"{LIST}?page_size=100")
        )
        back = client.get(client.get(first["next"]).json["previous"]).json
        assert back["results"] == first["results"]
        few = client.get(f"{LIST}?q=lantern-123&page_size=100{sort}").json
        assert few["count_exact"] and few["count"] == len(few["results"])
    finally:
        _pages.cache_clear()


def test_facets_of_a_crowd_say_that_they_are_not_exact(crowd, client, monkeypatch):
    assert client.get("/api/catalog/facets/").json["exact"] is True
    monkeypatch.setattr(facets, "MOST", 100)
    facets._statement.cache_clear()
    body = client.get("/api/catalog/facets/?min_price=0").json
    facets._statement.cache_clear()
    assert (body["exact"], body["count"]) == (False, 100)
