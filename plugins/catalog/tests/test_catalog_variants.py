"""Variants and the options they differ in: one combination each, one default always, one currency."""

import pytest

from nexus_kernel import new_id, reading, services, transaction
from nexus_kernel.contracts.catalog import CatalogService, StockService
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/catalog/products/lantern/"
VARIANTS = f"{URL}variants/"
COLOUR = {"name": "Colour", "values": ["red", "blue", "green"]}
SIZE = {"name": "Size", "values": ["S", "L"]}


@pytest.fixture
def nexus_config():
    return {"catalog": {"max_variants": 5}}


@pytest.fixture
def lantern(sell, client, staff):
    """A product in two colours and two sizes, whose default variant is the small red one."""
    variant = sell(sku="L-1", price="250.00")
    answer = client.put(f"{URL}options/", json={"options": [COLOUR, SIZE]}, headers=staff)
    assert answer.status_code == 200, answer.json
    return variant


def add(client, headers, colour: str, size: str = "S", **body):
    values = {"Colour": colour, "Size": size}
    body = {"price": "300.00", "option_values": values, **body}
    return client.post(VARIANTS, json=body, headers=headers)


def combinations(client) -> list[list[str]]:
    variants = client.get(VARIANTS).json["results"]
    return [[variant["option_values"][name] for name in ("Colour", "Size")] for variant in variants]


def test_the_detail_shows_options_and_variants_in_one_query(app, client, lantern, staff):
    made = add(client, staff, "blue", "L", sku="L-2", stock_quantity=4)
    assert made.status_code == 201 and made.headers["Location"].endswith(f"/variants/{made.json['id']}/")
    with count_queries(app) as queries:
        detail = client.get(URL).json
    assert len(queries) == 1, str(queries)
    assert detail["options"] == [COLOUR, SIZE]
    first, second = detail["variants"]
    assert (first["is_default"], first["option_values"]) == (True, {"Colour": "red", "Size": "S"})
    assert second == {
        "id": made.json["id"],
        "price": "300.00",
        "currency": "ETB",
        "sku": "L-2",
        "stock_quantity": 4,
        "in_stock": True,
        "prior_price": None,
        "option_values": {"Colour": "blue", "Size": "L"},
        "is_default": False,
        "weight_grams": 0,
    }
    assert client.get(made.headers["Location"]).json == made.json


def test_the_variants_are_listed_by_age_in_two_queries(app, client, lantern, staff):
    add(client, staff, "blue", sku="A"), add(client, staff, "green", sku="B")
    with count_queries(app) as queries:
        page = client.get(VARIANTS).json
    assert len(queries) == 2, str(queries)
    assert [variant["sku"] for variant in page["results"]] == ["L-1", "A", "B"] and page["count"] == 3


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({}, "option_values.Colour"),
        ({"Colour": "blue"}, "option_values.Size"),
        ({"Colour": "pink", "Size": "S"}, "option_values.Colour"),
        ({"Colour": "Blue", "Size": "S"}, "option_values.Colour"),
        ({"Colour": "blue", "Size": "S", "Weight": "1"}, "option_values.Weight"),
        ({"Colour": ["blue"], "Size": "S"}, "option_values.Colour"),
        ({"Colour": None, "Size": "S"}, "option_values.Colour"),
        ([], "option_values"),
        (None, "option_values"),
    ],
)
def test_a_variant_has_one_of_the_values_of_each_option(client, lantern, staff, values, path):
    made = add(client, staff, "blue").json
    url = f"{VARIANTS}{made['id']}/"
    for answer in (
        client.post(VARIANTS, json={"price": "1", "option_values": values}, headers=staff),
        client.patch(url, json={"option_values": values}, headers=staff),
    ):
        assert answer.status_code == 422, answer.json
        assert answer.json["errors"][0]["path"].startswith(path)
    assert combinations(client) == [["red", "S"], ["blue", "S"]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"price": "-150"}, "price"),
        ({"price": "9999999999999"}, "price"),
        ({"price": "1", "currency": "USD"}, "currency"),
        ({"price": "1", "currency": "BIR"}, "currency"),
        ({"sku": ""}, "sku"),
        ({"sku": "a\x00b"}, "sku"),
        ({"stock_quantity": -1}, "stock_quantity"),
        ({"stock_quantity": 2**31}, "stock_quantity"),
        ({"is_default": True}, "is_default"),
        ({"is_active": False}, "is_active"),
        ({"product_id": "0192f0c4-7d3e-7a51-9c1e-000000000000"}, "product_id"),
    ],
)
def test_bad_input_is_422_names_the_field_and_stores_nothing(client, lantern, staff, body, path):
    made = add(client, staff, "green").json
    for answer in (
        add(client, staff, "blue", **body),
        client.patch(f"{VARIANTS}{made['id']}/", json=body, headers=staff),
    ):
        assert answer.status_code == 422 and answer.json["errors"][0]["path"] == path, answer.json
    assert client.get(VARIANTS).json["results"][1:] == [made]


