"""The cart over HTTP: live prices, live stock, exact quantities."""

from dataclasses import replace
from uuid import uuid4

import pytest

from nexus_kernel import Money, migrations, new_id, services, transaction
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.testing import auth_headers, count_queries, in_threads

CART, ITEMS = "/api/cart/cart/", "/api/cart/cart/items/"


@pytest.fixture
def add(client, buyer):
    def _add(variant, quantity=1):
        return client.post(ITEMS, json={"variant_id": str(variant.id), "quantity": quantity}, headers=buyer)

    return _add


def test_the_tables_are_those_of_the_models(app):
    assert migrations.check(app) == []


def test_the_first_look_opens_an_empty_cart_that_keeps_its_id(client, buyer, catalog):
    first = client.get(CART, headers=buyer)
    assert first.status_code == 200
    assert first.json["items"] == [] and first.json["total"] == "0.00" and first.json["currency"] == "ETB"
    assert client.get(CART, headers=buyer).json["id"] == first.json["id"]


def test_a_product_id_means_its_default_variant(client, buyer, catalog):
    variant = catalog.add(Money(25050, "ETB"), title="Lantern")
    answer = client.post(ITEMS, json={"product_id": str(variant.product_id)}, headers=buyer)
    assert answer.status_code == 201
    cart = client.get(CART, headers=buyer).json
    assert cart["items"] == [answer.json]
    assert answer.json == {
        "id": answer.json["id"],
        "product": {
            "id": str(variant.product_id),
            "title": "Lantern",
            "slug": "lantern",
            "price": "250.50",
        },
        "variant": {"id": str(variant.id), "sku": variant.sku},
        "quantity": 1,
        "unit_price": "250.50",
        "line_total": "250.50",
        "currency": "ETB",
        "issues": [],
    }


def test_adding_what_is_there_increments_it(client, buyer, add, catalog):
    variant = catalog.add(Money(100, "ETB"))
    add(variant, 2)
    assert add(variant, 3).json["quantity"] == 5
    cart = client.get(CART, headers=buyer).json
    assert [line["quantity"] for line in cart["items"]] == [5] and cart["total"] == "5.00"


def test_lines_stand_in_the_order_in_which_they_were_added(client, buyer, add, catalog):
    variants = [catalog.add(Money(100, "ETB")) for _ in range(5)]
    for variant in reversed(variants):
        add(variant)
    add(variants[2])
    lines = client.get(CART, headers=buyer).json["items"]
    assert [line["variant"]["id"] for line in lines] == [str(v.id) for v in reversed(variants)]


def test_three_and_three_do_not_pass_a_stock_of_five(client, buyer, add, catalog):
    variant = catalog.add(available=5)
    assert add(variant, 3).status_code == 201
    refused = add(variant, 3)
    assert refused.status_code == 409 and refused.content_type == "application/problem+json"
    assert refused.json["code"] == "cart.insufficient_stock"
    assert (refused.json["available"], refused.json["in_cart"]) == (5, 3)
    assert client.get(CART, headers=buyer).json["items"][0]["quantity"] == 3


@pytest.mark.parametrize("verb", ["patch", "put"])
def test_a_change_does_not_pass_the_stock(client, buyer, add, catalog, verb):
    url = f"{ITEMS}{add(catalog.add(available=5)).json['id']}/"
    assert getattr(client, verb)(url, json={"quantity": 5}, headers=buyer).json["quantity"] == 5
    refused = getattr(client, verb)(url, json={"quantity": 6}, headers=buyer)
    assert refused.status_code == 409 and refused.json["code"] == "cart.insufficient_stock"
    assert client.get(CART, headers=buyer).json["items"][0]["quantity"] == 5


@pytest.mark.parametrize("quantity", [0, -1, 1000, 2**31, 2**63, 1.5, 1.0, "2", True, None, [], {}])
@pytest.mark.parametrize("verb", ["post", "patch", "put"])
def test_a_quantity_is_a_whole_number_from_1_to_999(client, buyer, add, catalog, verb, quantity):
    variant = catalog.add(available=5000)
    body = {"quantity": quantity}
    url = ITEMS
    if verb == "post":
        body["variant_id"] = str(variant.id)
    else:
        url = f"{ITEMS}{add(variant).json['id']}/"
    answer = getattr(client, verb)(url, json=body, headers=buyer)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == "quantity"


