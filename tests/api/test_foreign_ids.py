"""What belongs to somebody else is 404, never 403, wherever its id stands; and whoever owns it reaches it.

Every route of accounts and catalog with an id in its path is here, or is said to be open to all who may call
it: a new one cannot be forgotten. Carts, orders and payments have a module of their own.
"""

from io import BytesIO
from typing import Any

import pytest

from ..conftest import SHIPPED
from .routes import MAY, PUBLIC, STAFF, STAFF_IN_PERSON
from .test_foreign_orders import PREFIXES
from .world import World

PRODUCT, VARIANT = "/api/catalog/products/<product>/", "/api/catalog/variants/<uuid:variant_id>/"
KEYS, DEVICES = "/api/accounts/api_keys/<uuid:key_id>/", "/api/auth/users/me/sessions/<uuid:session_id>/"
ADDRESS = "/api/accounts/addresses/<uuid:address_id>/"
APPLICATION = "/api/accounts/seller_applications/<uuid:application_id>/"
OF_ALL = {line.strip() for line in (PUBLIC + STAFF + STAFF_IN_PERSON).splitlines()}
PRICE = {"price": "9.00"}
RED = {"Colour": "red"}
COLOURS = {"options": [{"name": "Colour", "values": ["red", "blue", "green"]}]}
BODIES: dict[str, Any] = {
    f"GET {APPLICATION}": None,
    f"GET {ADDRESS}": None,
    f"PATCH {ADDRESS}": {"city": "Adama"},
    f"PUT {ADDRESS}": {"address_line": "Bole Road 8", "city": "Adama", "country": "ET"},
    f"DELETE {ADDRESS}": None,
    f"DELETE {KEYS}": None,
    f"DELETE {DEVICES}": None,
    f"PATCH {PRODUCT}": PRICE,
    f"PUT {PRODUCT}": {"title": "Lantern", "price": "9.00"},
    f"DELETE {PRODUCT}": None,
    f"POST {PRODUCT}restore/": None,
    f"GET {PRODUCT}stock/": None,
    f"GET {PRODUCT}price_history/": None,
    "GET /api/catalog/products/managed/<product>/": None,
    f"PUT {PRODUCT}options/": COLOURS,
    f"POST {PRODUCT}images/": "a picture",
    f"PATCH {PRODUCT}images/<uuid:image_id>/": {"alt": "A lantern"},
    f"DELETE {PRODUCT}images/<uuid:image_id>/": None,
    f"PUT {PRODUCT}images/order/": "its pictures",
    f"POST {PRODUCT}variants/": {"price": "9.00", "option_values": {"Colour": "green"}},
    f"PATCH {PRODUCT}variants/<uuid:variant_id>/": PRICE,
    f"PUT {PRODUCT}variants/<uuid:variant_id>/": {"price": "9.00", "option_values": {"Colour": "blue"}},
    f"DELETE {PRODUCT}variants/<uuid:variant_id>/": None,
    f"POST {PRODUCT}variants/<uuid:variant_id>/restore/": None,
    f"POST {PRODUCT}variants/<uuid:variant_id>/make_default/": None,
    f"GET {VARIANT}stock/": None,
    f"PATCH {VARIANT}stock/": {"low_stock_threshold": 1},
    f"POST {VARIANT}stock/adjustments/": {"delta": 1, "reason": "found"},
    f"GET {VARIANT}stock/movements/": None,
    f"PATCH {PRODUCT}reviews/<uuid:review_id>/": {"rating": 1},
    f"PUT {PRODUCT}reviews/<uuid:review_id>/": {"rating": 1},
    f"DELETE {PRODUCT}reviews/<uuid:review_id>/": None,
}
NOT_OWNED = {f"POST {PRODUCT}reviews/"}
OWN = {
    "<uuid:address_id>": "address",
    "<uuid:application_id>": "application",
    "<uuid:key_id>": "key of member",
    "<uuid:session_id>": "session of member",
    "<uuid:image_id>": "image",
    "<uuid:variant_id>": "second variant",
    "<uuid:review_id>": "review",
    "<product>": "product",
}
"""Each of these belongs to the member, or to the seller."""
RETIRED = {"<uuid:variant_id>": "retired variant"}


@pytest.fixture(scope="session")
def nexus_plugins():
    return SHIPPED


def ask(world: World, name: str, who: str, **others: str) -> Any:
    """Ask for what is there, as one of those people; `others` replaces ids by name."""
    method, _, path = name.partition(" ")
    names = OWN | RETIRED if path.endswith("/restore/") else OWN
    if path == f"{PRODUCT}restore/":
        names = {"<product>": "retired product"}
    for place, own in names.items():
        path = path.replace(place, world.ids[others.get(place.strip("<>").removeprefix("uuid:"), own)])
    body, headers = BODIES[name], world.headers[who]
    if body == "a picture":
        form = {"image": (BytesIO(world.picture("purple")), "picture.jpg")}
        return world.client.post(path, data=form, headers=headers, content_type="multipart/form-data")
    if body == "its pictures":
        body = {"ids": [world.ids["second image"], world.ids["image"]]}
    return world.client.open(path, method=method, headers=headers, json=body)


