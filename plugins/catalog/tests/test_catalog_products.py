"""Reading products over HTTP: filters, orders, pages, queries."""

from uuid import uuid4

import pytest
from nexus_catalog.models import Product, Stock, Variant
from nexus_catalog.schemas.products import ProductDetailSchema, ProductSchema
from sqlalchemy import text, update

from nexus_kernel import new_id, page_of, reading, services, transaction
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.money import Money
from nexus_kernel.testing import count_queries

URL = "/api/catalog/products/"


def test_a_product_in_the_list_carries_everything_a_shop_window_needs(client, sell, category):
    garden = category("Garden")
    lantern = sell("Red lantern", description="Glows", category_id=garden, sku="L-1", price="19.5")
    (product,) = client.get(URL).json["results"]
    assert {key: product[key] for key in product if not key.endswith("_at")} == {
        "id": str(lantern.product_id),
        "title": "Red lantern",
        "slug": "red-lantern",
        "description": "Glows",
        "category": {"id": str(garden), "name": "Garden", "slug": "garden"},
        "seller_id": None,
        "price": "19.50",
        "currency": "ETB",
        "sku": "L-1",
        "stock_quantity": 10,
        "in_stock": True,
        "image": None,
        "rating_average": None,
        "rating_count": 0,
    }
    assert product["created_at"].endswith("+00:00") and product["updated_at"].endswith("+00:00")


def test_the_detail_is_found_by_id_and_by_slug_in_one_query(app, client, sell):
    lantern = sell("ቀይ ፋኖስ")
    for key in (str(lantern.product_id), str(lantern.product_id).upper(), "ቀይ-ፋኖስ"):
        with count_queries(app) as queries:
            response = client.get(f"{URL}{key}/")
        assert response.status_code == 200 and response.json["id"] == str(lantern.product_id)
        assert len(queries) == 1, str(queries)


def test_the_detail_has_every_variant_the_default_first(app, client, sell):
    lantern = sell("Lantern", sku="B")
    with app.app_context(), transaction() as session:
        variant = Variant(
            product_id=lantern.product_id, sku="A", price_minor=100, currency="ETB", is_default=False,
            option_values={"colour": "red"},
        )  # fmt: skip
        session.add(variant)
        session.flush()
        session.add(Stock(variant_id=variant.id))
    with count_queries(app) as queries:
        product = client.get(f"{URL}lantern/").json
    assert len(queries) == 1
    assert [(v["sku"], v["is_default"], v["in_stock"]) for v in product["variants"]] == [
        ("B", True, True),
        ("A", False, False),
    ]
    assert product["sku"] == "B" and product["variants"][1]["option_values"] == {"colour": "red"}
    assert client.get(URL).json["count"] == 1


def test_both_shapes_are_those_of_the_documented_schemas(client, sell, category):
    sell(category_id=category("Garden"), seller_id=uuid4())
    page, detail = client.get(URL).json, client.get(f"{URL}lantern/").json
    assert page_of(ProductSchema)().validate(page) == {}
    assert ProductDetailSchema().validate(detail) == {}


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("page=2", 1),
        ("page_size=100", 1),
        ("page=1&page_size=5", 2),
        ("category=garden&min_price=1&max_price=9999&in_stock=1&min_rating=1&sort=-price", 1),
        ("category=garden&in_stock=0&page_size=5", 1),
        ("category=garden&in_stock=1&page_size=5&sort=title", 2),
        ("category=garden&min_price=1&max_price=9999&in_stock=1&q=lantern&page_size=5&sort=-price", 1),
        ("seller=0192f0c4-7d3e-7a51-9c1e-000000000000&q=lantren", 1),
        ("q=lantern&page_size=5", 1),
    ],
)
def test_a_page_is_one_query_and_one_more_where_the_count_is_not_plain(
    app, client, sell, category, query, number
):
    garden = category("Garden")
    for place in range(25):
        sell(f"Lantern {place}", category_id=garden)
    with count_queries(app) as queries:
        assert client.get(f"{URL}?{query}").status_code == 200
    assert len(queries) == number, str(queries)
    assert client.get(f"{URL}?{query}").json["count_exact"] is True


def test_the_newest_come_first(sell, titles):
    sell("First"), sell("Second")
    assert titles() == ["Second", "First"]