def test_a_line_holds_at_most_999_pieces(add, catalog):
    variant = catalog.add(available=5000)
    assert add(variant, 999).status_code == 201
    assert add(variant, 1).json["code"] == "cart.quantity_limit"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"variant_id": str(uuid4())},
        {"product_id": str(uuid4())},
        {"product_id": "7"},
        {"product_id": 7},
        {"product_id": str(uuid4()), "variant_id": str(uuid4())},
        {"variant_id": str(uuid4()), "unit_price": "0.01"},
        [1],
        "x",
        None,
    ],
)
def test_a_body_that_names_no_product_is_refused(client, buyer, catalog, body):
    answer = client.post(ITEMS, json=body, headers=buyer)
    assert 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"
    assert client.get(CART, headers=buyer).json["items"] == []


@pytest.mark.parametrize("data", [b"quantity=1", b"{", b'{"quantity": NaN}', b"", b"\xff"])
def test_a_body_that_is_not_json_is_refused(client, buyer, catalog, data):
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        answer = client.post(ITEMS, data=data, content_type=content_type, headers=buyer)
        assert 400 <= answer.status_code < 500


def test_a_retired_product_is_not_added(add, catalog):
    refused = add(catalog.add(is_active=False))
    assert refused.status_code == 409 and refused.json["code"] == "cart.unavailable"


def test_a_cart_holds_a_bounded_number_of_lines(app, client, add, catalog):
    for _ in range(100):
        assert add(catalog.add()).status_code == 201
    refused = add(catalog.add())
    assert refused.status_code == 409 and refused.json["code"] == "cart.full"


def test_one_cart_holds_one_currency(add, catalog):
    add(catalog.add(Money(100, "ETB")))
    refused = add(catalog.add(Money(100, "USD")))
    assert refused.status_code == 409 and refused.json["code"] == "cart.currency_mixed"


def test_prices_are_live_and_a_changed_one_is_told(client, buyer, add, catalog):
    variant = catalog.add(Money(1000, "ETB"))
    add(variant, 2)
    catalog.variants[variant.id] = replace(variant, price=Money(1500, "ETB"))
    cart = client.get(CART, headers=buyer).json
    (line,) = cart["items"]
    assert (line["unit_price"], line["line_total"], cart["total"]) == ("15.00", "30.00", "30.00")
    (issue,) = line["issues"]
    assert (issue["code"], issue["previous_price"]) == ("price_changed", "10.00")


def test_a_stock_that_shrank_is_told(client, buyer, add, catalog):
    variant = catalog.add(available=5)
    add(variant, 5)
    catalog.variants[variant.id] = replace(variant, available=2)
    (line,) = client.get(CART, headers=buyer).json["items"]
    assert [(i["code"], i["available"]) for i in line["issues"]] == [("insufficient_stock", 2)]


@pytest.mark.parametrize("erased", [True, False])
def test_a_retired_product_neither_blocks_the_rest_nor_counts(client, buyer, add, catalog, erased):
    gone, kept = catalog.add(Money(700, "ETB")), catalog.add(Money(300, "ETB"))
    add(gone)
    add(kept)
    catalog.variants[gone.id] = replace(gone, is_active=False)
    if erased:
        del catalog.variants[gone.id]
    cart = client.get(CART, headers=buyer).json
    assert [[i["code"] for i in line["issues"]] for line in cart["items"]] == [["unavailable"], []]
    assert cart["total"] == "3.00"
    line_id = cart["items"][0]["id"]
    assert client.patch(f"{ITEMS}{line_id}/", json={"quantity": 2}, headers=buyer).status_code == 409
    assert client.delete(f"{ITEMS}{line_id}/", headers=buyer).status_code == 204


def test_a_cart_past_the_largest_documented_amount_is_refused(client, buyer, add, catalog):
    refused = add(catalog.add(Money(10**14 - 1, "ETB"), available=999), 2)
    assert (refused.status_code, refused.json["code"]) == (409, "cart.total_out_of_range")
    assert refused.json["errors"][0]["path"] == "quantity" and "999999999999.99" in refused.json["detail"]
    line = add(catalog.add(Money(5 * 10**13, "ETB"), available=999)).json
    assert add(catalog.add(Money(5 * 10**13, "ETB"))).json["code"] == "cart.total_out_of_range"
    answer = client.patch(f"{ITEMS}{line['id']}/", json={"quantity": 2}, headers=buyer)
    assert (answer.status_code, answer.json["code"]) == (409, "cart.total_out_of_range")
    assert add(catalog.add(Money(5 * 10**13 - 1, "ETB"))).status_code == 201
    assert client.get(CART, headers=buyer).json["total"] == "999999999999.99"


