"""The cart's routes. A cart belongs to whoever is signed in, and else to whoever sends its token."""

from typing import Any
from uuid import UUID

from flask import request

from nexus_cart.config import CartConfig
from nexus_cart.errors import ItemNotFound
from nexus_cart.schemas import (
    AddItemSchema,
    CartSchema,
    ItemSchema,
    MergedCartSchema,
    SetQuantitySchema,
    TokenSchema,
)
from nexus_cart.services.carts import Carts, no_cart
from nexus_cart.services.holders import Holder, guest_of, new_guest
from nexus_cart.services.merging import merge
from nexus_kernel import (
    Blueprint,
    current_actor,
    page_of,
    reading,
    settings,
    throttle_client,
    transaction,
)

TOKEN = "X-Cart-Token"
TOKEN_SENT = {
    "name": TOKEN,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The token of a guest's cart; left aside for whoever is signed in.",
}
TOKEN_GIVEN = {
    TOKEN: {
        "schema": {"type": "string"},
        "description": "The token of the guest's cart that was opened, told this once. It is a secret.",
    }
}

blp = Blueprint("cart", __name__, url_prefix="/api/cart", description="What a person is about to buy")


@blp.get("/cart/")
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.response(200, CartSchema)
def get_cart() -> dict[str, Any]:
    """The caller's cart at today's prices"""
    return _show()


@blp.get("/cart/items/", aliases=("/items/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.response(200, page_of(ItemSchema))
def list_items() -> dict[str, Any]:
    """The lines of the caller's cart, all on one page"""
    items = _show()["items"]
    return {"count": len(items), "count_exact": True, "next": None, "previous": None, "results": items}


@blp.post("/cart/items/", aliases=("/items/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.arguments(AddItemSchema)
@blp.response(201, ItemSchema, headers=TOKEN_GIVEN)
def add_item(args: dict[str, Any]) -> Any:
    """Add pieces to the cart; what is there already is incremented"""
    holder = _holder() or _opened()
    with reading() as session:
        item = Carts(session, holder).add(**args)
    return item, 201, {TOKEN: holder.token} if holder.token else {}


@blp.patch("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.arguments(SetQuantitySchema)
@blp.response(200, ItemSchema)
def update_item(args: dict[str, Any], item_id: UUID) -> dict[str, Any]:
    """Change the quantity of a line"""
    holder = _holder_of_a_line()
    with transaction() as session:
        return Carts(session, holder).set_quantity(item_id, **args)


@blp.put("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.arguments(SetQuantitySchema)
@blp.response(200, ItemSchema)
def replace_item(args: dict[str, Any], item_id: UUID) -> dict[str, Any]:
    """Set the quantity of a line"""
    holder = _holder_of_a_line()
    with transaction() as session:
        return Carts(session, holder).set_quantity(item_id, **args)


@blp.delete("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.response(204)
def delete_item(item_id: UUID) -> None:
    """Take a line out of the cart"""
    holder = _holder_of_a_line()
    with transaction() as session:
        Carts(session, holder).remove(item_id)


@blp.delete("/cart/clear/", aliases=("/clear/",))
@blp.requires("cart.use", guests=True)
@blp.doc(parameters=[TOKEN_SENT])
@blp.response(204)
def clear_cart() -> None:
    """Take everything out of the cart"""
    holder = _holder()
    if holder is not None:
        with reading() as session:
            Carts(session, holder).clear()


@blp.post("/cart/merge/", aliases=("/merge/",))
@blp.requires("cart.use")
@blp.arguments(TokenSchema)
@blp.response(200, MergedCartSchema)
def merge_carts(args: dict[str, Any]) -> dict[str, Any]:
    """Take over a guest's cart after signing in; the token is worth nothing afterwards"""
    guest = guest_of(args["token"])
    with transaction() as session:
        return merge(session, current_actor().person_id, guest.id)


def _show() -> dict[str, Any]:
    holder = _holder()
    if holder is None:
        return no_cart()
    with reading() as session:
        return Carts(session, holder).show()


def _holder() -> Holder | None:
    """Who holds the cart that the request is about; None for a guest without one. Raises TokenUnknown."""
    actor, token = current_actor(), request.headers.get(TOKEN)
    if actor.id is not None:
        return Holder(actor.id)
    return None if token is None else guest_of(token)


def _holder_of_a_line() -> Holder:
    holder = _holder()
    if holder is None:
        raise ItemNotFound()
    return holder


def _opened() -> Holder:
    """A new guest. Raises Throttled (429)."""
    throttle_client("cart.guests", settings(CartConfig).guest_rate)
    return new_guest()