@pytest.mark.parametrize("body", [b"[1]", b"null", b"{", b'"x"'])
def test_bodies_that_are_no_objects_are_4xx(client, lantern, staff, body):
    url = f"{VARIANTS}{lantern.id}/"
    options = f"{URL}options/"
    for method, path in (
        (client.post, VARIANTS), (client.patch, url), (client.put, url), (client.put, options)
    ):  # fmt: skip
        answer = method(path, data=body, content_type="application/json", headers=staff)
        assert 400 <= answer.status_code < 500
    assert (
        client.put(f"{URL}options/", data=body, content_type="application/json", headers=staff).status_code
        < 500
    )


def test_a_combination_exists_once(client, lantern, staff):
    assert add(client, staff, "blue").status_code == 201
    for answer in (
        add(client, staff, "blue"),
        client.patch(
            f"{VARIANTS}{lantern.id}/", json={"option_values": {"Size": "S", "Colour": "blue"}}, headers=staff
        ),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "catalog.combination_taken")
        assert answer.json["errors"][0]["path"] == "option_values"


def test_a_combination_at_once_is_given_once(app, client, lantern, staff):
    answers = in_threads([lambda: add(app.test_client(), staff, "blue")] * 8)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert combinations(client) == [["red", "S"], ["blue", "S"]]


def test_a_product_has_a_bounded_number_of_variants_also_at_once(app, client, lantern, staff):
    wanted = [(colour, size) for colour in COLOUR["values"] for size in SIZE["values"]][1:]
    client.put(
        f"{URL}options/", json={"options": [COLOUR, {**SIZE, "values": ["S", "L", "XL"]}]}, headers=staff
    )
    wanted += [("blue", "XL"), ("red", "XL")]
    answers = in_threads([lambda w=w: add(app.test_client(), staff, *w) for w in wanted])
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 3
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"catalog.too_many_variants"}
    assert client.get(VARIANTS).json["count"] == 5


def test_a_taken_sku_is_409_and_names_the_field(client, lantern, staff):
    answer = add(client, staff, "blue", sku="L-1")
    assert (answer.status_code, answer.json["code"]) == (409, "catalog.sku_taken")
    assert answer.json["errors"][0]["path"] == "sku"


def test_a_change_of_a_variant_keeps_what_is_left_out(client, lantern, staff):
    made = add(client, staff, "blue", sku="L-2", stock_quantity=4).json
    url = f"{VARIANTS}{made['id']}/"
    changed = client.patch(url, json={"price": "310.00", "stock_quantity": 6}, headers=staff).json
    assert (changed["price"], changed["stock_quantity"], changed["sku"]) == ("310.00", 6, "L-2")
    assert changed["prior_price"] == "300.00" and changed["updated_at"] > made["updated_at"]
    assert client.patch(url, json={}, headers=staff).json == changed
    whole = {"price": "1.00", "option_values": {"Colour": "green", "Size": "L"}}
    replaced = client.put(url, json=whole, headers=staff).json
    assert (replaced["sku"], replaced["stock_quantity"], replaced["price"]) == ("L-2", 6, "1.00")
    for body, path in (({"price": "1"}, "option_values.Colour"), ({"option_values": {}}, "price")):
        refused = client.put(url, json=body, headers=staff)
        assert refused.status_code == 422 and refused.json["errors"][0]["path"] == path