def test_every_route_with_an_id_is_asked_for_a_strangers():
    elsewhere = {name for name in MAY if name.partition(" ")[2].startswith(PREFIXES)}
    assert set(BODIES) == {name for name in MAY if "<" in name} - elsewhere - OF_ALL - NOT_OWNED


@pytest.mark.parametrize("name", BODIES)
def test_the_owner_reaches_it_and_a_stranger_does_not(world: World, name: str):
    of_member = any(part in name for part in ("accounts", "auth", "reviews"))
    owner, strangers = ("member", ("other", "seller")) if of_member else ("seller", ("rival", "key of rival"))
    for stranger in strangers:
        answer = ask(world, name, stranger)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), answer.text
        assert world.ids["member"] not in answer.text and world.ids["seller"] not in answer.text
    answer = ask(world, name, owner)
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize("name", [name for name in BODIES if "<product>" in name and "<uuid:" in name])
def test_a_strangers_part_is_not_reached_through_ones_own_product(world: World, name: str):
    others = {"image_id": "rival's image", "variant_id": "rival's variant", "review_id": "review of a basket"}
    owner = "member" if "reviews" in name else "seller"
    assert ask(world, name, owner, **others).status_code == 404
    assert ask(world, name, "staff", **others).status_code == 404, "nor as staff: it is of another product"


@pytest.mark.parametrize("name", [f"DELETE {KEYS}", f"DELETE {DEVICES}"])
@pytest.mark.parametrize("who", ["staff", "admin"])
def test_not_even_staff_reach_a_persons_keys_and_devices_as_their_own(world: World, name: str, who: str):
    assert ask(world, name, who).status_code == 404


def test_a_strangers_ids_inside_bodies_change_nothing(world: World):
    """Pictures of another product, a seller who is somebody else, and links of another person."""
    images = "/api/catalog/products/lantern/images/order/"
    stolen = {"ids": [world.ids["image"], world.ids["second image"], world.ids["rival's image"]]}
    assert world.send("PUT", images, "seller", stolen, 409)["code"] == "catalog.images_changed"
    for body in ({"seller_id": world.ids["rival"]}, {"seller_id": None}, {"user_id": world.ids["rival"]}):
        refused = world.send("PATCH", "/api/catalog/products/lantern/", "seller", body, 422)
        assert refused["errors"][0]["path"] == next(iter(body))
    for use, known in world.special.items():
        if "token" in known:
            link = {"uid": world.ids["other"], "token": known["token"][0]}
            passwords = {"new_password": "another-horse-8", "re_new_password": "another-horse-8"}
            body = {**link, **(passwords if "reset" in use else {})}
            assert world.send("POST", use.partition(" ")[2], "other", body, 422)["errors"]


def test_filters_do_not_widen_what_one_sees(world: World):
    """A caller's filter is asked besides the rule of who sees what."""
    applications = f"/api/accounts/seller_applications/?user_id={world.ids['member']}"
    assert world.get(applications, "other")["results"] == []
    assert len(world.get(applications, "member")["results"]) == 1
    managed = f"/api/catalog/products/managed/?seller={world.ids['seller']}"
    assert world.get(managed, "rival")["results"] == []
    assert {p["slug"] for p in world.get(managed, "seller")["results"]} == {"lantern", "old-lamp"}
    variants = "/api/catalog/products/lantern/variants/?include_retired=1"
    assert [len(world.get(variants, who)["results"]) for who in ("anonymous", "rival", "seller")] == [2, 2, 3]
    own = "/api/catalog/products/lantern/reviews/"
    hidden = f"{own}{world.ids['hidden review']}/"
    assert world.send("GET", hidden, "member", status=404)["code"] == "catalog.review_not_found"
    assert world.get(hidden, "other")["state"] == world.get(hidden, "staff")["state"] == "hidden"
    assert [world.get(own, who)["own"] and who for who in ("member", "other", "rival")] == [
        "member",
        "other",
        None,
    ]


def test_a_link_is_good_for_its_purpose_alone(world: World):
    tokens = {use: known for use, known in world.special.items() if "token" in known}
    passwords = {"new_password": "another-horse-8", "re_new_password": "another-horse-8"}
    for use in tokens:
        for other in tokens.keys() - {use}:
            link = {name: values[0] for name, values in tokens[other].items()}
            body = {**link, **(passwords if "reset" in use else {})}
            assert world.send("POST", use.partition(" ")[2], "anonymous", body, 422)["errors"], (use, other)