def test_a_category_includes_its_descendants_by_id_and_by_slug(sell, category, titles):
    home = category("Home")
    garden = category("Garden", home)
    pots = category("Pots", garden)
    (
        sell("A", category_id=home),
        sell("B", category_id=pots),
        sell("C", category_id=category("Toys")),
        sell("D"),
    )
    assert titles("category=home") == titles(f"category={home}") == ["B", "A"]
    assert titles(f"category={garden}") == ["B"]
    assert titles("category=unknown") == titles(f"category={uuid4()}") == []


def test_prices_are_bounds_that_include_their_ends(sell, titles):
    sell("A", price="9.99"), sell("B", price="10"), sell("C", price="20.00")
    assert titles("min_price=10&sort=price") == ["B", "C"]
    assert titles("max_price=10.00&sort=price") == ["A", "B"]
    assert titles("min_price=10&max_price=10") == ["B"]


def test_price_filters_speak_the_shops_currency(sell, titles):
    sell("A", price="15"), sell("B", price="15", currency="USD")
    assert titles("min_price=10") == ["A"]


def test_in_stock_counts_what_nobody_holds(sell, titles):
    sell("A", stock_quantity=1), sell("B", stock_quantity=0)
    assert titles("in_stock=1") == ["A"] and titles("in_stock=false") == ["B"]


def test_in_stock_follows_a_reservation(app, sell, titles):
    from nexus_kernel.contracts.catalog import StockService

    lantern = sell("A", stock_quantity=1)
    with app.app_context(), transaction():
        services.get(StockService).reserve({lantern.id: 1}, "order:1")
    assert titles("in_stock=1") == [] and titles("in_stock=0") == ["A"]


def test_the_least_rating_asked_for_is_included(app, sell, titles):
    for title, stars in (("A", 3), ("B", 4), ("C", 5)):
        rated = {"rating_count": 1, "rating_sum": stars}
        lantern = sell(title)
        with app.app_context(), transaction() as session:
            session.execute(update(Product).where(Product.id == lantern.product_id).values(rated))
    sell("D")
    assert titles("min_rating=4&sort=-rating") == ["C", "B"] == titles("min_rating=3.01&sort=-rating")


def test_a_seller_shows_own_products(sell, titles):
    seller = uuid4()
    sell("A", seller_id=seller), sell("B", seller_id=uuid4()), sell("C")
    assert titles(f"seller={seller}") == ["A"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", "BCA"),
        ("-price", "ACB"),
        ("title", "ABC"),
        ("-title", "CBA"),
        ("created_at", "CAB"),
        ("-created_at", "BAC"),
        ("updated_at", "ABC"),
        ("-updated_at", "CBA"),
        ("rating", "ACB"),
        ("-rating", "BCA"),
    ],
)
def test_every_order_runs_both_ways(app, sell, titles, sort, expected):
    sell("C", price="2"), sell("A", price="3"), sell("B", price="1")
    with app.app_context(), transaction() as session:
        for stars, title in enumerate("ACB", 1):
            rated = {"rating_count": 2, "rating_sum": 2 * stars}
            session.execute(update(Product).filter_by(title=title).values(rated))
        for minutes, title in enumerate("ABC"):
            changed = text(f"now() + interval '{minutes} minutes'")
            session.execute(update(Product).filter_by(title=title).values(updated_at=changed))
    assert "".join(titles(f"sort={sort}")) == expected


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("sort=--price", "sort"),
        ("sort=price;drop", "sort"),
        ("sort=stock", "sort"),
        ("sort=", "sort"),
        ("sort=--rating", "sort"),
        ("min_rating=0", "min_rating"),
        ("min_rating=6", "min_rating"),
        ("min_rating=NaN", "min_rating"),
        ("min_rating=x", "min_rating"),
        ("min_price=-1", "min_price"),
        ("min_price=1,000", "min_price"),
        ("min_price=NaN", "min_price"),
        ("min_price=1.005", "min_price"),
        ("max_price=9999999999999", "max_price"),
        ("min_price=5&max_price=4", "max_price"),
        ("in_stock=maybe", "in_stock"),
        ("seller=7", "seller"),
        ("page=0", "page"),
        ("page=9223372036854775808", "page"),
        ("page_size=101", "page_size"),
        ("page_size=0", "page_size"),
        ("cursor=abc", "cursor"),
        ("q=%00", "q"),
        (f"q={'x' * 201}", "q"),
        ("category=", "category"),
        ("category=%00", "category"),
    ],
)
def test_a_parameter_out_of_its_range_is_422_and_named(client, query, path):
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 422, response.json
    assert response.json["errors"][0]["path"] == path