def test_a_change_made_from_an_old_copy_is_412(client, lantern, staff):
    url = f"{VARIANTS}{add(client, staff, 'blue').json['id']}/"
    old = staff | {"If-Match": client.get(url).headers["ETag"]}
    changed = client.patch(url, json={"price": "1.00"}, headers=old)
    assert changed.status_code == 200
    for method, options in ((client.patch, {"json": {"price": "2"}}), (client.delete, {})):
        assert method(url, headers=old, **options).status_code == 412
    new = staff | {"If-Match": changed.headers["ETag"]}
    assert client.delete(url, headers=new).status_code == 204


def test_the_default_variant_goes_only_after_another_became_it(app, client, lantern, staff):
    made = add(client, staff, "blue", sku="L-2", stock_quantity=4).json
    refused = client.delete(f"{VARIANTS}{lantern.id}/", headers=staff)
    assert (refused.status_code, refused.json["code"]) == (409, "catalog.default_variant")
    default = client.post(f"{VARIANTS}{made['id']}/make_default/", headers=staff)
    assert default.status_code == 200 and default.json["is_default"] is True
    detail = client.get(URL).json
    assert (detail["sku"], detail["price"], detail["stock_quantity"]) == ("L-2", "300.00", 4)
    assert client.delete(f"{VARIANTS}{lantern.id}/", headers=staff).status_code == 204
    assert client.delete(f"{VARIANTS}{lantern.id}/", headers=staff).status_code == 404
    assert client.delete(f"{VARIANTS}{made['id']}/", headers=staff).status_code == 409
    assert combinations(client) == [["blue", "S"]]


def test_making_defaults_at_once_leaves_one(app, client, lantern, staff):
    ids = [str(lantern.id), *(add(client, staff, colour).json["id"] for colour in ("blue", "green"))]
    calls = [
        lambda i=i: app.test_client().post(f"{VARIANTS}{i}/make_default/", headers=staff) for i in ids * 3
    ]
    assert {answer.status_code for answer in in_threads(calls)} == {200}
    assert [v["is_default"] for v in client.get(URL).json["variants"]] == [True, False, False]


def test_retiring_and_making_default_at_once_never_leaves_a_retired_default(app, client, lantern, staff):
    made = add(client, staff, "blue").json["id"]
    url = f"{VARIANTS}{made}/"
    answers = in_threads(
        [
            lambda: app.test_client().delete(url, headers=staff),
            lambda: app.test_client().post(f"{url}make_default/", headers=staff),
        ]
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [204, 404])
    assert sum(v["is_default"] for v in client.get(URL).json["variants"]) == 1


def test_a_retired_variant_is_known_to_others_keeps_its_stock_and_comes_back(app, client, lantern, staff):
    made = add(client, staff, "blue", stock_quantity=4).json
    variant_id, url = made["id"], f"{VARIANTS}{made['id']}/"
    with app.app_context(), transaction():
        services.get(StockService).reserve({lantern.id: 1, _id(variant_id): 3}, "order:1")
    assert client.delete(url, headers=staff).status_code == 204
    assert client.get(url).status_code == 404 and client.get(VARIANTS).json["count"] == 1
    with app.app_context(), reading():
        views = services.get(CatalogService).get_variants([lantern.id, _id(variant_id)])
    assert [views[i].is_active for i in (lantern.id, _id(variant_id))] == [True, False]
    with app.app_context(), transaction():
        assert services.get(StockService).ship("order:1")
    stock = client.get(f"/api/catalog/variants/{variant_id}/stock/", headers=staff).json
    assert (stock["on_hand"], stock["reserved"], stock["is_active"]) == (1, 0, False)
    retired = client.get(f"{VARIANTS}?include_retired=1", headers=staff).json
    assert [v["is_active"] for v in retired["results"]] == [True, False]
    restored = client.post(f"{url}restore/", headers=staff)
    assert restored.status_code == 200 and restored.json["stock_quantity"] == 1
    assert client.post(f"{url}restore/", headers=staff).json == restored.json