def test_amounts_that_grew_past_the_documented_ones_are_cut_and_told(client, buyer, add, catalog):
    variants = [catalog.add(Money(100, "ETB"), available=999) for _ in range(2)]
    for variant in variants:
        add(variant, 999)
        catalog.variants[variant.id] = replace(variant, price=Money(10**15, "ETB"))
    cart = client.get(CART, headers=buyer).json
    shown = [cart["total"], *(line[name] for line in cart["items"] for name in ("unit_price", "line_total"))]
    assert set(shown) == {"999999999999.99"}
    assert all("total_out_of_range" in [i["code"] for i in line["issues"]] for line in cart["items"])


def test_a_strangers_line_is_not_found(app, client, buyer, add, catalog):
    item_id = add(catalog.add()).json["id"]
    stranger = auth_headers(app)
    for url in (f"{ITEMS}{item_id}/", f"{ITEMS}{new_id()}/", f"{ITEMS}7/"):
        assert client.patch(url, json={"quantity": 2}, headers=stranger).status_code == 404
        assert client.put(url, json={"quantity": 2}, headers=stranger).status_code == 404
        assert client.delete(url, headers=stranger).status_code == 404
    assert client.get(CART, headers=buyer).json["items"][0]["quantity"] == 1


def test_lines_are_removed_and_the_cart_is_cleared(client, buyer, add, catalog):
    ids = [add(catalog.add()).json["id"] for _ in range(3)]
    assert client.delete(f"{ITEMS}{ids[0]}/", headers=buyer).status_code == 204
    assert client.delete(f"{ITEMS}{ids[0]}/", headers=buyer).status_code == 404
    listed = client.get(ITEMS, headers=buyer).json
    assert listed["count"] == 2 and [line["id"] for line in listed["results"]] == ids[1:]
    assert client.delete("/api/cart/cart/clear/", headers=buyer).status_code == 204
    assert client.delete("/api/cart/clear/", headers=buyer).status_code == 204
    assert client.get(CART, headers=buyer).json["items"] == []


def test_the_short_addresses_are_the_same_routes(client, buyer, catalog):
    variant = catalog.add()
    added = client.post("/api/cart/items/", json={"variant_id": str(variant.id)}, headers=buyer)
    assert added.status_code == 201
    url = f"/api/cart/items/{added.json['id']}/"
    assert client.patch(url, json={"quantity": 2}, headers=buyer).json["quantity"] == 2
    assert client.put(url, json={"quantity": 3}, headers=buyer).json["quantity"] == 3
    assert client.get("/api/cart/items/", headers=buyer).json["count"] == 1
    assert client.delete(url, headers=buyer).status_code == 204


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_other_verbs_on_the_cart_are_405(client, buyer, verb):
    answer = getattr(client, verb)(CART, json={}, headers=buyer)
    assert answer.status_code == 405 and answer.content_type == "application/problem+json"


def test_the_number_of_statements_does_not_depend_on_the_number_of_lines(app, client, buyer, add, catalog):
    counts = []
    for _ in range(2):
        variant = catalog.add(available=50)
        with count_queries(app) as adding:
            item_id = add(variant).json["id"]
        with count_queries(app) as reading:
            client.get(CART, headers=buyer)
        with count_queries(app) as changing:
            client.patch(f"{ITEMS}{item_id}/", json={"quantity": 2}, headers=buyer)
        counts.append((len(adding), len(reading), len(changing)))
        for _ in range(30):
            add(catalog.add())
    assert counts == [(1, 1, 3), (1, 1, 3)], "with the catalog in memory: one, one, and one in a transaction"


def test_adds_at_the_same_time_sum_exactly(app, client, buyer, catalog):
    variant = catalog.add(available=100)

    def add_two() -> int:
        body = {"variant_id": str(variant.id), "quantity": 2}
        return app.test_client().post(ITEMS, json=body, headers=buyer).status_code

    assert in_threads([add_two] * 16) == [201] * 16
    (line,) = client.get(CART, headers=buyer).json["items"]
    assert line["quantity"] == 32


def test_adds_at_the_same_time_stop_at_the_stock(app, client, buyer, catalog):
    variant = catalog.add(available=5)

    def add_one() -> int:
        body = {"variant_id": str(variant.id)}
        return app.test_client().post(ITEMS, json=body, headers=buyer).status_code

    assert sorted(in_threads([add_one] * 12)) == [201] * 5 + [409] * 7
    assert client.get(CART, headers=buyer).json["items"][0]["quantity"] == 5


def test_a_cart_that_is_not_there_cannot_be_locked(app):
    with app.app_context(), transaction():
        assert services.get(CartService).lock(new_id()) is None
