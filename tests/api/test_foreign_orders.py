"""A stranger's cart, order, payment and whatever hangs on them is 404; inside a body it is refused by name.

Every route of carts, orders and payments with an id in its path is here, or is for all or for staff alone.
"""

from typing import Any
from urllib.parse import urlencode

import pytest

from nexus_kernel import new_id

from ..conftest import SHIPPED
from .routes import MAY, PUBLIC, STAFF
from .world import TILL, Snapshot, World

ORDER, PAYMENT = "/api/orders/<uuid:order_id>/", "/api/payments/<uuid:payment_id>/"
LINES = ("/api/cart/cart/items/<uuid:item_id>/", "/api/cart/items/<uuid:item_id>/")
PREFIXES = ("/api/cart/", "/api/orders/", "/api/payments/")
OF_ALL = {line.strip() for line in (PUBLIC + STAFF).splitlines()}
TOKEN = "X-Cart-Token"
REASON = {"reason": "Broken."}
PLACE = {"payment_method": "till"}
KINDS = {"cancellation": "cancellations", "refund request": "refund-requests"}
REQUESTS = tuple(KINDS)
PARCEL = {"carrier": "Post", "tracking_code": ""}
CASES: dict[str, tuple[str, Any]] = {
    **{f"{method} {line}": ("line", {"quantity": 1}) for line in LINES for method in ("PATCH", "PUT")},
    **{f"DELETE {line}": ("line", None) for line in LINES},
    f"GET {ORDER}": ("order", None),
    f"POST {ORDER}cancel/": ("order", REASON),
    f"DELETE {ORDER}cancel/": ("order to cancel", None),
    f"GET {ORDER}history/": ("order", None),
    f"GET {ORDER}invoice/": ("paid order", None),
    f"GET {ORDER}notes/": ("shipped order", None),
    f"GET {ORDER}refund-requests/": ("order to refund", None),
    f"POST {ORDER}refund-requests/": ("paid order", REASON),
    f"GET {ORDER}refunds/": ("shipped order", None),
    f"GET {ORDER}shipments/": ("shipped order", None),
    f"GET {PAYMENT}": ("payment", None),
    f"GET {PAYMENT}refunds/": ("payment", None),
}
"""What of the member's is asked for, and with which body."""
PARTS = {
    f"PATCH {ORDER}shipments/<uuid:shipment_id>/": {"carrier": "Courier"},
    f"POST {ORDER}shipments/<uuid:shipment_id>/deliver/": None,
    f"DELETE {ORDER}notes/<uuid:note_id>/": None,
}


@pytest.fixture(scope="session")
def nexus_plugins():
    return (*SHIPPED, TILL)


def ask(world: World, name: str, who: str, body: Any, **ids: str) -> Any:
    """Send this to the route, with these ids in its path."""
    method, _, path = name.partition(" ")
    for place, id in ids.items():
        path = path.replace(f"<uuid:{place}>", world.ids[id])
    return world.client.open(path, method=method, headers=world.headers[who], json=body)


def is_not_there(world: World, answer: Any) -> None:
    """404, and not a word about whose it is."""
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), answer.text
    assert world.ids["member"] not in answer.text and "NX" not in answer.text and "Bole" not in answer.text


def test_every_route_with_an_id_is_asked_for_a_strangers():
    ours = {name for name in MAY if "<" in name and name.partition(" ")[2].startswith(PREFIXES)}
    assert set(CASES) == ours - OF_ALL
    assert set(PARTS) == {name for name in ours if name.count("<uuid:") == 2}


@pytest.mark.parametrize("name", CASES)
def test_the_owner_reaches_it_and_a_stranger_does_not(
    world: World, kept_world: tuple[World, Snapshot], name: str
):
    (own, body), (_, snapshot) = CASES[name], kept_world
    places = dict.fromkeys(("item_id", "order_id", "payment_id"), own)
    guests = ("guest", "anonymous") if "/cart/" in name else ()
    for stranger in ("other", "seller", "key of other", *guests):
        if stranger.startswith("key") and "/payments/" in name:
            continue
        is_not_there(world, ask(world, name, stranger, body, **places))
    assert snapshot.changed() <= {"accounts_api_key"}, "a key remembers when it was used"
    answer = ask(world, name, "member", body, **places)
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize("name", [name for name in CASES if "/cart/" in name])
def test_a_guests_line_is_for_whoever_holds_its_token(world: World, name: str):
    body = CASES[name][1]
    for stranger in ("other guest", "anonymous", "member", "staff", "admin"):
        is_not_there(world, ask(world, name, stranger, body, item_id="line of guest"))
    world.headers["member with a token"] = {**world.headers["member"], **world.headers["guest"]}
    is_not_there(world, ask(world, name, "member with a token", body, item_id="line of guest"))
    assert ask(world, name, "guest", body, item_id="line of guest").status_code < 300


