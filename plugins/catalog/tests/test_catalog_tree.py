"""Changing the tree: names, slugs, moves without cycles, and deleting without losing anything."""

import itertools

import pytest
from nexus_catalog.services.categories import DEEPEST

from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/catalog/categories/"
NOBODY = "0192f0c4-7d3e-7a51-9c1e-000000000000"


def patch(client, headers, category_id, **body):
    return client.patch(f"{URL}{category_id}/", json=body, headers=headers)


def delete(client, headers, category_id, query: str = ""):
    return client.delete(f"{URL}{category_id}/{query}", headers=headers)


def chain(category, levels: int, name: str = "Level", parent=None) -> list:
    made = []
    for level in range(levels):
        parent = category(f"{name} {level}", parent)
        made.append(parent)
    return made


def test_a_category_shows_its_path_and_its_children_in_two_queries(app, client, category):
    home = category("Home")
    garden = category("Garden", home)
    pots = category("Pots", garden)
    category("Bulbs", garden), category("Clay", pots), category("Toys")
    with count_queries(app) as queries:
        shown = client.get(f"{URL}{garden}/").json
    assert len(queries) == 2, str(queries)
    assert shown["path"] == [{"id": str(home), "name": "Home", "slug": "home"}]
    assert [child["name"] for child in shown["children"]] == ["Bulbs", "Pots"]
    assert [step["name"] for step in client.get(f"{URL}{pots}/").json["path"]] == ["Home", "Garden"]
    assert client.get(f"{URL}{home}/").json["path"] == []


def test_a_new_name_keeps_the_slug_and_is_seen_at_once(client, category, sell, staff):
    garden = category("Garden")
    sell(category_id=garden)
    client.get(URL), client.get("/api/catalog/products/lantern/")
    changed = patch(client, staff, garden, name="Yard")
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["slug"]) == ("Yard", "garden")
    assert client.get(URL).json["results"][0]["name"] == "Yard"
    assert client.get("/api/catalog/products/lantern/").json["category"]["name"] == "Yard"
    assert client.get(f"{URL}{garden}/").json == changed.json


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Best Yard!", "best-yard"),
        ("ፋኖስ", "ፋኖስ"),
        ("!!!", "category"),
        ("toys", "toys-2"),
        ("garden", "garden"),
    ],
)
def test_a_slug_that_is_set_is_normalised_and_unique_among_siblings(client, category, staff, given, stored):
    garden = category("Garden")
    category("Toys")
    changed = patch(client, staff, garden, slug=given)
    assert (changed.status_code, changed.json["slug"]) == (200, stored)


def test_a_category_can_be_created_under_a_slug(client, staff):
    made = [client.post(URL, json={"name": "Garden", "slug": "Yard"}, headers=staff).json for _ in range(2)]
    assert [category["slug"] for category in made] == ["yard", "yard-2"]


def test_amharic_names_get_slugs_of_their_own_when_renamed(client, category, staff):
    first, second = category("ፋኖስ"), category("ቡና")
    changed = patch(client, staff, second, name="ፋኖስ", slug="ፋኖስ").json
    assert (changed["name"], changed["slug"]) == ("ፋኖስ", "ፋኖስ-2")
    assert client.get(f"{URL}{first}/").json["slug"] == "ፋኖስ"


def test_put_replaces_name_and_place_and_keeps_the_slug(client, category, staff):
    home = category("Home")
    garden = category("Garden", home)
    replaced = client.put(f"{URL}{garden}/", json={"name": "Yard", "parent_id": str(home)}, headers=staff)
    assert [replaced.json[key] for key in ("name", "slug", "parent_id")] == ["Yard", "garden", str(home)]
    root = client.put(f"{URL}{garden}/", json={"name": "Yard"}, headers=staff).json
    assert (root["parent_id"], root["path"]) == (None, [])
    refused = client.put(f"{URL}{garden}/", json={}, headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "name"


def test_an_empty_change_changes_nothing(client, category, staff):
    garden = category("Garden")
    before = client.get(f"{URL}{garden}/").json
    answer = patch(client, staff, garden)
    assert answer.status_code == 200 and answer.json == before


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"slug": ""}, "slug"),
        ({"slug": None}, "slug"),
        ({"slug": 7}, "slug"),
        ({"parent_id": "7"}, "parent_id"),
        ({"parent_id": []}, "parent_id"),
        ({"parent_id": NOBODY}, "parent_id"),
        ({"id": NOBODY}, "id"),
        ({"children": []}, "children"),
    ],
)
def test_bad_input_is_422_names_the_field_and_changes_nothing(client, category, staff, body, path):
    garden = category("Garden")
    before = client.get(f"{URL}{garden}/").json
    for answer in (
        client.patch(f"{URL}{garden}/", json=body, headers=staff),
        client.put(f"{URL}{garden}/", json={"name": "Yard"} | body, headers=staff),
    ):
        assert answer.status_code == 422 and answer.json["errors"][0]["path"] == path, answer.json
    assert client.get(f"{URL}{garden}/").json == before


