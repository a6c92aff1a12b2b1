"""The category tree over HTTP."""

import pytest
from nexus_catalog.models import Category
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from nexus_kernel import new_id, transaction
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/catalog/categories/"


def test_staff_create_categories_and_anybody_reads_them(client, staff):
    root = client.post(URL, json={"name": "Home & Garden"}, headers=staff)
    assert root.status_code == 201 and root.json["slug"] == "home-garden"
    leaf = client.post(URL, json={"name": "Garden", "parent_id": root.json["id"]}, headers=staff)
    assert leaf.json["parent_id"] == root.json["id"]
    assert client.get(f"{URL}{leaf.json['id']}/").json == leaf.json
    page = client.get(URL).json
    assert [c["name"] for c in page["results"]] == ["Garden", "Home & Garden"] and page["count"] == 2


@pytest.mark.parametrize(("roles", "status"), [((), 403), (("seller",), 403), (None, 401)])
def test_others_do_not_create_categories(app, client, roles, status):
    headers = {} if roles is None else auth_headers(app, *roles)
    assert client.post(URL, json={"name": "Garden"}, headers=headers).status_code == status
    assert client.get(URL).json["count"] == 0


def test_include_children_gives_the_roots_with_their_trees_in_two_queries(app, client, category):
    home, toys = category("Home"), category("Toys")
    garden = category("Garden", home)
    category("Pots", garden), category("Bulbs", garden), category("Games", toys)
    with count_queries(app) as queries:
        page = client.get(f"{URL}?include_children=1").json
    assert len(queries) == 2, str(queries)
    assert page["count"] == 2
    assert [root["name"] for root in page["results"]] == ["Home", "Toys"]
    (garden,) = page["results"][0]["children"]
    assert [leaf["name"] for leaf in garden["children"]] == ["Bulbs", "Pots"]


def test_the_list_is_cached_and_fresh_after_a_write(app, client, staff):
    client.post(URL, json={"name": "Home"}, headers=staff)
    client.get(URL)
    with count_queries(app) as queries:
        assert client.get(URL).json["count"] == 1
    assert len(queries) == 0, str(queries)
    client.post(URL, json={"name": "Toys"}, headers=staff)
    assert client.get(URL).json["count"] == 2


def test_a_write_that_is_rolled_back_leaves_the_cache_alone(app, client, category):
    category("Home")
    client.get(URL)
    with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
        session.add(Category(name="", slug="x"))
        session.flush()
    with count_queries(app) as queries:
        client.get(URL)
    assert len(queries) == 0


def test_a_cached_page_holds_nothing_of_the_request_that_filled_it(client, category):
    for name in ("Home", "Toys", "Gifts"):
        category(name)
    first = client.get(f"{URL}?page_size=2&utm_source=mail").json
    assert "utm_source" not in first["next"] and "page_size=2" in first["next"]
    assert client.get(first["next"]).json["results"][0]["name"] == "Toys"


def test_unknown_parameters_share_one_cache_entry(app, client, category):
    category("Home")
    client.get(URL)
    with count_queries(app) as queries:
        for number in range(5):
            client.get(f"{URL}?zz={number}")
    assert len(queries) == 0, str(queries)


def test_the_list_and_the_category_have_etags(client, category):
    home = category("Home")
    for url in (URL, f"{URL}{home}/"):
        etag = client.get(url).headers["ETag"]
        again = client.get(url, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
    before = client.get(URL).headers["ETag"]
    category("Toys")
    assert client.get(URL, headers={"If-None-Match": before}).status_code == 200


def test_equal_names_and_amharic_names_get_slugs_of_their_own(client, staff):
    slugs = [
        client.post(URL, json={"name": name}, headers=staff).json["slug"]
        for name in ("C++", "C#", "ፋኖስ", "ቡና", "ቡና", "!!!", "???")
    ]
    assert slugs == ["c", "c-2", "ፋኖስ", "ቡና", "ቡና-2", "category", "category-2"]


def test_a_slug_is_unique_among_siblings_only(client, staff):
    home = client.post(URL, json={"name": "Home"}, headers=staff).json["id"]
    toys = client.post(URL, json={"name": "Toys"}, headers=staff).json["id"]
    below = [
        client.post(URL, json={"name": "Other", "parent_id": parent}, headers=staff).json["slug"]
        for parent in (home, toys)
    ]
    assert below == ["other", "other"]


def test_equal_names_at_once_all_succeed(app, staff):
    calls = [lambda: app.test_client().post(URL, json={"name": "Home"}, headers=staff)] * 12
    answers = in_threads(calls)
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json["slug"] for answer in answers}) == 12


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a", "parent_id": "7"}, "parent_id"),
        ({"name": "a", "parent_id": "0192f0c4-7d3e-7a51-9c1e-000000000000"}, "parent_id"),
        ({"name": "a", "slug": ""}, "slug"),
        ({"name": "a", "slug": "x" * 101}, "slug"),
    ],
)
def test_bad_input_is_422_and_names_the_field(client, staff, body, path):
    response = client.post(URL, json=body, headers=staff)
    assert response.status_code == 422 and response.json["errors"][0]["path"] == path
    assert client.get(URL).json["count"] == 0


def test_the_tree_has_a_bounded_depth(client, category, staff):
    parent = None
    for level in range(10):
        parent = category(f"Level {level}", parent)
    response = client.post(URL, json={"name": "Deeper", "parent_id": str(parent)}, headers=staff)
    assert response.status_code == 422 and response.json["errors"][0]["path"] == "parent_id"


@pytest.mark.parametrize("key", ["7", "home", "0192f0c4-7d3e-7a51-9c1e-000000000000"])
def test_an_unknown_category_is_404(client, key):
    assert client.get(f"{URL}{key}/").status_code == 404


def move(app, category_id, parent_id) -> bool:
    with app.app_context():
        try:
            with transaction() as session:
                session.execute(update(Category).filter_by(id=category_id).values(parent_id=parent_id))
        except IntegrityError:
            return False
    return True


def test_the_database_refuses_cycles(app, category):
    home = category("Home")
    garden = category("Garden", home)
    pots = category("Pots", garden)
    assert not move(app, home, home)
    assert not move(app, home, garden)
    assert not move(app, home, pots)
    assert move(app, pots, home)


def test_two_moves_at_once_cannot_make_a_cycle(app, category):
    for number in range(50):
        a, b = category(f"A{number}"), category(f"B{number}")
        moved = in_threads([lambda: move(app, a, b), lambda: move(app, b, a)])  # noqa: B023
        assert sorted(moved) == [False, True]


def test_a_parent_that_does_not_exist_is_refused_by_the_database(app, category):
    assert not move(app, category("Home"), new_id())
