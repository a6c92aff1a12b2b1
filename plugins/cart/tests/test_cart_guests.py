"""A guest's cart: found by a token that nobody can guess, and nowhere written down."""

import logging
from uuid import UUID

import pytest
from nexus_cart.models import Cart, CartItem
from nexus_cart.services.holders import guest_of, new_guest
from sqlalchemy import func, select, text

from nexus_kernel import Money, new_id
from nexus_kernel.testing import auth_headers, count_queries, in_threads

CART, ITEMS, TOKEN = "/api/cart/cart/", "/api/cart/cart/items/", "X-Cart-Token"


def rows(app, model=Cart) -> int:
    with app.extensions["nexus"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def change(client, verb, url, headers):
    return getattr(client, verb)(
        url, json={"quantity": 2} if verb in ("patch", "put") else None, headers=headers
    )


def test_a_look_without_a_token_is_an_empty_cart_and_writes_nothing(app, client, catalog):
    with count_queries(app) as queries:
        cart = client.get(CART)
        items = client.get(ITEMS)
    assert len(queries) == 0, str(queries)
    assert cart.status_code == 200
    assert cart.json == {"id": None, "items": [], "total": "0.00", "currency": "ETB"}
    assert items.json["count"] == 0 and TOKEN not in cart.headers and rows(app) == 0


def test_the_first_line_opens_a_cart_and_tells_its_token_once(app, client, put, catalog):
    variant = catalog.add(Money(100, "ETB"))
    with count_queries(app) as queries:
        first = put({}, variant, 2)
    assert len(queries) == 1, "with the catalog in memory: " + str(queries)
    token = first.headers[TOKEN]
    assert first.status_code == 201 and len(token) == 43
    second = put({TOKEN: token}, variant, 3)
    assert second.status_code == 201 and TOKEN not in second.headers
    cart = client.get(CART, headers={TOKEN: token})
    assert TOKEN not in cart.headers and UUID(cart.json["id"])
    assert cart.json["items"] == [second.json] and cart.json["total"] == "5.00"
    assert rows(app) == 1


def test_two_guests_have_two_carts(client, guest, catalog):
    variant = catalog.add()
    one, other = guest((variant, 1)), guest((variant, 2))
    assert one != other
    assert client.get(CART, headers=one).json["id"] != client.get(CART, headers=other).json["id"]


def test_the_token_is_neither_stored_nor_logged(app, client, guest, catalog, caplog):
    caplog.set_level(logging.DEBUG)
    headers = guest((catalog.add(), 1))
    client.get(CART, headers=headers)
    client.get(CART, headers={TOKEN: new_guest().token})
    with app.extensions["nexus"].db.reading() as session:
        for table in ("cart_cart", "cart_item", "nexus_outbox"):
            stored = session.execute(text(f"SELECT * FROM {table}")).all()
            assert headers[TOKEN] not in str(stored)
    assert headers[TOKEN] not in caplog.text
    assert headers[TOKEN] not in repr(guest_of(headers[TOKEN]))
    fresh = new_guest()
    assert fresh.token not in repr(fresh)


def test_a_guest_is_nobody_with_a_persons_id():
    ids = [new_guest().id for _ in range(200)]
    assert {(id.version, id.variant) for id in ids} == {(8, "specified in RFC 4122")} and len(set(ids)) == 200


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "a",
        "A" * 42,
        "A" * 43,
        "A" * 44,
        "A" * 5000,
        "é" * 43,
        "A" * 42 + "+",
        "٣" * 43,
        "null",
        "' OR 1=1 --",
    ],
)
def test_a_token_of_no_cart_is_one_clear_problem_everywhere(app, client, put, guest, catalog, token):
    variant = catalog.add()
    theirs = guest((variant, 1))
    line = client.get(CART, headers=theirs).json["items"][0]["id"]
    headers = {TOKEN: token.encode().decode("latin-1")}
    answers = [client.get(CART, headers=headers), client.get(ITEMS, headers=headers), put(headers, variant)]
    answers += [change(client, verb, f"{ITEMS}{line}/", headers) for verb in ("patch", "put", "delete")]
    answers.append(client.delete("/api/cart/cart/clear/", headers=headers))
    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (404, "cart.token_unknown")
        assert answer.content_type == "application/problem+json" and TOKEN not in answer.headers
    assert rows(app) == 1 and client.get(CART, headers=theirs).json["items"][0]["quantity"] == 1


def test_a_persons_id_is_no_token(app, client, put, catalog):
    person = new_id()
    put(auth_headers(app, person_id=person), catalog.add())
    for text_ in (str(person), person.hex):
        assert client.get(CART, headers={TOKEN: text_}).json["code"] == "cart.token_unknown"


def test_a_guest_changes_removes_and_clears(client, put, guest, catalog):
    first, second = catalog.add(available=9), catalog.add()
    headers = guest((first, 1), (second, 1))
    lines = [line["id"] for line in client.get(ITEMS, headers=headers).json["results"]]
    url = f"{ITEMS}{lines[0]}/"
    assert client.patch(url, json={"quantity": 9}, headers=headers).json["quantity"] == 9
    assert client.put(url, json={"quantity": 4}, headers=headers).json["quantity"] == 4
    refused = client.patch(url, json={"quantity": 10}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "cart.insufficient_stock")
    assert put(headers, first, 6).json["code"] == "cart.insufficient_stock"
    assert client.delete(url, headers=headers).status_code == 204
    again = client.delete(url, headers=headers)
    assert (again.status_code, again.json["code"]) == (404, "cart.item_not_found")
    assert client.delete("/api/cart/clear/", headers=headers).status_code == 204
    cart = client.get(CART, headers=headers)
    assert cart.status_code == 200 and cart.json["items"] == []