@pytest.mark.parametrize("body", [b"[1]", b"null", b'"x"', b"{", b"\xff"])
def test_bodies_that_are_no_objects_are_4xx(client, category, staff, body):
    url = f"{URL}{category('Garden')}/"
    for method in (client.patch, client.put):
        answer = method(url, data=body, content_type="application/json", headers=staff)
        assert 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"


@pytest.mark.parametrize("key", ["7", "garden", "%00", NOBODY])
def test_an_unknown_category_is_404_for_every_verb(client, category, staff, key):
    category("Garden")
    url = f"{URL}{key}/"
    answers = [
        client.get(url),
        client.patch(url, json={}, headers=staff),
        client.put(url, json={"name": "a"}, headers=staff),
        client.delete(url, headers=staff),
        client.delete(url, headers=staff | {"If-Match": "*"}),
    ]
    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize(("roles", "status"), [((), 403), (("seller",), 403), (None, 401)])
def test_others_change_nothing(app, client, category, roles, status):
    garden = category("Garden")
    headers = {} if roles is None else auth_headers(app, *roles)
    answers = [
        patch(client, headers, garden, name="Yard"),
        client.put(f"{URL}{garden}/", json={"name": "Yard"}, headers=headers),
        delete(client, headers, garden),
    ]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert client.get(f"{URL}{garden}/").json["name"] == "Garden"


def test_a_change_made_from_an_old_copy_is_412(client, category, staff):
    garden = category("Garden")
    old = staff | {"If-Match": client.get(f"{URL}{garden}/").headers["ETag"]}
    changed = patch(client, old, garden, name="Yard")
    assert changed.status_code == 200 and changed.headers["ETag"] != old["If-Match"]
    assert [patch(client, old, garden, name="A").status_code, delete(client, old, garden).status_code] == [
        412
    ] * 2
    assert delete(client, staff | {"If-Match": changed.headers["ETag"]}, garden).status_code == 204


def test_of_changes_at_once_from_one_copy_one_is_made(app, client, category, staff):
    garden = category("Garden")
    headers = staff | {"If-Match": client.get(f"{URL}{garden}/").headers["ETag"]}
    answers = in_threads(
        [lambda n=n: patch(app.test_client(), headers, garden, name=f"Garden {n}") for n in range(6)]
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5


def test_a_move_takes_the_whole_subtree_along_and_gives_it_a_free_slug(client, category, sell, staff):
    home, shop = category("Home"), category("Shop")
    garden = category("Garden", home)
    category("Garden", shop)
    sell(category_id=category("Pots", garden))
    moved = patch(client, staff, garden, parent_id=str(shop)).json
    assert (moved["parent_id"], moved["slug"]) == (str(shop), "garden-2")
    assert [child["name"] for child in moved["children"]] == ["Pots"]
    assert client.get("/api/catalog/products/?category=shop").json["count"] == 1
    assert client.get("/api/catalog/products/?category=home").json["count"] == 0
    assert patch(client, staff, garden, parent_id=None).json["path"] == []


def test_a_cycle_is_422_and_names_the_parent(client, category, staff):
    home, garden, pots = chain(category, 3)
    for target in (home, garden, pots):
        answer = patch(client, staff, home, parent_id=str(target))
        assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "parent_id")
    assert patch(client, staff, pots, parent_id=str(home)).status_code == 200