def test_a_cursor_made_for_another_order_is_refused(client, sell):
    for number in range(3):
        sell(f"Lantern {number}")
    cursor = client.get(f"{URL}?page_size=1&sort=price").json["next"].partition("cursor=")[2]
    response = client.get(f"{URL}?page_size=1&sort=title&cursor={cursor}")
    assert response.status_code == 422 and response.json["errors"][0]["path"] == "cursor"


@pytest.mark.parametrize(
    "key",
    ["7", "nope", "%00", "%ff", "%F0%9F%98%80", "x" * 500, "0192f0c4-7d3e-7a51-9c1e-000000000000", "a b"],
)
def test_an_unknown_product_is_404(client, key):
    response = client.get(f"{URL}{key}/")
    assert response.status_code == 404 and response.content_type == "application/problem+json"


def walk(client, query: str, meanwhile=lambda: None) -> list[str]:
    seen, link = [], f"{URL}?{query}"
    while link:
        page = client.get(link).json
        seen += [product["title"] for product in page["results"]]
        link = page["next"]
        meanwhile()
    return seen


@pytest.mark.parametrize("sort", ["", "price", "-title", "updated_at", "-rating"])
def test_a_walk_by_cursor_meets_every_product_once_while_others_arrive(client, sell, sort):
    there = [f"Lantern {number:02}" for number in range(23)]
    for number, title in enumerate(there):
        sell(title, price=str(number % 3))
    arrivals = iter(range(1000))
    seen = walk(
        client,
        f"page_size=5&sort={sort}" if sort else "page_size=5",
        meanwhile=lambda: sell(f"Arrival {next(arrivals)}", price="1"),
    )
    assert sorted(title for title in seen if title.startswith("Lantern")) == there
    assert len(seen) == len(set(seen))


def test_a_walk_through_search_results_meets_each_once(client, sell):
    for number in range(12):
        sell(f"Lantern {number}", description="lantern " * (number % 3))
    assert len(walk(client, "q=lantern&page_size=5")) == 12
    assert len(set(walk(client, "q=lantern&page_size=5"))) == 12


def test_numbered_pages_keep_every_other_parameter_in_their_links(client, sell):
    for number in range(5):
        sell(f"Lantern {number}")
    first = client.get(f"{URL}?page=1&page_size=2&sort=title").json
    assert first["count"] == 5 and first["previous"] is None
    second = client.get(first["next"]).json
    assert [product["title"] for product in second["results"]] == ["Lantern 2", "Lantern 3"]
    assert "page=1" in second["previous"] and "sort=title" in second["previous"]
    assert client.get(second["next"]).json["next"] is None


def test_the_etag_changes_with_the_stock_and_only_then(app, client, sell, staff):
    lantern = sell(stock_quantity=3)
    for url in (URL, f"{URL}lantern/"):
        etag = client.get(url).headers["ETag"]
        assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    before = client.get(URL).headers["ETag"]
    client.patch(f"{URL}{lantern.product_id}/", json={"stock_quantity": 2}, headers=staff)
    fresh = client.get(URL, headers={"If-None-Match": before})
    assert fresh.status_code == 200 and fresh.json["results"][0]["stock_quantity"] == 2


def test_bodies_hold_no_host_name(client, sell):
    for number in range(3):
        sell(f"Lantern {number}")
    body = client.get(f"{URL}?page_size=1", headers={"Host": "evil.example"}).text
    assert "evil.example" not in body


def test_other_plugins_read_variants_in_one_query(app, sell):
    first, second = sell("A", price="1"), sell("B", stock_quantity=0)
    with app.app_context(), reading():
        service = services.get(CatalogService)
        with count_queries(app) as queries:
            found = service.get_variants([first.id, second.id, new_id()])
        assert len(queries) == 1
        assert found == {first.id: first, second.id: second}
        assert (first.price, first.available, second.available) == (Money(100, "ETB"), 10, 0)
        with count_queries(app) as queries:
            assert service.get_variants([]) == {} == service.get_default_variants([])
        assert len(queries) == 0


def test_other_plugins_still_see_retired_variants_as_such(app, client, sell, staff):
    lantern = sell()
    client.delete(f"{URL}{lantern.product_id}/", headers=staff)
    with app.app_context(), reading():
        assert services.get(CatalogService).get_variants([lantern.id])[lantern.id].is_active is False