def _id(text: str):
    from uuid import UUID

    return UUID(text)


def test_a_variant_does_not_come_back_beside_one_of_the_same_values(client, lantern, staff):
    url = f"{VARIANTS}{add(client, staff, 'blue').json['id']}/"
    client.delete(url, headers=staff)
    assert add(client, staff, "blue").status_code == 201
    assert client.post(f"{url}restore/", headers=staff).json["code"] == "catalog.combination_taken"


def test_retired_variants_are_listed_for_those_who_may_change_the_product(app, client, sell, staff):
    seller_id = new_id()
    sell(seller_id=seller_id)
    own, other = auth_headers(app, "seller", person_id=seller_id), auth_headers(app, "seller")
    client.put(f"{URL}options/", json={"options": [COLOUR, SIZE]}, headers=own)
    client.delete(f"{VARIANTS}{add(client, own, 'blue').json['id']}/", headers=own)
    counts = [
        client.get(f"{VARIANTS}?include_retired=1", headers=h).json["count"] for h in (own, staff, other, {})
    ]
    assert counts == [2, 2, 1, 1]
    client.delete(URL, headers=own)
    answers = [
        client.get(f"{VARIANTS}?include_retired=1", headers=h).status_code for h in (own, staff, other, {})
    ]
    assert answers == [200, 200, 404, 404]