@pytest.mark.parametrize("token", ["", " ", "x", "0", "null", "a" * 200, "../..", "\u00e9"])
def test_a_token_that_is_none_opens_no_cart(world: World, token: str):
    world.headers["forger"] = {TOKEN: token}
    for path in ("/api/cart/cart/", "/api/cart/cart/items/"):
        answer = world.client.get(path, headers=world.headers["forger"])
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.content_type == "application/problem+json" and "Mug" not in answer.text
    refused = world.client.post(
        "/api/cart/cart/merge/", json={"token": token}, headers=world.headers["other"]
    )
    assert 400 <= refused.status_code < 500, refused.text


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_not_reached_through_another_order(
    world: World, kept_world: tuple[World, Snapshot], name: str
):
    """Not even by staff, who may reach both."""
    others = {"shipment_id": "other's shipment", "note_id": "other's note"}
    is_not_there(world, ask(world, name, "staff", PARTS[name], order_id="shipped order", **others))
    assert kept_world[1].changed() == set()
    own = ask(world, name, "staff", PARTS[name], order_id="other's shipped order", **others)
    assert own.status_code < 300, own.text


@pytest.mark.parametrize("verdict", ["approve", "decline"])
@pytest.mark.parametrize(
    "kind, mine", [("cancellations", "cancellation"), ("refund-requests", "refund request")]
)
def test_a_request_of_one_kind_is_none_of_the_other(world: World, kind: str, mine: str, verdict: str):
    other = {"cancellation": "refund request", "refund request": "cancellation"}[mine]
    body, path = {"note": "As agreed."}, f"/api/orders/{kind}/"
    world.send("POST", f"{path}{world.ids[other]}/{verdict}/", "staff", body, 404)
    world.send("POST", f"{path}{world.ids[mine]}/{verdict}/", "staff", body)


@pytest.mark.parametrize("path", ["/api/orders/", "/api/orders/quote/"])
def test_a_strangers_address_inside_a_body_is_refused_by_name(
    world: World, kept_world: tuple[World, Snapshot], path: str
):
    body = {**PLACE, "shipping_address_id": world.ids["other's address"]}
    for who in ("member", "staff", "admin"):
        refused = world.send("POST", path, who, body, 422)
        assert [error["path"] for error in refused["errors"]] == ["shipping_address_id"]
    assert kept_world[1].changed() == set()


@pytest.mark.parametrize(
    "part, who, body",
    [
        ("shipments/", "staff", PARCEL),
        ("refunds/", "staff", REASON),
        ("refund-requests/", "member", REASON),
    ],
)
def test_a_strangers_item_inside_a_body_is_refused_by_name(
    world: World, kept_world: tuple[World, Snapshot], part: str, who: str, body: dict[str, Any]
):
    path = f"/api/orders/{world.ids['shipped order']}/{part}"
    own, foreign = ({"item_id": world.ids[name], "quantity": 1} for name in ("item", "other's item"))
    for lines, at in (([foreign], 0), ([own, foreign], 1), ([own, {**own, "item_id": world.ids["mug"]}], 1)):
        refused = world.send("POST", path, who, {**body, "lines": lines}, 422)
        assert [error["path"] for error in refused["errors"]] == [f"lines[{at}].item_id"], refused
    assert kept_world[1].changed() == set()
    world.send("POST", path, who, {**body, "lines": [own]}, 201)


def test_a_strangers_order_is_paid_by_nobody_else(world: World):
    pay = {"order_id": world.ids["order"], "provider": "till"}
    for stranger in ("other", "seller", "staff"):
        refused = world.client.post("/api/payments/initiate/", json=pay, headers=world.headers[stranger])
        assert refused.status_code in (404, 422) and "NX" not in refused.text, refused.text
    assert world.post("/api/payments/initiate/", pay, "member")["payment_url"]


def test_filters_do_not_widen_what_one_sees(world: World):
    """A stranger's number and words find nothing, and who the buyer is may be asked by staff alone."""
    order = world.get(f"/api/orders/{world.ids['order']}/", "member")
    number, buyer = order["number"], {"user_id": order["user_id"], "email": "member@example.com"}
    for query in ({"number": number}, {"q": number}):
        assert world.send("GET", f"/api/orders/?{urlencode(query)}", "other")["results"] == []
        (found,) = world.get(f"/api/orders/?{urlencode(query)}", "staff")["results"]
        assert found["id"] == order["id"]
    for name, value in buyer.items():
        for who in ("other", "member", "seller"):
            told = [
                world.send("GET", f"/api/orders/?{urlencode({name: asked})}", who, status=403)["detail"]
                for asked in (value, {"user_id": str(new_id()), "email": "nobody@example.com"}[name])
            ]
            assert told[0] == told[1], "it does not tell who is there"
        assert world.get(f"/api/orders/?{urlencode({name: value})}", "staff")["count"] > 1
    mine = {row["user_id"] for row in world.get("/api/orders/", "other")["results"]}
    assert mine == {world.ids["other"]}
    paid = f"/api/payments/?order_id={world.ids['shipped order']}"
    assert world.get(paid, "other")["results"] == []
    assert len(world.get(paid, "member")["results"]) == 1


def test_a_buyer_reads_nothing_that_is_for_staff(world: World):
    """Notes among colleagues, and how the gateway names a refund."""
    path = f"/api/orders/{world.ids['shipped order']}/notes/"
    assert [note["text"] for note in world.get(path, "member")["results"]] == ["It is on its way."]
    assert len(world.get(path, "staff")["results"]) == 2
    (refund,) = world.get(f"/api/payments/{world.ids['payment']}/refunds/", "member")["results"]
    assert not refund.keys() & {"failure", "actor_id", "reference", "caller_reference"}
