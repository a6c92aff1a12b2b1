"""The cart's routes."""

from typing import Any
from uuid import UUID

from nexus_cart.schemas import AddItemSchema, CartSchema, ItemSchema, SetQuantitySchema
from nexus_cart.services import Carts
from nexus_kernel import Blueprint, current_actor, page_of, reading, transaction

blp = Blueprint("cart", __name__, url_prefix="/api/cart", description="What a person is about to buy")


@blp.get("/cart/")
@blp.requires("cart.use")
@blp.response(200, CartSchema)
def get_cart() -> dict[str, Any]:
    """The caller's cart at today's prices"""
    with reading() as session:
        return Carts(session, current_actor().person_id).show()


@blp.get("/cart/items/", aliases=("/items/",))
@blp.requires("cart.use")
@blp.response(200, page_of(ItemSchema))
def list_items() -> dict[str, Any]:
    """The lines of the caller's cart, all on one page"""
    with reading() as session:
        items = Carts(session, current_actor().person_id).show()["items"]
    return {"count": len(items), "count_exact": True, "next": None, "previous": None, "results": items}


@blp.post("/cart/items/", aliases=("/items/",))
@blp.requires("cart.use")
@blp.arguments(AddItemSchema)
@blp.response(201, ItemSchema)
def add_item(args: dict[str, Any]) -> dict[str, Any]:
    """Add pieces to the cart; what is there already is incremented"""
    with reading() as session:
        return Carts(session, current_actor().person_id).add(**args)


@blp.patch("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use")
@blp.arguments(SetQuantitySchema)
@blp.response(200, ItemSchema)
def update_item(args: dict[str, Any], item_id: UUID) -> dict[str, Any]:
    """Change the quantity of a line"""
    with transaction() as session:
        return Carts(session, current_actor().person_id).set_quantity(item_id, **args)


@blp.put("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use")
@blp.arguments(SetQuantitySchema)
@blp.response(200, ItemSchema)
def replace_item(args: dict[str, Any], item_id: UUID) -> dict[str, Any]:
    """Set the quantity of a line"""
    with transaction() as session:
        return Carts(session, current_actor().person_id).set_quantity(item_id, **args)


@blp.delete("/cart/items/<uuid:item_id>/", aliases=("/items/<uuid:item_id>/",))
@blp.requires("cart.use")
@blp.response(204)
def delete_item(item_id: UUID) -> None:
    """Take a line out of the cart"""
    with transaction() as session:
        Carts(session, current_actor().person_id).remove(item_id)


@blp.delete("/cart/clear/", aliases=("/clear/",))
@blp.requires("cart.use")
@blp.response(204)
def clear_cart() -> None:
    """Take everything out of the cart"""
    with reading() as session:
        Carts(session, current_actor().person_id).clear()
