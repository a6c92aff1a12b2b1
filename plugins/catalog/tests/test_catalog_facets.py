"""Facets: what each further choice would leave, as the list itself would show it."""

import random
from itertools import pairwise

import pytest
from nexus_catalog.models import Product
from nexus_catalog.schemas.facets import FacetsSchema
from sqlalchemy import update

from nexus_kernel import transaction
from nexus_kernel.testing import count_queries

URL = "/api/catalog/facets/"
LIST = "/api/catalog/products/"


@pytest.fixture
def tree(category):
    """Home > Garden > Pots, Home > Kitchen, Toys."""
    home = category("Home")
    garden = category("Garden", home)
    return {
        "home": home,
        "garden": garden,
        "kitchen": category("Kitchen", home),
        "pots": category("Pots", garden),
        "toys": category("Toys"),
    }


@pytest.fixture
def rated(app, sell):
    """Puts a product on sale that has this average."""

    def rated(title, stars, **values):
        product = sell(title, **values)
        with app.app_context(), transaction() as session:
            session.execute(
                update(Product)
                .where(Product.id == product.product_id)
                .values(rating_count=1, rating_sum=stars)
            )
        return product

    return rated


def named(body):
    return {category["name"]: category["count"] for category in body["categories"]}


def test_categories_count_what_is_below_them(client, sell, tree):
    (
        sell("A", category_id=tree["home"]),
        sell("B", category_id=tree["pots"]),
        sell("C", category_id=tree["toys"]),
    )
    sell("D")
    assert named(client.get(URL).json) == {"Home": 2, "Toys": 1}
    assert named(client.get(f"{URL}?category=home").json) == {"Garden": 1}
    assert named(client.get(f"{URL}?category={tree['garden']}").json) == {"Pots": 1}


def test_a_category_without_children_shows_those_beside_it(client, sell, tree):
    sell("A", category_id=tree["kitchen"]), sell("B", category_id=tree["pots"])
    assert named(client.get(f"{URL}?category=kitchen").json) == {"Garden": 1, "Kitchen": 1}
    assert client.get(f"{URL}?category=kitchen").json["count"] == 1
    assert named(client.get(f"{URL}?category=toys").json) == {"Home": 2}


def test_a_facet_ignores_its_own_filter_and_heeds_the_others(client, rated, tree):
    rated("A", 5, price="10", category_id=tree["home"], stock_quantity=0)
    rated("B", 3, price="10", category_id=tree["home"])
    rated("C", 4, price="900", category_id=tree["toys"])
    body = client.get(f"{URL}?max_price=50").json
    assert (body["count"], named(body)) == (2, {"Home": 2})
    assert sum(band["count"] for band in body["prices"]) == 3
    body = client.get(f"{URL}?min_rating=4").json
    assert [rating["count"] for rating in body["ratings"]] == [2, 3, 3, 3]
    assert [stock["count"] for stock in body["availability"]] == [1, 1]
    body = client.get(f"{URL}?in_stock=1&category=home").json
    assert [stock["count"] for stock in body["availability"]] == [1, 1]
    assert [rating["count"] for rating in body["ratings"]] == [0, 1, 1, 1]


def test_every_choice_leaves_as_many_as_the_list_shows(client, rated, tree):
    draw = random.Random(7)
    places = [*tree.values(), None]
    for number in range(60):
        rated(
            f"Lantern {number}" if number % 2 else f"Chair {number}", draw.randint(1, 5),
            price=str(draw.choice([1, 5, 30, 70, 500, 4000])), category_id=draw.choice(places),
            stock_quantity=draw.choice([0, 3]),
        )  # fmt: skip
    for filters in (
        "",
        "q=lantern&",
        "category=home&",
        "in_stock=1&min_price=20&",
        "min_rating=3&max_price=500&",
    ):
        body = client.get(f"{URL}?{filters}").json
        kept = {part.partition("=")[0]: part for part in filters.split("&") if part}

        def shown(*own, kept=kept, **chosen):
            parts = [part for name, part in kept.items() if name not in own]
            parts += [f"{name}={value}" for name, value in chosen.items()]
            return client.get(f"{LIST}?{'&'.join(parts)}").json["count"]

        assert body["count"] == shown() and body["exact"]
        for band in body["prices"]:
            chosen = {"min_price": band["min_price"], "max_price": band["max_price"]}
            assert band["count"] == shown("min_price", "max_price", **chosen)
        for rating in body["ratings"]:
            assert rating["count"] == shown("min_rating", min_rating=rating["min_rating"])
        for stock in body["availability"]:
            assert stock["count"] == shown("in_stock", in_stock=stock["in_stock"])
        for category in body["categories"]:
            assert category["count"] == shown("category", category=category["id"])


def test_prices_are_bands_between_round_amounts_of_the_shops_currency(client, sell):
    for price in ("0", "0.99", "1", "3", "7", "15", "15", "40", "99.99", "100"):
        sell(f"At {price}", price=price)
    sell("Dollars", price="5", currency="USD")
    body = client.get(URL).json
    assert body["currency"] == "ETB" and len(body["prices"]) <= 6
    assert sum(band["count"] for band in body["prices"]) == 10
    assert body["prices"][0]["min_price"] == "0.00" and body["prices"][-1]["max_price"] == "199.99"
    assert all(
        float(low) == round(float(high) + 0.01, 2)
        for (_, high), (low, _) in pairwise((band["min_price"], band["max_price"]) for band in body["prices"])
    )


def test_an_empty_shop_has_empty_facets_of_the_documented_shape(client, sell, tree):
    body = client.get(URL).json
    assert FacetsSchema().validate(body) == {}
    assert (body["count"], body["exact"], body["categories"], body["prices"]) == (0, True, [], [])
    sell("A", category_id=tree["home"])
    assert FacetsSchema().validate(client.get(URL).json) == {}


@pytest.mark.parametrize(
    "query", ["", "category=home", "q=lantern&min_price=1&in_stock=1&min_rating=2", "q=zzz"]
)
def test_facets_are_one_query(app, client, sell, tree, query):
    sell("Lantern", category_id=tree["pots"])
    with count_queries(app) as queries:
        assert client.get(f"{URL}?{query}").status_code == 200
    assert len(queries) == 1, str(queries)


@pytest.mark.parametrize(
    ("query", "path"),
    [("min_price=x", "min_price"), ("min_price=1.005", "min_price"), ("min_price=5&max_price=4", "max_price"),
     ("in_stock=x", "in_stock"), ("seller=1", "seller"), ("min_rating=9", "min_rating"), ("q=%00", "q")],
)  # fmt: skip
def test_filters_are_held_to_the_same_rules_as_the_lists(client, query, path):
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 422 and response.json["errors"][0]["path"] == path


def test_what_is_no_filter_is_ignored(client, sell):
    sell("A")
    assert client.get(f"{URL}?sort=nonsense&page=7&zz=1").json == client.get(URL).json
