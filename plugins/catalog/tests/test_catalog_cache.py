"""What of the catalog is kept, and what ends it."""

from uuid import UUID

import pytest
from flask import Flask

from nexus_kernel import services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.testing import count_queries

PRODUCTS, CATEGORIES = "/api/catalog/products/", "/api/catalog/categories/"


def reserve(app: Flask, variant: UUID, reference: str = "order:1") -> None:
    with app.app_context(), transaction():
        assert services.get(StockService).reserve({variant: 1}, reference) == ()


@pytest.fixture
def lantern(sell):
    return sell("Lantern", stock_quantity=10)


@pytest.mark.parametrize("path", ["", "?q=lantern&sort=-price", "lantern/", "{id}/"])
def test_products_are_read_from_the_database_once(app, client, lantern, path):
    url = PRODUCTS + path.format(id=lantern.product_id)
    first = client.get(url)
    with count_queries(app) as queries:
        second = client.get(url)
        assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert len(queries) == 0 and second.data == first.data


@pytest.mark.parametrize("path", ["", "?include_children=1", "?page=1&page_size=5", "{id}/"])
def test_categories_are_read_from_the_database_once(app, client, category, path):
    url = CATEGORIES + path.format(id=category("Garden"))
    client.get(url)
    with count_queries(app) as queries:
        assert client.get(url).status_code == 200
    assert len(queries) == 0


@pytest.mark.parametrize("path", ["", "lantern/", "{id}/"])
@pytest.mark.parametrize("how", ["reserve", "release", "ship"])
def test_stock_that_orders_move_is_seen_at_once(app, client, lantern, path, how):
    url = PRODUCTS + path.format(id=lantern.product_id)
    left = {"reserve": 9, "release": 10, "ship": 9}[how]
    if how != "reserve":
        reserve(app, lantern.id)
    etag = client.get(url).headers["ETag"]
    if how == "reserve":
        reserve(app, lantern.id)
    else:
        with app.app_context(), transaction():
            assert getattr(services.get(StockService), how)("order:1")
    answer = client.get(url, headers={"If-None-Match": etag})
    assert answer.status_code == (304 if how == "ship" else 200)
    if answer.status_code == 200:
        (product,) = answer.json.get("results", [answer.json])
        assert product["stock_quantity"] == left


def test_a_product_that_is_changed_or_retired_is_seen_at_once(client, lantern, staff):
    url = f"{PRODUCTS}lantern/"
    client.get(url), client.get(PRODUCTS)
    assert client.patch(url, json={"title": "Lamp"}, headers=staff).status_code == 200
    assert client.get(url).json["title"] == client.get(PRODUCTS).json["results"][0]["title"] == "Lamp"
    assert client.delete(url, headers=staff).status_code == 204
    assert client.get(url).status_code == 404 and client.get(PRODUCTS).json["results"] == []


def test_the_detail_of_another_product_stays(app, client, sell, lantern):
    vase = sell("Vase")
    client.get(f"{PRODUCTS}vase/"), client.get(f"{PRODUCTS}lantern/")
    reserve(app, lantern.id)
    with count_queries(app) as queries:
        client.get(f"{PRODUCTS}vase/")
    assert len(queries) == 0
    reserve(app, vase.id, "order:2")
    assert client.get(f"{PRODUCTS}vase/").json["stock_quantity"] == 9


def test_an_order_of_very_many_products_ends_their_details_too(app, client, sell):
    variants = [sell("Vase").id for _ in range(201)]
    assert client.get(f"{PRODUCTS}vase/").json["stock_quantity"] == 10
    with app.app_context(), transaction():
        assert services.get(StockService).reserve(dict.fromkeys(variants, 1), "order:1") == ()
    assert client.get(f"{PRODUCTS}vase/").json["stock_quantity"] == 9


def test_a_new_category_is_seen_in_lists_and_details_at_once(client, category, sell, staff):
    category("Garden")
    before = [client.get(path).headers["ETag"] for path in (CATEGORIES, f"{CATEGORIES}?include_children=1")]
    client.post(CATEGORIES, json={"name": "House"}, headers=staff)
    after = [client.get(path).headers["ETag"] for path in (CATEGORIES, f"{CATEGORIES}?include_children=1")]
    assert not set(before) & set(after)


def test_a_refused_reservation_ends_nothing(app, client, lantern):
    client.get(PRODUCTS)
    with app.app_context(), transaction():
        assert services.get(StockService).reserve({lantern.id: 11}, "order:1")
    with count_queries(app) as queries:
        client.get(PRODUCTS)
    assert len(queries) == 0


def test_links_hold_what_the_parameters_mean_and_nothing_else(client, sell):
    for _ in range(3):
        sell()
    first = client.get(f"{PRODUCTS}?zz=1&page_size=2&page=1&max_price=900.00&in_stock=1").json
    assert first["next"] == f"{PRODUCTS}?page_size=2&max_price=900&in_stock=true&page=2"


def test_a_product_without_the_right_id_is_not_kept(client, sell):
    assert client.get(f"{PRODUCTS}vase/").status_code == 404
    sell("Vase")
    assert client.get(f"{PRODUCTS}vase/").status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_the_etag_of_either_encoding_allows_a_change(client, lantern, staff, encoding):
    padded = client.patch(f"{PRODUCTS}lantern/", json={"description": "long " * 300}, headers=staff)
    etag = client.get(f"{PRODUCTS}lantern/", headers={"Accept-Encoding": encoding}).headers["ETag"]
    assert (etag == padded.headers["ETag"]) == (encoding == "identity")
    for _, status in ((1, 200), (2, 412)):
        headers = staff | {"If-Match": etag}
        answer = client.patch(f"{PRODUCTS}lantern/", json={"price": "1.00"}, headers=headers)
        assert answer.status_code == status
        if status == 200:
            client.patch(f"{PRODUCTS}lantern/", json={"price": "2.00"}, headers=staff)