def test_a_guests_token_does_not_reach_anothers_line(app, client, buyer, put, guest, catalog):
    variant = catalog.add()
    mine, theirs = guest((variant, 1)), guest((variant, 1))
    put(buyer, variant)
    for owner in (theirs, buyer):
        line = client.get(CART, headers=owner).json["items"][0]["id"]
        for headers in (mine, {}, auth_headers(app)):
            for verb in ("patch", "put", "delete"):
                answer = change(client, verb, f"{ITEMS}{line}/", headers)
                assert (answer.status_code, answer.json["code"]) == (404, "cart.item_not_found")
        assert client.get(CART, headers=owner).json["items"][0]["quantity"] == 1


def test_whoever_is_signed_in_has_their_own_cart_whatever_token_comes_along(
    client, buyer, put, guest, catalog
):
    variant = catalog.add()
    headers = guest((variant, 3))
    both = {**buyer, **headers}
    assert client.get(CART, headers=both).json["items"] == []
    assert TOKEN not in put(both, variant, 1).headers
    assert client.get(CART, headers=headers).json["items"][0]["quantity"] == 3
    assert client.get(CART, headers={**buyer, TOKEN: "rubbish"}).status_code == 200


def test_a_bad_token_of_a_person_is_not_a_guest(client, guest, put, catalog):
    variant = catalog.add()
    headers = {**guest((variant, 1)), "Authorization": "Bearer expired"}
    assert client.get(CART, headers=headers).status_code == 401
    assert put(headers, variant).status_code == 401
    assert put({"Authorization": "Bearer expired"}, variant).status_code == 401


def test_a_refused_first_line_opens_nothing(app, put, client, catalog):
    variant = catalog.add(available=3)
    answers = [put({}, variant, 4), put({}, catalog.add(is_active=False)), put({}, variant, 0)]
    answers.append(put({}, catalog.add(Money(10**14 - 1, "ETB"), available=999), 2))
    answers.append(client.post(ITEMS, json={"variant_id": str(new_id())}))
    assert [answer.status_code for answer in answers] == [409, 409, 422, 409, 422]
    codes = ["insufficient_stock", "unavailable", None, "total_out_of_range", "product_unknown"]
    assert [a.json["code"] for a, code in zip(answers, codes, strict=True) if code] == [
        f"cart.{code}" for code in codes if code
    ]
    assert not any(TOKEN in answer.headers for answer in answers) and rows(app) == 0


@pytest.mark.parametrize("nexus_config", [{"cart": {"guest_rate": "3/hour"}}])
def test_nobody_fills_the_table(app, put, catalog):
    variant = catalog.add(available=99)
    opened = [put({}, variant) for _ in range(5)]
    assert [answer.status_code for answer in opened] == [201] * 3 + [429] * 2
    assert int(opened[-1].headers["Retry-After"]) > 0 and rows(app) == 3
    assert put({TOKEN: opened[0].headers[TOKEN]}, variant).status_code == 201


@pytest.mark.parametrize("method", ["get", "post", "clear"])
def test_answers_to_guests_are_not_stored(client, put, guest, catalog, method):
    variant = catalog.add()
    for headers in ({}, guest((variant, 1)), {TOKEN: "rubbish"}):
        if method == "get":
            answer = client.get(CART, headers=headers)
        elif method == "post":
            answer = put(headers, variant)
        else:
            answer = client.delete("/api/cart/cart/clear/", headers=headers)
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_header_is_documented(app):
    with app.app_context():
        paths = app.extensions["nexus"].api.document()["paths"]
    for path, verbs in (
        ("/api/cart/cart/", ["get"]),
        ("/api/cart/cart/items/", ["get", "post"]),
        ("/api/cart/cart/items/{item_id}/", ["patch", "put", "delete"]),
        ("/api/cart/cart/clear/", ["delete"]),
    ):
        for verb in verbs:
            operation = paths[path][verb]
            headers = [p["name"] for p in operation["parameters"] if p["in"] == "header"]
            assert headers == [TOKEN], (path, verb)
            assert operation["security"][:2] == [{}, {"bearer": []}]
    assert TOKEN in paths["/api/cart/cart/items/"]["post"]["responses"]["201"]["headers"]
    assert paths["/api/cart/cart/merge/"]["post"]["security"] == [{"bearer": []}]


def test_a_guests_statements_do_not_depend_on_the_number_of_lines(app, client, put, guest, catalog):
    headers, counts = guest((catalog.add(), 1)), []
    for _ in range(2):
        variant = catalog.add(available=50)
        with count_queries(app) as adding:
            item_id = put(headers, variant).json["id"]
        with count_queries(app) as reading:
            client.get(CART, headers=headers)
        with count_queries(app) as changing:
            client.patch(f"{ITEMS}{item_id}/", json={"quantity": 2}, headers=headers)
        counts.append((len(adding), len(reading), len(changing)))
        for _ in range(50):
            put(headers, catalog.add())
    assert counts == [(1, 1, 3), (1, 1, 3)], "with the catalog in memory: one, one, and one in a transaction"


def test_two_devices_with_one_token_stop_at_the_stock(app, client, put, guest, catalog):
    variant = catalog.add(available=5)
    headers = guest((catalog.add(), 1))
    answers = in_threads([lambda: put(headers, variant, 3).status_code] * 2)
    assert sorted(answers) == [201, 409]
    assert [line["quantity"] for line in client.get(CART, headers=headers).json["items"]] == [1, 3]


def test_guests_who_come_at_once_get_a_cart_each(app, put, catalog):
    variant = catalog.add(available=99)
    answers = in_threads([lambda: put({}, variant)] * 8)
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.headers[TOKEN] for answer in answers}) == 8 == rows(app) == rows(app, CartItem)
