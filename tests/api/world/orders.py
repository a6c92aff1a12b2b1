"""What people are about to buy in the world, and what they have bought."""

from typing import TYPE_CHECKING, Any

from nexus_kernel.testing import drain

if TYPE_CHECKING:
    from .world import World

CART, ITEMS, ORDERS = "/api/cart/cart/", "/api/cart/cart/items/", "/api/orders/"
PAYMENTS, TOKEN = "/api/payments/", "X-Cart-Token"
PLUGINS = {"cart", "orders", "payments", "till"}
REASON = {"reason": "Changed my mind."}


def add_orders(world: "World") -> None:
    """Orders of the member's in every state, one of somebody else's, and carts of theirs and of guests."""
    mug = {"title": "Mug", "price": "80.00", "stock_quantity": 100, "sku": "M-1"}
    world.ids["mug"] = world.post("/api/catalog/products/", mug, "staff")["id"]
    world.ids["order"] = _order(world, "member")["id"]
    _paid(world)
    for owner, prefix in (("member", ""), ("other", "other's ")):
        _shipped(world, owner, prefix)
        _asked(world, owner, prefix)
    _carts(world)
    _say_what_is_known(world)


def _order(world: "World", who: str) -> Any:
    """An order of three mugs to the buyer's own address."""
    world.post(ITEMS, {"product_id": world.ids["mug"], "quantity": 3}, who)
    address = world.ids["address" if who == "member" else "other's address"]
    return world.post(ORDERS, {"shipping_address_id": address, "payment_method": "till"}, who)


def _paid_order(world: "World", who: str) -> Any:
    order = _order(world, who)
    body = {"order_id": order["id"], "provider": "till"}
    order["payment"] = world.post(f"{PAYMENTS}initiate/", body, who)["payment_id"]
    world.get(f"{PAYMENTS}return/{order['payment']}/", "anonymous")
    drain(world.app)
    assert world.get(f"{ORDERS}{order['id']}/", who)["payment_status"] == "paid"
    return order


def _paid(world: "World") -> None:
    order = _paid_order(world, "member")
    world.ids |= {"paid order": order["id"], "paid item": order["items"][0]["id"]}


def _shipped(world: "World", who: str, prefix: str) -> None:
    """An order of which one piece of three is under way and another one's price is to be given back."""
    order = _paid_order(world, who)
    path, item = f"{ORDERS}{order['id']}/", order["items"][0]["id"]
    world.send("PATCH", path, "staff", {"status": "processing"})
    parcel = {"carrier": "Post", "tracking_code": "P-1", "lines": [{"item_id": item, "quantity": 1}]}
    shipment = world.post(f"{path}shipments/", parcel, "staff")["id"]
    told = {"text": "It is on its way.", "visible_to_buyer": True}
    note = world.post(f"{path}notes/", told, "staff")["id"]
    world.post(f"{path}notes/", {"text": "A regular."}, "staff")
    world.post(f"{path}refunds/", {"reason": "Chipped.", "amount": "10.00"}, "staff")
    drain(world.app)
    payment = order["payment"]
    (refund,) = world.get(f"{PAYMENTS}{payment}/refunds/", "staff")["results"]
    assert refund["status"] == "needs_person"
    made = {"shipped order": order["id"], "item": item, "shipment": shipment, "note": note}
    made |= {"payment": payment, "refund": refund["id"]}
    world.ids |= {f"{prefix}{name}": value for name, value in made.items()}


def _asked(world: "World", who: str, prefix: str) -> None:
    """A paid order that its buyer wants to cancel, and one of which they want money back."""
    cancelled, refunded = _paid_order(world, who)["id"], _paid_order(world, who)["id"]
    asked = world.post(f"{ORDERS}{cancelled}/cancel/", REASON, who, 200)["cancellation"]
    wish = world.post(f"{ORDERS}{refunded}/refund-requests/", {**REASON, "amount": "5.00"}, who)
    made = {"order to cancel": cancelled, "cancellation": asked["id"]}
    made |= {"order to refund": refunded, "refund request": wish["id"]}
    world.ids |= {f"{prefix}{name}": value for name, value in made.items()}


def _carts(world: "World") -> None:
    """A line for each of two people, and for each of two guests, who have nothing but their tokens."""
    body = {"product_id": world.ids["mug"], "quantity": 2}
    for who, name in (("member", "line"), ("other", "other's line")):
        world.ids[name] = world.post(ITEMS, body, who)["id"]
    for guest in ("guest", "other guest"):
        opened = world.client.post(ITEMS, json=body)
        assert opened.status_code == 201, opened.text
        world.headers[guest] = {TOKEN: opened.headers[TOKEN]}
        world.ids[f"line of {guest}"] = opened.json["id"]


def _say_what_is_known(world: "World") -> None:
    ids = world.ids
    orders = [ids[name] for name in ("order", "paid order", "shipped order", "order to cancel")]
    world.know(
        item_id=[ids["line"], ids["other's line"]],
        order_id=[*orders, ids["order to refund"], ids["other's shipped order"]],
        shipment_id=[ids["shipment"]],
        note_id=[ids["note"]],
        payment_id=[ids["payment"], ids["other's payment"]],
        refund_id=[ids["refund"]],
        product_id=[ids["mug"], ids["product"]],
        payment_method=["till"],
        provider=["till"],
        quantity=[1, 3],
        shipping_address_id=[ids["address"], ids["other's address"]],
        note=["As agreed."],
        carrier=["Post"],
        amount=["1.00", "80"],
        expected_total=["160.00"],
        placed_from=["2025-01-01"],
        placed_to=["2035-01-01"],
    )
    world.special |= _exceptions(world)


def _exceptions(world: "World") -> dict[str, Any]:
    ids = world.ids
    order, parcel = f"{ORDERS}{{order_id}}/", {"carrier": "Post", "tracking_code": ""}
    shipped, lines = {"order_id": [ids["shipped order"]]}, [{"item_id": ids["item"], "quantity": 1}]
    address = {"shipping_address_id": ids["address"]}
    place = {**address, "payment_method": "till"}
    give = [REASON, {**REASON, "amount": "1.00"}, {**REASON, "lines": lines}]
    wishes = {
        f"POST {ORDERS}{kind}/{{request_id}}/{verdict}/": {"request_id": [ids[name]]}
        for kind, name in (("cancellations", "cancellation"), ("refund-requests", "refund request"))
        for verdict in ("approve", "decline")
    }
    return wishes | {
        f"POST {CART}merge/": {"token": [world.headers["guest"][TOKEN]]},
        f"POST {ITEMS}": {"whole body": [{"product_id": ids["mug"]}, {"variant_id": ids["variant"]}]},
        f"POST {ORDERS}": {"whole body": [place, {**place, "expected_total": "160.00"}]},
        f"POST {ORDERS}quote/": {"whole body": [address, {"shipping_address": {"country": "ET"}}]},
        f"PATCH {order}": {"order_id": [ids["paid order"], ids["order"]], "status": ["processing"]},
        f"GET {order}invoice/": {"order_id": [ids["paid order"], ids["order"]]},
        f"DELETE {order}cancel/": {"order_id": [ids["order to cancel"]]},
        f"POST {order}shipments/": {**shipped, "whole body": [parcel, {**parcel, "lines": lines}]},
        f"PATCH {order}shipments/{{shipment_id}}/": shipped,
        f"POST {order}shipments/{{shipment_id}}/deliver/": shipped,
        f"DELETE {order}notes/{{note_id}}/": shipped,
        f"POST {order}refunds/": {**shipped, "whole body": give},
        f"POST {order}refund-requests/": {**shipped, "whole body": give},
    }