def test_what_belongs_to_somebody_else_is_404_for_writing(app, client, lantern, staff):
    made = add(client, staff, "blue").json["id"]
    seller = auth_headers(app, "seller")
    for headers, status in ((seller, 404), (auth_headers(app), 403), ({}, 401)):
        answers = [
            add(client, headers, "green"),
            client.patch(f"{VARIANTS}{made}/", json={}, headers=headers),
            client.put(f"{VARIANTS}{made}/", json={"price": "1"}, headers=headers),
            client.delete(f"{VARIANTS}{made}/", headers=headers),
            client.post(f"{VARIANTS}{made}/make_default/", headers=headers),
            client.post(f"{VARIANTS}{made}/restore/", headers=headers),
            client.put(f"{URL}options/", json={"options": []}, headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [status] * 7


def test_a_variant_of_another_product_is_404(app, client, lantern, sell, staff):
    other = sell("Other")
    url = f"{VARIANTS}{other.id}/"
    answers = [
        client.get(url),
        client.patch(url, json={"price": "1"}, headers=staff),
        client.delete(url, headers=staff),
        client.post(f"{url}make_default/", headers=staff),
        client.post(f"{url}restore/", headers=staff),
    ]
    assert {(a.status_code, a.json["code"]) for a in answers} == {(404, "catalog.variant_not_found")}
    for key in ("7", "nope", "%00"):
        assert client.get(f"{VARIANTS}{key}/").status_code == 404


def test_a_products_currency_is_that_of_all_its_variants(client, lantern, staff):
    made = add(client, staff, "blue").json["id"]
    change = {"price": "5.00", "currency": "USD"}
    refused = client.patch(URL, json=change, headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "currency"
    client.delete(f"{VARIANTS}{made}/", headers=staff)
    assert client.patch(URL, json=change, headers=staff).json["currency"] == "USD"
    refused = client.post(f"{VARIANTS}{made}/restore/", headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "currency"


def options(client, staff, *given):
    return client.put(f"{URL}options/", json={"options": list(given)}, headers=staff)


def test_a_new_option_gives_every_variant_its_first_value(client, lantern, staff):
    add(client, staff, "blue")
    after = options(client, staff, {"name": "Shape", "values": ["round", "square"]}, COLOUR, SIZE).json
    assert [option["name"] for option in after["options"]] == ["Shape", "Colour", "Size"]
    assert [v["option_values"]["Shape"] for v in after["variants"]] == ["round", "round"]


def test_an_option_is_renamed_and_its_values_stay(client, lantern, staff):
    add(client, staff, "blue")
    after = options(client, staff, {"name": "ቀለም", "values": ["blue", "red"], "was": "Colour"}, SIZE).json
    assert after["options"][0] == {"name": "ቀለም", "values": ["blue", "red"]}
    assert [v["option_values"]["ቀለም"] for v in after["variants"]] == ["red", "blue"]


def test_two_options_can_swap_their_names(client, lantern, staff):
    add(client, staff, "blue", "L")
    swapped = ({**SIZE, "name": "Colour", "was": "Size"}, {**COLOUR, "name": "Size", "was": "Colour"})
    after = options(client, staff, *swapped).json
    assert [v["option_values"] for v in after["variants"]] == [
        {"Colour": "S", "Size": "red"},
        {"Colour": "L", "Size": "blue"},
    ]


def test_an_option_goes_unless_its_variants_would_not_differ_any_more(client, lantern, staff):
    add(client, staff, "blue"), add(client, staff, "blue", "L")
    refused = options(client, staff, COLOUR)
    assert (refused.status_code, refused.json["code"]) == (409, "catalog.combination_taken")
    assert (
        combinations(client) == [["red", "S"], ["blue", "S"], ["blue", "L"]] or len(combinations(client)) == 3
    )
    third = client.get(VARIANTS).json["results"][2]["id"]
    client.delete(f"{VARIANTS}{third}/", headers=staff)
    after = options(client, staff, COLOUR).json
    assert sorted(v["option_values"]["Colour"] for v in after["variants"]) == ["blue", "red"]
    assert {len(v["option_values"]) for v in after["variants"]} == {1}


def test_a_value_that_a_variant_has_does_not_go(client, lantern, staff):
    add(client, staff, "blue")
    refused = options(client, staff, {"name": "Colour", "values": ["red", "green"]}, SIZE)
    assert (refused.status_code, refused.json["code"]) == (409, "catalog.option_in_use")
    assert options(client, staff, {"name": "Colour", "values": ["blue", "red"]}, SIZE).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        [COLOUR, COLOUR],
        [COLOUR, {**SIZE, "name": "colour"}],
        [{"name": "Colour", "values": []}],
        [{"name": "Colour", "values": ["red", "RED"]}],
        [{"name": "Colour", "values": ["red", ""]}],
        [{"name": "Colour", "values": ["x" * 51]}],
        [{"name": "Colour", "values": [f"{n}" for n in range(101)]}],
        [{"name": "", "values": ["a"]}],
        [{"name": "a\x00", "values": ["a"]}],
        [{"name": "Hue", "values": ["a"], "was": "Shape"}],
        [{**COLOUR, "name": "A", "was": "Colour"}, {**COLOUR, "name": "B", "was": "Colour"}],
        [{"name": f"{n}", "values": ["a"]} for n in range(6)],
        None,
        {},
        [7],
    ],
)
def test_options_that_make_no_sense_are_422(client, lantern, staff, given):
    answer = client.put(f"{URL}options/", json={"options": given}, headers=staff)
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["path"].startswith("options")
    assert client.get(URL).json["options"] == [COLOUR, SIZE]


def test_adding_a_variant_takes_a_constant_number_of_statements(app, client, lantern, staff):
    def statements(colour: str) -> int:
        with count_queries(app) as queries:
            assert add(client, staff, colour).status_code == 201
        return len(queries)

    assert statements("blue") == statements("green") <= 10