def test_two_moves_at_once_never_make_a_cycle_nor_a_deadlock(app, client, category, staff):
    for number in range(12):
        a, b = category(f"A{number}"), category(f"B{number}")
        answers = in_threads(
            [
                lambda a=a, b=b: patch(app.test_client(), staff, a, parent_id=str(b)),
                lambda a=a, b=b: patch(app.test_client(), staff, b, parent_id=str(a)),
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]


def test_moves_round_a_ring_at_once_leave_a_tree(app, client, category, staff):
    ring = [category(f"C{number}") for number in range(6)]
    answers = in_threads(
        [
            lambda a=a, b=b: patch(app.test_client(), staff, a, parent_id=str(b))
            for a, b in itertools.pairwise([*ring, ring[0]])
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [422]
    assert client.get(f"{URL}?include_children=1").json["count"] == 1


def test_the_depth_is_bounded_for_the_whole_subtree_that_moves(client, category, staff):
    deep = chain(category, DEEPEST - 2)
    short = chain(category, 3, "Short")
    refused = patch(client, staff, short[0], parent_id=str(deep[-1]))
    assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "parent_id")
    assert patch(client, staff, short[1], parent_id=str(deep[-1])).status_code == 200
    assert len(client.get(f"{URL}{short[2]}/").json["path"]) == DEEPEST - 1


def test_moves_and_creations_at_once_never_pass_the_depth(app, client, category, staff):
    deep = chain(category, DEEPEST - 1)
    leaf = category("Leaf")
    body = {"name": "Below", "parent_id": str(leaf)}
    answers = in_threads(
        [
            lambda: patch(app.test_client(), staff, leaf, parent_id=str(deep[-1])),
            lambda: app.test_client().post(URL, json=body, headers=staff),
        ]
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 422], [201, 422])


def test_an_empty_category_is_deleted_once(app, client, category, staff):
    garden = category("Garden")
    client.get(URL)
    answers = in_threads([lambda: delete(app.test_client(), staff, garden)] * 4)
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 3
    assert client.get(URL).json["count"] == 0


def test_a_category_with_content_is_409_and_says_what_is_in_it(client, category, sell, staff):
    garden = category("Garden")
    category("Pots", garden), sell(category_id=garden), sell("Other", category_id=garden)
    answer = delete(client, staff, garden)
    assert (answer.status_code, answer.json["code"]) == (409, "catalog.category_not_empty")
    assert (answer.json["children"], answer.json["products"]) == (1, 2)
    assert client.get(f"{URL}{garden}/").status_code == 200


def test_retired_products_do_not_keep_a_category_and_go_to_its_parent(client, category, sell, staff):
    home = category("Home")
    garden = category("Garden", home)
    sell(category_id=garden)
    client.delete("/api/catalog/products/lantern/", headers=staff)
    assert delete(client, staff, garden).status_code == 204
    restored = client.post("/api/catalog/products/lantern/restore/", headers=staff).json
    assert restored["category"]["id"] == str(home)


def test_the_content_goes_where_it_is_told(app, client, category, sell, staff):
    home, shop = category("Home"), category("Shop")
    garden = category("Garden", home)
    pots, _ = category("Pots", garden), category("Pots", shop)
    sell(category_id=garden), sell("Other", category_id=pots)
    assert delete(client, staff, garden, f"?move_to={shop}").status_code == 204
    assert client.get("/api/catalog/products/lantern/").json["category"]["id"] == str(shop)
    moved = client.get(f"{URL}{pots}/").json
    assert (moved["parent_id"], moved["slug"]) == (str(shop), "pots-2")
    assert client.get("/api/catalog/products/?category=shop").json["count"] == 2


@pytest.mark.parametrize("target", ["itself", "below", "nobody", "text", "empty"])
def test_a_target_that_cannot_be_is_422_and_nothing_moves(client, category, sell, staff, target):
    garden = category("Garden")
    pots = category("Pots", garden)
    sell(category_id=garden)
    named = {"itself": garden, "below": pots, "nobody": NOBODY, "text": "7", "empty": ""}[target]
    answer = delete(client, staff, garden, f"?move_to={named}")
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "move_to")
    assert client.get("/api/catalog/products/lantern/").json["category"]["id"] == str(garden)


def test_children_do_not_move_too_deep(client, category, staff):
    deep, garden = chain(category, DEEPEST), category("Garden")
    category("Pots", garden)
    assert delete(client, staff, garden, f"?move_to={deep[-1]}").json["errors"][0]["path"] == "move_to"
    assert delete(client, staff, garden, f"?move_to={deep[-2]}").status_code == 204


def test_deleting_takes_a_constant_number_of_statements(app, client, category, sell, staff):
    shop, few, many = category("Shop"), category("Few"), category("Many")
    for place, number in ((few, 1), (many, 5)):
        for n in range(number):
            category(f"Child {n}", place), sell(f"Product {n}", category_id=place)

    def statements(place) -> int:
        with count_queries(app) as queries:
            assert delete(client, staff, place, f"?move_to={shop}").status_code == 204
        return len(queries)

    assert statements(few) == statements(many)


def test_deleting_and_filling_at_once_loses_no_product(app, client, category, staff):
    for number in range(8):
        garden = category(f"Garden {number}")
        body = {"title": f"Lantern {number}", "price": "1", "category_id": str(garden)}
        answers = in_threads(
            [
                lambda g=garden: delete(app.test_client(), staff, g),
                lambda b=body: app.test_client().post("/api/catalog/products/", json=b, headers=staff),
            ]
        )
        statuses = [answer.status_code for answer in answers]
        assert statuses in ([204, 422], [409, 201]), [answer.text for answer in answers]
