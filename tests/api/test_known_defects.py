"""Defects that shops of this kind had, where accounts and catalog meet the kernel; plugins test the rest."""

from collections.abc import Sequence

import pytest

from nexus_kernel.testing.engines import Engines
from nexus_kernel.testing.fixtures import lent_database, make_app
from nexus_kernel.testing.helpers import RecordingDispatcher

from .conftest import CONFIG
from .world import World

PLUGINS = ("accounts", "catalog")
PRODUCTS, VARIANTS = "/api/catalog/products/", "/api/catalog/variants/"
READS = (
    *("products/", "products/?q=lantern", "products/lantern/", "products/lantern/reviews/", "facets/"),
    *("categories/", "categories/?include_children=1", "suggestions/?q=lan", "products/lantern/images/"),
)


@pytest.fixture(scope="session")
def nexus_plugins():
    return PLUGINS


def test_without_redis_every_write_and_read_of_a_shop_succeeds(
    nexus_engines: Engines, nexus_plugins: Sequence[object]
):
    """Nothing is committed and then answered with a 500: the world is made of some fifty writes."""
    kernel = {**CONFIG["kernel"], "redis_url": "redis://127.0.0.1:1/0"}
    with lent_database(nexus_engines, nexus_plugins) as url:
        app = make_app(nexus_engines, url, nexus_plugins, {"kernel": kernel})
        app.extensions["nexus"].dispatcher = RecordingDispatcher()
        world = World(app)
        for _ in range(2):
            for path in READS:
                world.get(f"/api/catalog/{path}", "anonymous")
        world.send("PATCH", f"{PRODUCTS}lantern/", "seller", {"price": "1.00"})
        assert world.get(f"{PRODUCTS}lantern/", "anonymous")["price"] == "1.00"
        app.extensions["nexus"].db.close()


def test_a_cookie_signs_nobody_in(world: World):
    """Another site's page cannot act for a visitor: browsers send cookies by themselves, and nothing else."""
    access = world.tokens["admin"]["access"]
    for name in ("access_token_cookie", "access_token", "session", "Authorization"):
        browser = world.app.test_client()
        browser.set_cookie(name, access)
        assert browser.get("/api/auth/users/me/").status_code == 401
        assert browser.post(PRODUCTS, json={"title": "x", "price": "1.00"}).status_code == 401
    signed_in = world.client.post(
        "/api/auth/jwt/create/", json={"email": "other@example.com", "password": "correct-horse-9"}
    )
    assert signed_in.status_code == 200 and "Set-Cookie" not in signed_in.headers


def test_a_token_counts_in_its_header_alone(world: World):
    access = world.tokens["admin"]["access"]
    for query in ("jwt", "access_token", "token", "authorization"):
        assert world.client.get(f"/api/auth/users/me/?{query}={access}").status_code == 401


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL"])
def test_no_answer_believes_a_header_about_where_it_is(world: World, header: str):
    evil = {**world.headers["seller"], header: "evil.example"}
    for path in READS:
        answer = world.client.get(f"/api/catalog/{path}", headers=evil)
        assert "evil.example" not in answer.text and "localhost" not in answer.text, path
    made = world.client.post(PRODUCTS, json={"title": "Shade", "price": "1.00"}, headers=evil)
    assert made.headers["Location"] == f"{PRODUCTS}{made.json['id']}/"


def test_a_verb_in_a_header_or_a_parameter_is_none(world: World):
    """A page may send GET and POST across origins: they must not stand for DELETE."""
    headers = {**world.headers["seller"], "X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    world.client.get(f"{PRODUCTS}lantern/?_method=DELETE", headers=headers)
    assert world.client.post(f"{PRODUCTS}lantern/?_method=DELETE", headers=headers).status_code == 405
    assert world.client.get(f"{PRODUCTS}lantern/").status_code == 200


def test_sums_of_the_largest_amounts_and_pieces_are_answered(world: World):
    dearest = {"title": "Dearest", "price": "999999999999.99", "stock_quantity": 1_000_000_000}
    for number in range(3):
        made = world.post(PRODUCTS, {**dearest, "title": f"Dearest {number}"}, "staff")
    assert made["price"] == "999999999999.99"
    world.get("/api/catalog/facets/", "anonymous")
    assert world.get(f"{PRODUCTS}?min_price=999999999999.99", "anonymous")["count"] == 3
    stock = f"{VARIANTS}{made['variants'][0]['id']}/stock/"
    for _ in range(3):
        more = {"delta": 1_000_000_000, "reason": "found"}
        answer = world.client.post(f"{stock}adjustments/", json=more, headers=world.headers["staff"])
        assert answer.status_code in (201, 409, 422), answer.text
    moved = world.get(f"{stock}movements/", "staff")["results"]
    assert sum(row["delta_on_hand"] for row in moved) == world.get(stock, "staff")["on_hand"]


def test_bodies_with_more_than_there_can_be_are_refused_before_they_cost(world: World):
    ids, lantern = [world.ids["image"]] * 101, f"{PRODUCTS}lantern/"
    many = {"options": [{"name": f"Option {n}", "values": ["a"]} for n in range(6)]}
    wide = {"options": [{"name": "Colour", "values": [f"{n}" for n in range(101)]}]}
    values = {"price": "1.00", "option_values": {f"Option {n}": "a" for n in range(6)}}
    for method, path, body, named in (
        ("PUT", f"{lantern}images/order/", {"ids": ids}, "ids"),
        ("PUT", f"{lantern}options/", many, "options"),
        ("PUT", f"{lantern}options/", wide, "options[0].values"),
        ("POST", f"{lantern}variants/", values, "option_values"),
        ("POST", "/api/accounts/api_keys/", {"name": "x", "scopes": ["a"] * 101}, "scopes"),
    ):
        assert world.send(method, path, "seller", body, 422)["errors"][0]["path"] == named


def test_a_password_may_hold_any_character_and_all_of_them_count(world: World):
    """Argon2 reads past a NUL, where other hashes stop; and none of these passes for another one."""
    spoken = "Ab\x00cdefgh-9"
    person = {"email": "nul@example.com", "password": spoken, "re_password": spoken}
    world.post("/api/auth/users/", person, "anonymous")
    for password, status in ((spoken, 200), ("Ab", 401), ("Ab\x00", 401), ("Ab\x00cdefgh-8", 401)):
        login = {"email": person["email"], "password": password}
        world.post("/api/auth/jwt/create/", login, "anonymous", status)
